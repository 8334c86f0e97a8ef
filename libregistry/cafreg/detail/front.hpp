// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/message_handler.hpp>
#include <caf/response_promise.hpp>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
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
    [ref](ask::cancel, uint64_t id) { return ref.cancel(id); },
    [ref](ask::count) { return static_cast<uint64_t>(ref.count()); },
  };
  if constexpr (sendable<std::vector<key_type>>)
    result = result.or_else(
      [ref](ask::keys, const caf::actor& who) { return ref.keys(who); });
  return result;
}

/// The promises of those who wait for something, by the ids of their waits.
using promises = std::unordered_map<uint64_t, caf::response_promise>;

/// Makes the handler of messages that offers a registry's operations.
/// @param open Lasts as long as the handler.
using front_operations = std::function<caf::message_handler(
  caf::event_based_actor* self, promises& open)>;

/// Spawns the actor that offers the operations of the registry `name` by
/// message, until `close_front` is called. No message but one that kills ends
/// it before.
caf::strong_actor_ptr spawn_front(caf::actor_system& sys, std::string name,
                                  front_operations operations);

/// Ends a front. Who waits for an answer, and whoever sends it a request from
/// then on, however long he keeps the handle, is told that the registry is
/// closed. Never waits.
void close_front(const caf::strong_actor_ptr& front);

/// Spawns the front of a registry, see above.
template <class Ref>
caf::strong_actor_ptr spawn_front(const Ref& ref, front_operations operations) {
  return spawn_front(ref.system(), ref.name(), std::move(operations));
}

} // namespace cafreg::detail
