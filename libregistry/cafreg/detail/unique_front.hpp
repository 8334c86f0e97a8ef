// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <caf/message_handler.hpp>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/front.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"

namespace cafreg::detail {

/// An answer of an actor and, unless it says nothing, a value.
template <class Value>
using found_answer
  = std::conditional_t<std::is_same_v<Value, unit>, caf::result<caf::actor>,
                       caf::result<caf::actor, Value>>;

template <class Value>
found_answer<Value> make_found_answer(caf::actor who, Value value) {
  if constexpr (std::is_same_v<Value, unit>)
    return {std::move(who)};
  else
    return {std::move(who), std::move(value)};
}

/// Spawns the actor that offers a unique registry's operations by message.
template <class Ref>
caf::strong_actor_ptr spawn_unique_front(Ref ref) {
  using key_type = typename Ref::key_type;
  using value_type = typename Ref::value_type;
  auto insert = [ref](const caf::actor& who, const key_type& key,
                      value_type value) -> caf::result<caf::actor, bool> {
    auto done = ref.register_as(who, key, std::move(value));
    if (!done)
      return std::move(done.error());
    return {done->holder, done->inserted};
  };
  return spawn_front(ref, [ref, insert](caf::event_based_actor* self,
                                        promises& waiting) {
    caf::message_handler own{
      [ref](ask::lookup, const key_type& key) -> found_answer<value_type> {
        auto entry = ref.lookup(key);
        if (!entry)
          return ref.lookup_error(entry.error(), key);
        return make_found_answer(entry->handle(), entry->value());
      },
      [ref](ask::count, const key_type& key) {
        return static_cast<uint64_t>(ref.whereis(key) ? 1 : 0);
      },
      [ref](ask::give_away, const key_type& key, const caf::actor& from,
            const caf::actor& to) -> caf::result<bool> {
        if (auto err = ref.give_away(key, from, to); failed(err))
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
      [ref, self, &waiting](ask::await, const key_type& key,
                            caf::timespan timeout) {
        caf::actor here{self};
        // The wait is the requester's, and ends with it. The promise is going
        // to take the sender away.
        auto who = self->current_sender();
        if (!who)
          who = caf::actor_cast<caf::strong_actor_ptr>(here);
        auto promise = self->make_response_promise();
        auto wait = ref.await_for(std::move(who), here, key, timeout);
        if (wait)
          waiting.emplace(wait->id(), promise);
        else
          promise.deliver(std::move(wait.error()));
        return promise;
      },
      [&waiting](const awaited& answer) {
        auto pos = waiting.find(answer.id());
        if (pos == waiting.end())
          return;
        auto promise = std::move(pos->second);
        waiting.erase(pos);
        if (failed(answer.error()))
          promise.deliver(answer.error());
        else if constexpr (std::is_same_v<value_type, unit>)
          promise.deliver(answer.handle());
        else
          promise.deliver(answer.handle(),
                          *answer.template value<value_type>());
      },
    };
    return own.or_else(common_operations(ref, insert));
  });
}

} // namespace cafreg::detail
