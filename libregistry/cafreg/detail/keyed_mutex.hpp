// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "cafreg/caf.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

/// A mutex for each key that is in use, and none for the others.
template <class Key>
class keyed_mutex {
public:
  enum class outcome {
    locked,
    would_block,
    would_deadlock
  };

  /// Waits until this thread alone has the lock of `key`. A thread that runs
  /// actors waits for others of its kind only: a plain thread may itself be
  /// waiting for an actor.
  outcome lock(const Key& key) {
    std::unique_lock guard{mutex_};
    auto& slot = slots_.try_emplace(key).first->second;
    if (slot.held && slot.owner == std::this_thread::get_id())
      return outcome::would_deadlock;
    ++slot.users;
    slot.free.wait(guard, [&] { return !slot.held || hopeless(slot); });
    if (slot.held) {
      leave(key, slot);
      return outcome::would_block;
    }
    slot.held = true;
    slot.owner = std::this_thread::get_id();
    slot.owner_runs_actors = runs_actors;
    // Waiters that run actors may have to give up on the new owner.
    if (!runs_actors && slot.users > 1)
      slot.free.notify_all();
    return outcome::locked;
  }

  void unlock(const Key& key) noexcept {
    std::lock_guard guard{mutex_};
    auto& slot = slots_.find(key)->second;
    slot.held = false;
    slot.free.notify_all();
    leave(key, slot);
  }

private:
  struct slot {
    std::condition_variable free;
    size_t users = 0;
    bool held = false;
    bool owner_runs_actors = false;
    std::thread::id owner;
  };

  static bool hopeless(const slot& x) noexcept {
    return runs_actors && !x.owner_runs_actors;
  }

  void leave(const Key& key, slot& x) noexcept {
    if (--x.users == 0)
      slots_.erase(key);
  }

  std::mutex mutex_;
  // Its elements stay where they are.
  std::unordered_map<Key, slot> slots_;
};

} // namespace cafreg::detail
