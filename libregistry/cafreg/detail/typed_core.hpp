// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/key_interest.hpp"
#include "cafreg/detail/keyed_core.hpp"
#include "cafreg/detail/keyed_mutex.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/stored_key.hpp"
#include "cafreg/events.hpp"

namespace cafreg::detail {

/// What all registries share and what depends on the types of key and value:
/// hands over to `keyed_core` what does not. `Derived` has the `table()`, and
/// knows what is special about it.
template <class Derived, class Key, class Value>
class typed_core : public keyed_core {
public:
  using cause = change;

  using interest_type = key_interest<Key, Value>;

  using key_arg = key_view<Key>;

  using keyed_core::keyed_core;

  /// The locks of `with_lock`, made at the first use: most programs need none,
  /// and need not compile them.
  keyed_mutex<Key>& locks() {
    std::lock_guard guard{locks_mutex_};
    if (!locks_)
      locks_ = std::make_shared<keyed_mutex<Key>>();
    return *static_cast<keyed_mutex<Key>*>(locks_.get());
  }

  void enroll(caf::actor_control_block* who) final {
    table().enroll(who);
  }

  std::unique_ptr<interest_type> make_interest(interest::kind what, key_arg key,
                                               caf::strong_actor_ptr who) {
    auto hash = table().hash(key);
    return std::make_unique<interest_type>(what, shard_of(hash), hash,
                                           std::move(who), Key{key});
  }

protected:
  /// An entry, borrowed from the table; of nobody if there is none.
  struct held_by {
    caf::actor_control_block* who = nullptr;
    const Value* value = nullptr;
  };

  // -- what `keyed_core` asks for ---------------------------------------------

  size_t erase_dead(caf::actor_control_block* who, const change& how,
                    size_t limit) final {
    return table().erase_all(who, how, true, limit);
  }

  bool look(const interest& x, event& now,
            const std::function<bool()>& fn) final {
    auto& key = downcast(x).key;
    return table().locked(key, [&](size_t, auto* found) {
      if (table().closed())
        return false;
      held_by present = Derived::present(found);
      if (present.who != nullptr)
        now = make_event(describe(key, *present.value), present.who);
      if (!now.holder()) // nobody, or one that is being destroyed
        now = make_event(x.nobody());
      return fn();
    });
  }

  std::vector<caf::strong_actor_ptr> close_table() noexcept final {
    std::vector<caf::strong_actor_ptr> living;
    table().close({departure::closed, nullptr},
                  [&living](caf::actor_control_block* who) {
                    if (auto ref = actors::lock(who, false))
                      living.push_back(std::move(ref));
                  });
    return living;
  }

  // -- changes, under the lock of the key's shard -----------------------------

  void announce(size_t shard, key_arg key, caf::actor_control_block* who,
                const Value& value) noexcept {
    if (announces(shard))
      tell([&] {
        Key copy{key};
        keyed_core::announce(shard, table().hash(key), &copy,
                             make_event(describe(copy, value), who));
      });
  }

  void withdraw(key_arg key, caf::actor_control_block* who, const Value& value,
                const change& how) noexcept {
    if (has_listeners())
      tell([&] {
        keyed_core::withdraw(make_event(describe(Key{key}, value), who), how);
      });
  }

  void announce_nobody(size_t shard, key_arg key) noexcept {
    if (interests_.any(shard))
      tell([&] {
        Key copy{key};
        keyed_core::announce_nobody(
          table().hash(key), &copy,
          make_event(std::make_shared<event_data_of<Key, Value>>(copy)));
      });
  }

  static const interest_type& downcast(const interest& x) noexcept {
    return static_cast<const interest_type&>(x);
  }

  static interest_type& downcast(interest& x) noexcept {
    return static_cast<interest_type&>(x);
  }

private:
  // A template, for the type is incomplete as long as this class is.
  auto& table() noexcept {
    return static_cast<Derived&>(*this).table();
  }

  static event_data_ptr describe(const Key& key, const Value& value) {
    return std::make_shared<event_data_of<Key, Value>>(key, value);
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

  std::mutex locks_mutex_;
  std::shared_ptr<void> locks_;
};

} // namespace cafreg::detail
