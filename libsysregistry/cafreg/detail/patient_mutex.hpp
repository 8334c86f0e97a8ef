// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>

#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// A mutex that is mostly held for less time than going to sleep and being
/// woken up takes: who wants it looks now and then for a while before it
/// sleeps. It looks seldom, and writes only when it may succeed, since each
/// look takes the cache line from who has the mutex.
class patient_mutex {
public:
  void lock() noexcept {
    for (auto i = 0; i < looks; ++i) {
      if (try_lock())
        return;
      for (auto j = 0; j < pauses; ++j)
        seam::relax();
    }
    while (state_.exchange(awaited, std::memory_order_acquire) != free)
      seam::wait_while(state_, awaited);
  }

  bool try_lock() noexcept {
    auto expected = free;
    return state_.load(std::memory_order_relaxed) == free
           && state_.compare_exchange_strong(expected, held,
                                             std::memory_order_acquire,
                                             std::memory_order_relaxed);
  }

  void unlock() noexcept {
    if (state_.exchange(free, std::memory_order_release) == awaited)
      state_.notify_one();
  }

private:
  // All of them together take some ten microseconds.
  static constexpr int looks = 64;
  static constexpr int pauses = 16;

  static constexpr int free = 0;
  static constexpr int held = 1;
  static constexpr int awaited = 2; // held, and somebody may sleep

  std::atomic<int> state_{free};
};

} // namespace cafreg::detail
