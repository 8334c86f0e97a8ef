// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/typed_core.hpp"
#include "cafreg/detail/unique_table.hpp"
#include "cafreg/events.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// A unique registry behind its facades: the table, what it tells the world of
/// its changes, and what wakes up when a name changes.
template <class Key, class Value>
class unique_core final
  : public typed_core<unique_core<Key, Value>, Key, Value> {
public:
  using super = typed_core<unique_core, Key, Value>;

  using table_type = unique_table<Key, Value, actors, unique_core>;

  using typename super::held_by;

  using typename super::key_arg;

  unique_core(caf::actor_system& sys, registry_options options)
    : super(sys, std::move(options)), table_(*this, super::strong()) {
    // nop
  }

  table_type& table() noexcept {
    return table_;
  }

  // -- called by keepers ------------------------------------------------------

  bool flush() noexcept override {
    return table_.flush();
  }

  // -- seen from outside ------------------------------------------------------

  registry_stats stats() {
    auto entries = table_.size();
    return {entries,
            entries,
            table_.registrant_count(),
            table_.lookups(),
            table_.removals(),
            super::cleanups(),
            super::events_sent(),
            super::backlog()};
  }

  void for_each_actor(
    const std::function<void(const caf::actor_control_block*)>& fn) override {
    table_.for_each([&fn](const auto& x) { fn(x.actor); });
  }

  /// What `locked` of the table has found.
  static held_by present(const typename table_type::node* found) {
    if (found == nullptr || actors::dead(found->actor))
      return {};
    return {found->actor, &found->value};
  }

  // -- called by the table ----------------------------------------------------

  // Without a lock.

  using super::garbage;
  using super::monitor_for;

  bool has_heirs() const noexcept {
    return super::interests_.any_standby();
  }

  change cause_of_death(const caf::actor_control_block*) const noexcept {
    return {departure::down, &unknown_};
  }

  // Under the lock of the key's shard.

  struct inheritance {
    caf::actor_control_block* actor;
    Value value;
    // Until the table has a reference of its own.
    typename super::late_drop kept;
    interests::succession underway;
  };

  std::optional<inheritance> heir(size_t shard, key_arg key) {
    if (!super::interests_.any(shard))
      return std::nullopt;
    Key copy{key};
    interests::succession underway{super::interests_};
    auto first = super::interests_.take(table_.hash(key), &copy,
                                        interest::kind::standby, 1);
    if (first.empty())
      return std::nullopt;
    auto& x = super::downcast(*first.front());
    auto* who = x.who.get();
    return inheritance{
      who, std::move(*x.value), {*this, std::move(x.who)}, std::move(underway)};
  }

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const Value& value, const change&) {
    super::announce(shard, key, who, value);
  }

  void unregistered(size_t shard, key_arg key, caf::actor_control_block* who,
                    const Value& value, const change& how, bool succeeded) {
    super::withdraw(key, who, value, how);
    if (!succeeded)
      super::announce_nobody(shard, key);
  }

private:
  const caf::error unknown_{make_exit_error(caf::exit_reason::unknown)};
  // Last, so that it goes first: it tells the others of its end.
  table_type table_;
};

} // namespace cafreg::detail
