// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <caf/message_handler.hpp>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/front.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

/// Spawns the actor that offers a duplicate registry's operations by message.
template <class Ref>
caf::strong_actor_ptr spawn_duplicate_front(Ref ref) {
  using key_type = typename Ref::key_type;
  using value_type = typename Ref::value_type;
  auto add = [ref](const caf::actor& who, const key_type& key,
                   value_type value) -> caf::result<caf::actor, bool> {
    auto done = ref.register_as(who, key, std::move(value));
    if (!done)
      return std::move(done.error());
    return {who, true};
  };
  return spawn_front(ref, [ref, add](caf::event_based_actor*, promises&) {
    caf::message_handler own{
      [ref](ask::lookup,
            const key_type& key) -> caf::result<std::vector<caf::actor>> {
        if (ref.closed())
          return ref.lookup_error(errc::closed, key);
        std::vector<caf::actor> actors;
        for (auto& x : ref.lookup(key))
          actors.push_back(x.handle());
        return actors;
      },
      [ref](ask::count, const key_type& key) {
        return static_cast<uint64_t>(ref.count(key));
      },
      [ref](ask::publish, const key_type& key, const caf::message& msg) {
        return static_cast<uint64_t>(ref.publish_message(key, msg));
      },
    };
    return own.or_else(common_operations(ref, add));
  });
}

} // namespace cafreg::detail
