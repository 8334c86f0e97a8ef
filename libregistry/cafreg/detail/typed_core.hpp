// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/interests.hpp"
#include "cafreg/detail/key_interest.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/keyed_mutex.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/stored_key.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/options.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// What all registries share and what depends on the types of key and value:
/// events, interests in names, locks. `Derived` has the `table()`, and knows
/// what is special about it.
template <class Derived, class Key, class Value>
class typed_core : public core_base {
public:
  using cause = change;

  using interest_type = key_interest<Key, Value>;

  using key_arg = key_view<Key>;

  using core_base::core_base;

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
    table().erase_all(who, {departure::down, &reason}, true);
    // What it wanted is forgotten, too.
    cleanups_.fetch_add(1, std::memory_order_relaxed);
    auto dropped = interests_.take_of(who);
    remove_listener(who);
  }

  void enroll(caf::actor_control_block* who) final {
    table().enroll(who);
  }

  clock_type::time_point expire(clock_type::time_point now) final {
    auto next = clock_type::time_point::max();
    for (auto& x : interests_.take_expired(now, next))
      disappoint(*x, errc::timeout);
    return next;
  }

  bool cancel(uint64_t id) final {
    auto x = interests_.take(id);
    if (!x)
      return false;
    if (x->what == interest::kind::await)
      disappoint(*x, errc::cancelled);
    return true;
  }

  // -- seen from outside ------------------------------------------------------

  /// Lists whom this registry keeps alive.
  std::vector<holder_info> holders() {
    std::map<caf::actor_id, size_t> entries;
    if (strong())
      derived().for_each_actor([&entries](const caf::actor_control_block* who) {
        ++entries[who->id()];
      });
    std::vector<holder_info> result;
    result.reserve(entries.size());
    for (auto [id, count] : entries)
      result.push_back({id, holder_role::registrant, count});
    for (auto& who : listeners())
      result.push_back({who->id(), holder_role::listener, 0});
    interests_.list(result);
    return result;
  }

  // -- interests --------------------------------------------------------------

  std::unique_ptr<interest_type> make_interest(interest::kind what, key_arg key,
                                               caf::strong_actor_ptr who) {
    auto hash = table().hash(key);
    return std::make_unique<interest_type>(what, shard_of(hash), hash,
                                           std::move(who), Key{key});
  }

  /// Notes an interest and tells of the present state, in one step.
  /// @returns its id, or 0 if the registry is closed.
  uint64_t add_interest(std::unique_ptr<interest_type> x) {
    auto who = x->who;
    if (who)
      enroll(who.get());
    auto id = interests_.next_id();
    auto deadline = x->deadline;
    x->id = id;
    // Outlives the lock: it may drop the last reference of an actor.
    event now;
    auto added = table().locked(x->key, [&](size_t, auto* found) {
      if (table().closed())
        return false;
      held_by present = Derived::present(found);
      if (present.who != nullptr)
        now = make_event(x->key, *present.value, present.who);
      if (!now.holder()) { // nobody, or one that is being destroyed
        now = make_event(x->key);
        present.who = nullptr;
      }
      if (x->what == interest::kind::await && present.who != nullptr) {
        answer(*x, now, *present.value);
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

  // -- shutting down ----------------------------------------------------------

  /// Drops everything. Any thread, any number of times, beside any operation.
  /// Who is not the first does not rely on that one: each goes through all of
  /// it, so that the registry is closed for good when any of them returns, and
  /// nobody needs to be waited for but to see the end of foreign destructors.
  void close() noexcept {
    auto first = begin_closing();
    if (closed_down())
      return;
    std::vector<caf::strong_actor_ptr> living;
    table().close({departure::closed, nullptr},
                  [&living](caf::actor_control_block* who) {
                    if (caf::intrusive_ptr_upgrade_weak(who))
                      living.emplace_back(who, false);
                  });
    for (auto& x : interests_.close())
      disappoint(*x, errc::closed);
    for (auto& ref : living) {
      auto* who = ref.get();
      detach_monitors(who, keeper_of(who).get());
    }
    drop_all();
    stop();
    living.clear();
    if (first)
      end_closing();
    else
      wait_closed();
  }

protected:
  /// An entry, borrowed from the table; of nobody if there is none.
  struct held_by {
    caf::actor_control_block* who = nullptr;
    const Value* value = nullptr;
  };

  bool strong() const noexcept {
    return options().hold == hold::strong;
  }

  uint64_t cleanups() const noexcept {
    return cleanups_.load(std::memory_order_relaxed);
  }

  // -- changes, under the lock of the key's shard -----------------------------

  /// Tells listeners, watchers, and those who wait.
  void announce(size_t shard, key_arg key, caf::actor_control_block* who,
                const Value& value) {
    if (!interests_.any(shard) && !has_listeners())
      return;
    tell([&] {
      Key copy{key};
      auto what = make_event(copy, value, who);
      if (has_listeners())
        notify(to_message(cafreg::registered{what}));
      if (!interests_.any(shard))
        return;
      auto hash = table().hash(key);
      interests_.post_to_watchers(hash, &copy, to_message(name_state{what}));
      for (auto& x : interests_.take(hash, &copy, interest::kind::await))
        answer(downcast(*x), what, value);
    });
  }

  /// Tells listeners.
  void withdraw(key_arg key, caf::actor_control_block* who, const Value& value,
                const change& how) {
    if (!has_listeners())
      return;
    tell([&] {
      notify(to_message(cafreg::unregistered{
        make_event(Key{key}, value, who), how.why,
        how.reason != nullptr ? *how.reason : caf::error{}}));
    });
  }

  /// Tells watchers that nobody holds a key.
  void announce_nobody(size_t shard, key_arg key) {
    if (!interests_.any(shard))
      return;
    tell([&] {
      Key copy{key};
      interests_.post_to_watchers(table().hash(key), &copy,
                                  to_message(name_state{make_event(copy)}));
    });
  }

  static interest_type& downcast(interest& x) noexcept {
    return static_cast<interest_type&>(x);
  }

  interests interests_;

private:
  Derived& derived() noexcept {
    return static_cast<Derived&>(*this);
  }

  // A template, for the type is incomplete as long as this class is.
  auto& table() noexcept {
    return derived().table();
  }

  // Events are lost when a key or a value cannot be copied, or memory runs out:
  // the change itself has happened.
  template <class Fn>
  static void tell(Fn&& fn) noexcept {
    try {
      fn();
    } catch (...) {
      // nop
    }
  }

  event make_event(const Key& key, const Value& value,
                   caf::actor_control_block* who) const {
    return {name(), std::make_shared<event_data_of<Key, Value>>(key, value),
            actors::borrow(who, strong()) ? caf::strong_actor_ptr{who, false}
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

  std::mutex locks_mutex_;
  std::shared_ptr<void> locks_;
  std::atomic<uint64_t> cleanups_{0};
};

} // namespace cafreg::detail
