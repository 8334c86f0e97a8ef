// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/message_handler.hpp>
#include <caf/response_promise.hpp>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/bouncer.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

/// Whether a registry can be used by message.
template <class Key, class Value, class Handle>
concept usable_by_message
  = sendable<Key> && sendable<Value> && std::same_as<Handle, caf::actor>;

/// The operations by message that all registries have.
/// @param insert `insert(who, key, value)` answers `ask::register_as`.
template <class Ref, class Insert>
caf::message_handler common_operations(Ref ref, Insert insert) {
  using key_type = typename Ref::key_type;
  using value_type = typename Ref::value_type;
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
    [ref](ask::unregister_all, const caf::actor& who) -> caf::result<uint64_t> {
      auto count = ref.unregister_all(who);
      if (!count)
        return std::move(count.error());
      return static_cast<uint64_t>(*count);
    },
    [ref](ask::count) { return static_cast<uint64_t>(ref.count()); },
  };
  if constexpr (sendable<std::vector<key_type>>)
    result = result.or_else(
      [ref](ask::keys, const caf::actor& who) { return ref.keys(who); });
  return result;
}

/// The promises of those who wait for something, by the ids of their waits.
using promises = std::unordered_map<uint64_t, caf::response_promise>;

/// Spawns the actor that offers a registry's operations by message. As long as
/// somebody has a handle of it, it outlives the registry, and then says that
/// this is closed.
/// @param operations `operations(self, promises&)` is a handler for messages;
///                   its promises last as long as the handler.
template <class Ref, class Operations>
caf::strong_actor_ptr spawn_front(const Ref& ref, Operations operations) {
  auto body = [name = ref.name(), operations = std::move(operations)](
                caf::event_based_actor* self) -> caf::behavior {
    on_any_message(self, make_error(errc::bad_request, name, {},
                                    "no operation takes such a message"));
    auto open = std::make_shared<promises>();
    return operations(self, *open).or_else([self, name, open](close_request) {
      auto closed = make_error(errc::closed, name, {},
                               "the registry is closed");
      for (auto& [id, promise] : std::exchange(*open, {}))
        promise.deliver(closed);
      self->become(bounce(self, std::move(closed)));
    });
  };
  return caf::actor_cast<caf::strong_actor_ptr>(
    ref.system().template spawn<caf::hidden>(std::move(body)));
}

} // namespace cafreg::detail
