// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/interests.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/keyed_mutex.hpp"
#include "cafreg/detail/unique_table.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// A unique registry behind its facades: the table, what it tells the world of
/// its changes, and what wakes up when a name changes.
template <class Key, class Value>
class unique_core final : public core_base {
public:
  using cause = change;

  using table_type = unique_table<Key, Value, actors, unique_core>;

  using interests_type = interests<Key, Value>;

  using interest_type = typename interests_type::value_type;

  using kind = typename interest_type::kind;

  using key_arg = key_view<Key>;

  unique_core(caf::actor_system& sys, registry_options options)
    : core_base(sys, std::move(options)),
      table_(*this, core_base::options().hold == hold::strong) {
    // nop
  }

  table_type& table() noexcept {
    return table_;
  }

  interests_type& wanted() noexcept {
    return interests_;
  }

  keyed_mutex<Key>& locks() noexcept {
    return locks_;
  }

  // -- called by keepers ------------------------------------------------------

  void actor_down(caf::actor_control_block* who,
                  const caf::error& reason) override {
    table_.erase_all(who, {departure::down, &reason}, true);
    cleanups_.fetch_add(1, std::memory_order_relaxed);
    auto dropped = interests_.take_of(who);
    remove_listener(who);
  }

  bool flush() noexcept override {
    return table_.flush();
  }

  clock_type::time_point expire(clock_type::time_point now) override {
    auto next = clock_type::time_point::max();
    for (auto& x : interests_.take_expired(now, next))
      disappoint(x, errc::timeout);
    return next;
  }

  // -- seen from outside ------------------------------------------------------

  registry_stats stats() {
    auto entries = table_.size();
    return {entries,
            entries,
            table_.registrant_count(),
            table_.lookups(),
            table_.removals(),
            cleanups_.load(std::memory_order_relaxed),
            events_sent()};
  }

  std::vector<holder_info> holders() {
    std::vector<holder_info> result;
    if (table_.strong()) {
      std::map<caf::actor_id, size_t> entries;
      table_.for_each([&entries](const auto& x) { ++entries[x.actor->id()]; });
      for (auto [id, count] : entries)
        result.push_back({id, holder_role::registrant, count});
    }
    for (auto& who : listeners())
      result.push_back({who->id(), holder_role::listener, 0});
    interests_.for_each([&result](const interest_type& x) {
      if (!x.who)
        return;
      auto role = x.what == kind::watch   ? holder_role::watcher
                  : x.what == kind::await ? holder_role::waiter
                                          : holder_role::standby;
      result.push_back({x.who->id(), role, 0});
    });
    return result;
  }

  // -- called by the table ----------------------------------------------------

  // Without a lock.

  using core_base::garbage;
  using core_base::monitor_for;

  bool has_heirs() const noexcept {
    return interests_.any_standby();
  }

  change cause_of_death(const caf::actor_control_block*) const noexcept {
    return {departure::down, &unknown_};
  }

  // Under the lock of the key's shard.

  struct inheritance {
    caf::actor_control_block* actor;
    Value value;
  };

