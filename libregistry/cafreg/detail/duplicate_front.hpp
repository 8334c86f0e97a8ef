// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <caf/message_handler.hpp>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

/// Spawns the actor that offers a duplicate registry's operations by message.
template <class Ref>
caf::strong_actor_ptr spawn_duplicate_front(Ref ref) {
  using key_type = typename Ref::key_type;
  using value_type = typename Ref::value_type;
  auto& sys = ref.system();
  auto body = [ref](caf::event_based_actor* self) -> caf::behavior {
    on_any_message(self, make_error(errc::bad_request, ref.name(), {},
                                    "no operation takes such a message"));
    auto add = [ref](const caf::actor& who, const key_type& key,
                     value_type value) -> caf::result<caf::actor, bool> {
      auto done = ref.register_as(who, key, std::move(value));
      if (!done)
        return std::move(done.error());
      return {who, true};
    };
    caf::message_handler result{
      [add](ask::register_as, const caf::actor& who, const key_type& key,
            value_type value) { return add(who, key, std::move(value)); },
      [add](ask::register_as, const caf::actor& who, const key_type& key) {
        return add(who, key, value_type{});
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
      [ref](ask::lookup,
            const key_type& key) -> caf::result<std::vector<caf::actor>> {
        if (ref.closed())
          return ref.lookup_error(errc::closed, key);
        std::vector<caf::actor> actors;
        for (auto& x : ref.lookup(key))
          actors.push_back(x.handle());
        return actors;
      },
      [ref](ask::count) { return static_cast<uint64_t>(ref.count()); },
      [ref](ask::count, const key_type& key) {
        return static_cast<uint64_t>(ref.count(key));
      },
      [ref](ask::publish, const key_type& key, const caf::message& msg) {
        return static_cast<uint64_t>(ref.publish_message(key, msg));
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
