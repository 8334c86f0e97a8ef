// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>

#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// Guards critical sections of some ten nanoseconds that run no foreign code.
/// Costs one exchange to lock and one store to unlock, about half of a
/// `std::mutex`; a waiter gives up its time slice when it had no luck for a
/// while, since the owner may have been preempted.
class spin_mutex {
public:
  void lock() noexcept {
    for (auto tries = 0; locked_.exchange(true, std::memory_order_acquire);) {
      while (locked_.load(std::memory_order_relaxed)) {
        if (++tries < 128) {
          seam::relax();
        } else {
          seam::give_way();
          tries = 0;
        }
      }
    }
  }

  bool try_lock() noexcept {
    return !locked_.load(std::memory_order_relaxed)
           && !locked_.exchange(true, std::memory_order_acquire);
  }

  void unlock() noexcept {
    locked_.store(false, std::memory_order_release);
  }

private:
  std::atomic<bool> locked_{false};
};

} // namespace cafreg::detail