  std::optional<inheritance> heir(size_t shard, key_arg key) {
    if (!interests_.any(shard))
      return std::nullopt;
    auto first = interests_.take(Key{key}, kind::standby, 1);
    if (first.empty())
      return std::nullopt;
    auto& x = first.front();
    inheritance result{x.who.get(), std::move(*x.value)};
    drop_later(std::move(x.who));
    return result;
  }

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const Value& value, const change&) {
    auto wanted = interests_.any(shard);
    if (!wanted && !has_listeners())
      return;
    Key copy{key};
    auto what = make_event(copy, value, who);
    if (has_listeners())
      notify(caf::make_message(cafreg::registered{what}));
    if (!wanted)
      return;
    interests_.for_each_watch(copy, [&](const interest_type& x) {
      post(x.who.get(), caf::make_message(name_state{what}));
    });
    for (auto& x : interests_.take(copy, kind::await))
      answer(x, what, value);
  }

  void unregistered(size_t shard, key_arg key, caf::actor_control_block* who,
                    const Value& value, const change& how, bool succeeded) {
    auto wanted = interests_.any(shard) && !succeeded;
    if (!wanted && !has_listeners())
      return;
    Key copy{key};
    auto what = make_event(copy, value, who);
    if (has_listeners())
      notify(caf::make_message(cafreg::unregistered{
        what, how.why, how.reason != nullptr ? *how.reason : caf::error{}}));
    if (wanted) {
      auto nobody = make_event(copy);
      interests_.for_each_watch(copy, [&](const interest_type& x) {
        post(x.who.get(), caf::make_message(name_state{nobody}));
      });
    }
  }

  // -- interests --------------------------------------------------------------

  /// Notes an interest and tells of the present state, in one step.
  /// @returns its id, or 0 if the registry is closed.
  uint64_t add_interest(interest_type x) {
    if (x.who)
      table_.enroll(x.who.get());
    x.id = interests_.next_id();
    auto id = x.id;
    auto deadline = x.deadline;
    auto added = table_.locked(
      x.key, [&](size_t shard, const typename table_type::node* present) {
        if (table_.closed())
          return false;
        auto held = present != nullptr && !actors::dead(present->actor);
        if (x.what == kind::await && held) {
          answer(x, make_event(x.key, present->value, present->actor),
                 present->value);
          return true;
        }
        if (x.what == kind::watch) {
          if (held)
            post(x.who.get(), caf::make_message(name_state{make_event(
                                x.key, present->value, present->actor)}));
          else
            post(x.who.get(), caf::make_message(name_state{make_event(x.key)}));
        }
        return interests_.add(shard, x);
      });
    if (!added)
      return 0;
    if (deadline != clock_type::time_point::max())
      wake_at(deadline);
    // It may have died before anyone would have told us.
    if (x.who && actors::dead(x.who.get()))
      interests_.take(id);
    return id;
  }

  bool cancel(uint64_t id) override {
    auto x = interests_.take(id);
    if (!x)
      return false;
    if (x->what == kind::await)
      disappoint(*x, errc::cancelled);
    return true;
  }

  // -- shutting down ----------------------------------------------------------

  /// Drops everything. Any thread, any number of times, beside any operation.
  void close() noexcept {
    if (closing_.exchange(true))
      return;
    std::vector<caf::strong_actor_ptr> living;
    table_.close({departure::closed, nullptr},
                 [&living](caf::actor_control_block* who) {
                   if (caf::intrusive_ptr_upgrade_weak(who))
                     living.emplace_back(who, false);
                 });
    for (auto& x : interests_.close())
      disappoint(x, errc::closed);
    for (auto& who : living)
      detach_monitors(who.get(), keeper_of(who.get()).get());
    drop_all();
    stop();
  }

private:
  event make_event(const Key& key, const Value& value,
                   caf::actor_control_block* who) const {
    return {name(), std::make_shared<event_data_of<Key, Value>>(key, value),
            actors::borrow(who, table_.strong())
              ? caf::strong_actor_ptr{who, false}
              : nullptr};
  }

  // An event about a name without a holder.
  event make_event(const Key& key) const {
    return {name(), std::make_shared<event_data_of<Key, Value>>(key), nullptr};
  }

  void answer(interest_type& x, const event& what, const Value& value) {
    if (x.blocked)
      x.blocked->answer(what.holder(), value);
    else
      post(x.who.get(), caf::make_message(awaited{what, x.id}));
    drop_later(std::move(x.who));
  }

  void disappoint(const interest_type& x, errc why) noexcept {
    if (x.blocked) {
      x.blocked->fail(why);
    } else if (x.what == kind::await) {
      post(x.who.get(), caf::make_message(
                          awaited{make_event(x.key), x.id,
                                  error(why, key_text(x.key), describe(why))}));
    }
  }

  static std::string_view describe(errc why) noexcept {
    switch (why) {
      case errc::timeout:
        return "nobody registered it in time";
      case errc::cancelled:
        return "the wait was cancelled";
      default:
        return "the registry is closed";
    }
  }

  const caf::error unknown_{make_exit_error(caf::exit_reason::unknown)};
  interests_type interests_;
  keyed_mutex<Key> locks_;
  std::atomic<uint64_t> cleanups_{0};
  std::atomic<bool> closing_{false};
  // Last, so that it goes first: it tells the others of its end.
  table_type table_;
};

} // namespace cafreg::detail
