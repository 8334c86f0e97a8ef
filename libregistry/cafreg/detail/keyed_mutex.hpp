// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "cafreg/seam/owned.hpp"
#include "cafreg/seam/waiting.hpp"
#include "cafreg/seam/who.hpp"

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

  /// Waits until this thread alone has the lock of `key`, unless waiting could
  /// never end, see `seam::waiting_for`. A thread that runs actors waits for
  /// others of its kind only: a plain thread may itself be waiting for an
  /// actor.
  /// @param by Who drives the wait; null for nobody.
  outcome lock(const Key& key, seam::driver* by = nullptr) {
    std::unique_lock guard{mutex_};
    auto& slot = slots_.try_emplace(key).first->second;
    ++slot.users;
    auto ended = outcome::would_block;
    try {
      ended = wait(slot, guard, by);
    } catch (...) {
      leave(key, slot);
      throw;
    }
    if (ended != outcome::locked) {
      leave(key, slot);
      return ended;
    }
    auto runs_actors = seam::this_thread.runs_actors;
    slot.take();
    slot.owner_runs_actors = runs_actors;
    // Waiters that run actors may have to give up on the new owner.
    if (!runs_actors && slot.users > 1)
      slot.free.notify_all();
    return outcome::locked;
  }

  void unlock(const Key& key) noexcept {
    std::lock_guard guard{mutex_};
    auto& slot = slots_.find(key)->second;
    slot.give_back();
    slot.free.notify_all();
    leave(key, slot);
  }

private:
  struct slot : seam::owned {
    std::condition_variable free;
    size_t users = 0;
    bool owner_runs_actors = false;
  };

  outcome wait(slot& x, std::unique_lock<std::mutex>& guard, seam::driver* by) {
    if (x.owner() == 0)
      return outcome::locked;
    seam::waiting_for note{x};
    if (note.hopeless())
      return outcome::would_deadlock;
    auto hopeless = [&x] {
      return seam::this_thread.runs_actors && !x.owner_runs_actors;
    };
    auto ended = seam::wait(by, guard, x.free, seam::never,
                            [&] { return x.owner() == 0 || hopeless(); });
    return ended == seam::waited::done && x.owner() == 0 ? outcome::locked
                                                         : outcome::would_block;
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
