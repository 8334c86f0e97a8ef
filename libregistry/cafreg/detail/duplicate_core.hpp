// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "cafreg/caf.hpp"
#include "cafreg/detail/duplicate_table.hpp"
#include "cafreg/detail/typed_core.hpp"
#include "cafreg/options.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// A duplicate registry behind its facades: the table, what it tells the world
/// of its changes, and what wakes up when a key gets an entry.
template <class Key, class Value>
class duplicate_core final
  : public typed_core<duplicate_core<Key, Value>, Key, Value> {
public:
  using super = typed_core<duplicate_core, Key, Value>;

  using table_type = duplicate_table<Key, Value, actors, duplicate_core>;

  using entry_type = typename table_type::entry_type;

  using typename super::held_by;

  using typename super::key_arg;

  duplicate_core(caf::actor_system& sys, registry_options options)
    : super(sys, std::move(options)),
      table_(*this, super::strong(), num_partitions()) {
    // nop
  }

  table_type& table() noexcept {
    return table_;
  }

  // -- called by keepers ------------------------------------------------------

  bool flush() noexcept override {
    return false; // whoever removes something releases it
  }

  // -- seen from outside ------------------------------------------------------

  registry_stats stats() {
    return {table_.size(),        table_.key_count(), table_.registrant_count(),
            table_.lookups(),     table_.removals(),  super::cleanups(),
            super::events_sent(), super::backlog()};
  }

  void for_each_actor(
    const std::function<void(const caf::actor_control_block*)>& fn) override {
    table_.for_each([&fn](const auto&, const entry_type& x) { fn(x.actor()); });
  }

  /// What `locked` of the table has found.
  static held_by present(const entry_type* found) {
    if (found == nullptr)
      return {};
    return {found->actor(), &found->value()};
  }

  // -- called by the table ----------------------------------------------------

  // Without a lock.

  using super::monitor_for;

  // Under the lock of the key's shard.

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const Value& value, const change&) {
    super::announce(shard, key, who, value);
  }

  void unregistered(size_t, key_arg key, caf::actor_control_block* who,
                    const Value& value, const change& how) {
    super::withdraw(key, who, value, how);
  }

private:
  size_t num_partitions() const noexcept {
    auto& xs = super::options();
    return xs.partition_by == partition_by::registrant ? xs.partitions : 1;
  }

  // Goes before the base, which it tells of its end.
  table_type table_;
};

} // namespace cafreg::detail
