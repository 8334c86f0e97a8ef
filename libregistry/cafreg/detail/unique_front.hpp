// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

/// An answer of an actor and, unless it says nothing, a value.
template <class Value>
struct found_answer {
  using type = caf::result<caf::actor, Value>;

  static type make(caf::actor who, Value value) {
    return {std::move(who), std::move(value)};
  }
};

template <>
struct found_answer<unit> {
  using type = caf::result<caf::actor>;

  static type make(caf::actor who, unit) {
    return {std::move(who)};
  }
};

/// Spawns the actor that offers a unique registry's operations by message.
template <class Ref>
caf::strong_actor_ptr spawn_unique_front(Ref ref) {
  using key_type = typename Ref::key_type;
  using value_type = typename Ref::value_type;
  using found = found_answer<value_type>;
  auto& sys = ref.system();
  auto body = [ref](caf::event_based_actor* self) -> caf::behavior {
    on_any_message(self, make_error(errc::bad_request, ref.name(), {},
                                    "no operation takes such a message"));
    using waits = std::unordered_map<uint64_t, caf::response_promise>;
    auto waiting = std::make_shared<waits>();
    auto insert = [ref](const caf::actor& who, const key_type& key,
                        value_type value) -> caf::result<caf::actor, bool> {
      auto done = ref.register_as(who, key, std::move(value));
      if (!done)
        return std::move(done.error());
      return {done->holder, done->inserted};
    };
    caf::message_handler result{
      [insert](ask::register_as, const caf::actor& who, const key_type& key,
               value_type value) { return insert(who, key, std::move(value)); },
      [insert](ask::register_as, const caf::actor& who, const key_type& key) {
        return insert(who, key, value_type{});
      },
      [ref](ask::unregister, const caf::actor& who,
            const key_type& key) -> caf::result<bool> {
        auto count = ref.unregister(who, key);
        if (!count)
          return std::move(count.error());
        return *count > 0;
      },
      [ref](ask::unregister_all,
            const caf::actor& who) -> caf::result<uint64_t> {
        auto count = ref.unregister_all(who);
        if (!count)
          return std::move(count.error());
        return static_cast<uint64_t>(*count);
      },
      [ref](ask::lookup, const key_type& key) -> typename found::type {
        auto entry = ref.lookup(key);
        if (!entry)
          return ref.lookup_error(entry.error(), key);
        return found::make(entry->handle(), entry->value());
      },
      [ref](ask::count) { return static_cast<uint64_t>(ref.count()); },
      [ref](ask::count, const key_type& key) {
        return static_cast<uint64_t>(ref.whereis(key) ? 1 : 0);
      },
      [ref](ask::give_away, const key_type& key, const caf::actor& from,
            const caf::actor& to) -> caf::result<bool> {
        if (auto err = ref.give_away(key, from, to))
          return err;
        return true;
      },
      [ref](ask::watch, const key_type& key,
            const caf::actor& who) -> caf::result<uint64_t> {
        auto subscription = ref.watch(key, who);
        if (!subscription)
          return std::move(subscription.error());
        return subscription->id();
      },
      [ref, self, waiting](ask::await, const key_type& key,
                           caf::timespan timeout) {
        auto promise = self->make_response_promise();
        auto wait = ref.await(key, caf::actor{self}, timeout);
        if (wait)
          waiting->emplace(wait->id(), promise);
        else
          promise.deliver(std::move(wait.error()));
        return promise;
      },
      [waiting](const awaited& answer) {
        auto pos = waiting->find(answer.id());
        if (pos == waiting->end())
          return;
        auto promise = std::move(pos->second);
        waiting->erase(pos);
        if (answer.error())
          promise.deliver(answer.error());
        else if constexpr (std::is_same_v<value_type, unit>)
          promise.deliver(answer.handle());
        else
          promise.deliver(answer.handle(),
                          *answer.template value<value_type>());
      },
    };
    if constexpr (sendable<std::vector<key_type>>)
      result = result.or_else(
        [ref](ask::keys, const caf::actor& who) { return ref.keys(who); });
    return result;
  };
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.template spawn<caf::hidden>(std::move(body)));
}

} // namespace cafreg::detail
