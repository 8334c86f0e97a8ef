// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/duplicate_table.hpp"
#include "cafreg/detail/typed_core.hpp"
#include "cafreg/options.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// A duplicate registry behind its facades: the table, what it tells the world
/// of its changes, and what wakes up when a key gets an entry.
template <class Key, class Value>
class duplicate_core final : public typed_core<Key, Value> {
public:
  using super = typed_core<Key, Value>;

  using cause = change;

  using table_type = duplicate_table<Key, Value, actors, duplicate_core>;

  using entry_type = typename table_type::entry_type;

  using typename super::interest_type;

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

  void actor_down(caf::actor_control_block* who,
                  const caf::error& reason) override {
    table_.erase_all(who, {departure::down, &reason}, true);
    super::forget(who);
  }

  void enroll(caf::actor_control_block* who) override {
    table_.enroll(who);
  }

  bool flush() noexcept override {
    return false; // whoever removes something releases it
  }

  // -- seen from outside ------------------------------------------------------

  registry_stats stats() {
    return {table_.size(),       table_.key_count(), table_.registrant_count(),
            table_.lookups(),    table_.removals(),  super::cleanups(),
            super::events_sent()};
  }

  std::vector<holder_info> holders() {
    std::map<caf::actor_id, size_t> entries;
    if (table_.strong())
      table_.for_each([&entries](const auto&, const entry_type& x) {
        ++entries[x.actor()->id()];
      });
    return super::list_holders(entries);
  }

  // -- called by the table ----------------------------------------------------

  // Without a lock.

  using super::monitor_for;

  // Under the lock of the key's shard.

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const Value& value, const change&) {
    super::announce(shard, key, who, value, [&] { return table_.hash(key); });
  }

  void unregistered(size_t, key_arg key, caf::actor_control_block* who,
                    const Value& value, const change& how) {
    super::withdraw(key, who, value, how);
  }

  // -- interests --------------------------------------------------------------

  std::unique_ptr<interest_type> make_interest(interest::kind what, key_arg key,
                                               caf::strong_actor_ptr who) {
    return super::make_interest(what, table_.hash(key), key, std::move(who));
  }

  /// See `typed_core::note_interest`.
  uint64_t add_interest(std::unique_ptr<interest_type> x) {
    using held_by = typename super::held_by;
    return super::note_interest(table_, std::move(x),
                                [](const entry_type* found) -> held_by {
                                  if (found == nullptr)
                                    return {};
                                  return {found->actor(), &found->value()};
                                });
  }

  // -- shutting down ----------------------------------------------------------

  /// Drops everything. Any thread, any number of times, beside any operation.
  void close() noexcept {
    super::shut_down(table_);
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
