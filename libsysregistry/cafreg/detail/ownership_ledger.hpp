// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/hash.hpp"
#include "cafreg/detail/leaf_content.hpp"
#include "cafreg/detail/patient_mutex.hpp"

namespace cafreg::detail {

/// The actors that a system registry knows, and the ids that stand for them in
/// its tree. Keeps those alive that own something, if it is to. Thread-safe;
/// calls about different actors hardly ever wait for one another.
class ownership_ledger {
public:
  /// @param strong Whether owners are kept alive.
  explicit ownership_ledger(bool strong) : strong_(strong) {
    for (size_t i = 0; i < shard_count; ++i)
      shards_[i].next_id = first_owner + i;
  }

  /// The id of an actor. If it has none yet, it gets one, and `welcome(id)` is
  /// called, under a lock of this object, before anyone else can see it.
  /// Complexity: constant.
  /// @returns 0 if `welcome` returns false.
  template <class Welcome>
  owner_id enlist(caf::actor_control_block* who, Welcome welcome) {
    auto& in = shards_[index_of(who)];
    std::lock_guard guard{in.mutex};
    if (auto pos = in.by_actor.find(who); pos != in.by_actor.end())
      return pos->second->id;
    auto id = in.next_id;
    auto fresh = std::make_unique<record>();
    fresh->id = id;
    fresh->weak = caf::actor_cast<weak_actor>(who);
    in.add(id, *fresh);
    try {
      in.by_actor.emplace(who, std::move(fresh));
      if (welcome(id)) {
        in.next_id += shard_count;
        return id;
      }
    } catch (...) {
      in.remove(id);
      in.by_actor.erase(who);
      throw;
    }
    in.remove(id);
    in.by_actor.erase(who);
    return 0;
  }

  /// The id of an actor, or 0.
  owner_id find(const caf::actor_control_block* who) const {
    auto& in = shards_[index_of(who)];
    std::lock_guard guard{in.mutex};
    auto pos = in.by_actor.find(who);
    return pos != in.by_actor.end() ? pos->second->id : 0;
  }

  /// The actor behind an id: null if it is gone or unknown.
  caf::strong_actor_ptr actor(owner_id id) const {
    auto& in = shards_[index_of(id)];
    std::lock_guard guard{in.mutex};
    auto pos = in.by_id.find(id);
    return pos != in.by_id.end() ? pos->second->weak.lock() : nullptr;
  }

  /// Whether the actor behind an id has died or is forgotten; not if no actor
  /// is behind it. May be called from within `welcome` and `owns`.
  bool gone(owner_id id) const {
    if (id < first_owner)
      return false;
    auto& in = shards_[index_of(id)];
    std::lock_guard guard{in.ids_mutex};
    auto pos = in.by_id.find(id);
    return pos == in.by_id.end()
           || actors::dead(
             caf::actor_cast<caf::actor_control_block*>(pos->second->weak));
  }

  /// Forgets an actor.
  void dismiss(const caf::actor_control_block* who) noexcept {
    std::unique_ptr<record> gone; // destroyed without the lock
    auto& in = shards_[index_of(who)];
    std::lock_guard guard{in.mutex};
    auto pos = in.by_actor.find(who);
    if (pos == in.by_actor.end())
      return;
    in.remove(pos->second->id);
    gone = std::move(pos->second);
    in.by_actor.erase(pos);
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
    size_t result = 0;
    for (auto& in : shards_) {
      std::lock_guard guard{in.mutex};
      result += in.by_actor.size();
    }
    return result;
  }

  /// Calls `fn(id, const strong_actor_ptr&)` for each actor that is kept alive.
  template <class Fn>
  void for_each_held(Fn fn) const {
    for (auto& in : shards_) {
      std::lock_guard guard{in.mutex};
      for (auto& [id, entry] : in.by_id)
        if (entry->held)
          fn(id, entry->held);
    }
  }

  /// Forgets all, and calls `farewell(const strong_actor_ptr&)` without a lock
  /// for each one that still lives. Needs no memory.
  template <class Farewell>
  void clear(Farewell farewell) noexcept {
    for (auto& in : shards_) {
      decltype(in.by_actor) gone;
      {
        std::lock_guard guard{in.mutex};
        gone.swap(in.by_actor);
        std::lock_guard ids_guard{in.ids_mutex};
        in.by_id.clear();
      }
      for (auto& [who, entry] : gone)
        if (auto ptr = entry->weak.lock())
          farewell(ptr);
    }
  }

private:
  static constexpr size_t shard_count = 16;

  struct record {
    owner_id id = 0;
    // Keeps the memory of the actor, so that no other one gets its address.
    weak_actor weak;
    caf::strong_actor_ptr held;
  };

  // Has every 16th id.
  struct alignas(64) shard {
    mutable patient_mutex mutex;
    std::unordered_map<const caf::actor_control_block*, std::unique_ptr<record>>
      by_actor;
    // Is changed under both locks, hence may be read under either one.
    std::unordered_map<owner_id, record*> by_id;
    mutable std::mutex ids_mutex;
    owner_id next_id = 0;

    void add(owner_id id, record& what) {
      std::lock_guard guard{ids_mutex};
      by_id.emplace(id, &what);
    }

    void remove(owner_id id) noexcept {
      std::lock_guard guard{ids_mutex};
      by_id.erase(id);
    }
  };

  static size_t index_of(const caf::actor_control_block* who) noexcept {
    return hash_word(reinterpret_cast<uintptr_t>(who), hash_secret_a)
           % shard_count;
  }

  static size_t index_of(owner_id id) noexcept {
    return (id - first_owner) % shard_count;
  }

  template <class Owns>
  void settle(owner_id id, Owns& owns) noexcept {
    caf::strong_actor_ptr released; // destroyed without the lock
    auto& in = shards_[index_of(id)];
    std::lock_guard guard{in.mutex};
    auto pos = in.by_id.find(id);
    if (pos == in.by_id.end())
      return;
    auto& entry = *pos->second;
    auto keeps = owns(id);
    if (keeps && !entry.held)
      entry.held = entry.weak.lock();
    else if (!keeps && entry.held)
      released.swap(entry.held);
  }

  const bool strong_;
  std::array<shard, shard_count> shards_;
};

} // namespace cafreg::detail
