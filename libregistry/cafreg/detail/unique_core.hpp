// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/interests.hpp"
#include "cafreg/detail/key_interest.hpp"
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

  using interest_type = key_interest<Key, Value>;

  using key_arg = key_view<Key>;

  unique_core(caf::actor_system& sys, registry_options options)
    : core_base(sys, std::move(options)),
      table_(*this, core_base::options().hold == hold::strong) {
    // nop
  }

  table_type& table() noexcept {
    return table_;
  }

  /// The locks of `with_lock`, made at the first use: most programs need none,
  /// and need not compile them.
  keyed_mutex<Key>& locks() {
    std::lock_guard guard{locks_mutex_};
    if (!locks_)
      locks_ = std::make_shared<keyed_mutex<Key>>();
    return *static_cast<keyed_mutex<Key>*>(locks_.get());
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
      disappoint(*x, errc::timeout);
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
    interests_.list(result);
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
    Key copy{key};
    auto first = interests_.take(table_.hash(key), &copy,
                                 interest::kind::standby, 1);
    if (first.empty())
      return std::nullopt;
    auto& x = downcast(*first.front());
    inheritance result{x.who.get(), std::move(*x.value)};
    drop_later(std::move(x.who));
    return result;
  }

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const Value& value, const change&) {
    if (!interests_.any(shard) && !has_listeners())
      return;
    Key copy{key};
    auto what = make_event(copy, value, who);
    if (has_listeners())
      notify(to_message(cafreg::registered{what}));
    if (!interests_.any(shard))
      return;
    auto hash = table_.hash(key);
    interests_.post_to_watchers(hash, &copy, to_message(name_state{what}));
    for (auto& x : interests_.take(hash, &copy, interest::kind::await))
      answer(downcast(*x), what, value);
  }

  void unregistered(size_t shard, key_arg key, caf::actor_control_block* who,
                    const Value& value, const change& how, bool succeeded) {
    auto wanted = interests_.any(shard) && !succeeded;
    if (!wanted && !has_listeners())
      return;
    Key copy{key};
    if (has_listeners())
      notify(to_message(cafreg::unregistered{
        make_event(copy, value, who), how.why,
        how.reason != nullptr ? *how.reason : caf::error{}}));
    if (wanted)
      interests_.post_to_watchers(table_.hash(key), &copy,
                                  to_message(name_state{make_event(copy)}));
  }

  // -- interests --------------------------------------------------------------

  std::unique_ptr<interest_type> make_interest(interest::kind what, key_arg key,
                                               caf::strong_actor_ptr who) {
    auto hash = table_.hash(key);
    return std::make_unique<interest_type>(what, shard_of(hash), hash,
                                           std::move(who), Key{key});
  }

  /// Notes an interest and tells of the present state, in one step.
  /// @returns its id, or 0 if the registry is closed.
  uint64_t add_interest(std::unique_ptr<interest_type> x) {
    auto who = x->who;
    if (who)
      table_.enroll(who.get());
    auto id = interests_.next_id();
    auto deadline = x->deadline;
    x->id = id;
    auto added = table_.locked(
      x->key, [&](size_t, const typename table_type::node* present) {
        if (table_.closed())
          return false;
        auto held = present != nullptr && !actors::dead(present->actor);
        auto now = held ? make_event(x->key, present->value, present->actor)
                        : make_event(x->key);
        if (x->what == interest::kind::await && held) {
          answer(*x, now, present->value);
          return true;
        }
        if (x->what == interest::kind::watch)
          post(who.get(), to_message(name_state{now}));
        return interests_.add(std::move(x));
      });
    if (!added)
      return 0;
    if (deadline != clock_type::time_point::max())
      wake_at(deadline);
    // It may have died before anyone would have told us.
    if (who && actors::dead(who.get()))
      interests_.take(id);
    return id;
  }

  bool cancel(uint64_t id) override {
    auto x = interests_.take(id);
    if (!x)
      return false;
    if (x->what == interest::kind::await)
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
      disappoint(*x, errc::closed);
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
      post(x.who.get(), to_message(awaited{what, x.id}));
    drop_later(std::move(x.who));
  }

  static interest_type& downcast(interest& x) noexcept {
    return static_cast<interest_type&>(x);
  }

  void disappoint(interest& any, errc why) noexcept {
    auto& x = downcast(any);
    if (x.blocked)
      x.blocked->fail(why);
    else if (x.what == interest::kind::await)
      post(x.who.get(),
           to_message(awaited{make_event(x.key), x.id,
                              error(why, key_text(x.key), describe(why))}));
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
  interests interests_;
  std::mutex locks_mutex_;
  std::shared_ptr<void> locks_;
  std::atomic<uint64_t> cleanups_{0};
  std::atomic<bool> closing_{false};
  // Last, so that it goes first: it tells the others of its end.
  table_type table_;
};

} // namespace cafreg::detail
