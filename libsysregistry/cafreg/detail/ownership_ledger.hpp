// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/leaf_content.hpp"
#include "cafreg/detail/patient_lock.hpp"

namespace cafreg::detail {

/// The actors that a system registry knows, and the ids that stand for them in
/// its tree. Keeps those alive that own something, if it is to. Thread-safe.
class ownership_ledger {
public:
  /// @param strong Whether owners are kept alive.
  explicit ownership_ledger(bool strong) : strong_(strong) {
    // nop
  }

  /// The id of an actor. If it has none yet, it gets one, and `welcome(id)` is
  /// called, under the lock of this object, before anyone else can see it.
  /// Complexity: constant.
  /// @returns 0 if `welcome` returns false.
  template <class Welcome>
  owner_id enlist(caf::actor_control_block* who, Welcome welcome) {
    patient_lock guard{mutex_};
    if (auto pos = by_actor_.find(who); pos != by_actor_.end())
      return pos->second->id;
    auto fresh = std::make_unique<record>();
    fresh->id = next_id_;
    fresh->address = who->address();
    auto* entry = fresh.get();
    by_id_.emplace(next_id_, entry);
    try {
      by_actor_.emplace(who, std::move(fresh));
      if (welcome(next_id_))
        return next_id_++;
    } catch (...) {
      by_actor_.erase(who);
      by_id_.erase(next_id_);
      throw;
    }
    by_actor_.erase(who);
    by_id_.erase(next_id_);
    return 0;
  }

  /// The id of an actor, or 0.
  owner_id find(const caf::actor_control_block* who) const {
    patient_lock guard{mutex_};
    auto pos = by_actor_.find(who);
    return pos != by_actor_.end() ? pos->second->id : 0;
  }

  /// The actor behind an id: null if it is gone or unknown.
  caf::strong_actor_ptr actor(owner_id id) const {
    patient_lock guard{mutex_};
    auto pos = by_id_.find(id);
    return pos != by_id_.end()
             ? caf::actor_cast<caf::strong_actor_ptr>(pos->second->address)
             : nullptr;
  }

  /// Forgets an actor.
  void dismiss(const caf::actor_control_block* who) noexcept {
    std::unique_ptr<record> gone; // destroyed without the lock
    patient_lock guard{mutex_};
    auto pos = by_actor_.find(who);
    if (pos == by_actor_.end())
      return;
    by_id_.erase(pos->second->id);
    gone = std::move(pos->second);
    by_actor_.erase(pos);
  }

  /// Begins or ceases to keep owners alive, as `owns(id)` says, which throws
  /// nothing. Needs no memory: what was committed cannot fail any more.
  template <class Owns>
  void settle(const std::vector<owner_id>& ids, Owns owns) noexcept {
    if (!strong_)
      return;
    owner_id last = 0;
    for (auto id : ids)
      if (id != std::exchange(last, id)) // often the same in a row
        settle(id, owns);
  }

  size_t size() const {
    patient_lock guard{mutex_};
    return by_actor_.size();
  }

  /// Calls `fn(id, const strong_actor_ptr&)` for each actor that is kept alive.
  template <class Fn>
  void for_each_held(Fn fn) const {
    patient_lock guard{mutex_};
    for (auto& [id, entry] : by_id_)
      if (entry->held)
        fn(id, entry->held);
  }

  /// Forgets all, and calls `farewell(const strong_actor_ptr&)` without the
  /// lock for each one that still lives. Needs no memory.
  template <class Farewell>
  void clear(Farewell farewell) noexcept {
    decltype(by_actor_) gone;
    {
      patient_lock guard{mutex_};
      gone.swap(by_actor_);
      by_id_.clear();
    }
    for (auto& [who, entry] : gone)
      if (auto ptr = caf::actor_cast<caf::strong_actor_ptr>(entry->address))
        farewell(ptr);
  }

private:
  struct record {
    owner_id id = 0;
    // Keeps the memory of the actor, so that no other one gets its address.
    caf::actor_addr address;
    caf::strong_actor_ptr held;
  };

  template <class Owns>
  void settle(owner_id id, Owns& owns) noexcept {
    caf::strong_actor_ptr released; // destroyed without the lock
    patient_lock guard{mutex_};
    auto pos = by_id_.find(id);
    if (pos == by_id_.end())
      return;
    auto& entry = *pos->second;
    auto keeps = owns(id);
    if (keeps && !entry.held)
      entry.held = caf::actor_cast<caf::strong_actor_ptr>(entry.address);
    else if (!keeps && entry.held)
      released.swap(entry.held);
  }

  const bool strong_;
  mutable std::mutex mutex_;
  std::unordered_map<const caf::actor_control_block*, std::unique_ptr<record>>
    by_actor_;
  std::unordered_map<owner_id, record*> by_id_;
  owner_id next_id_ = first_owner;
};

} // namespace cafreg::detail
