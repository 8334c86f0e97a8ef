// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// Counts what threads wait for the end of. Thread-safe.
class countdown {
public:
  void add(size_t count = 1) {
    std::lock_guard guard{mutex_};
    count_ += count;
  }

  void drop() {
    drop([] {});
  }

  /// @param last Called if this was the last one, before anybody stops waiting.
  ///             It must not call back.
  template <class Fn>
  void drop(Fn&& last) {
    std::lock_guard guard{mutex_};
    if (--count_ > 0)
      return;
    last();
    ended_.notify_all();
  }

  /// @param by Who drives the wait; null for nobody.
  seam::waited wait(seam::driver* by = nullptr) {
    std::unique_lock guard{mutex_};
    return seam::wait(by, guard, ended_, seam::never,
                      [this] { return count_ == 0; });
  }

  bool ended() {
    std::lock_guard guard{mutex_};
    return count_ == 0;
  }

private:
  std::mutex mutex_;
  std::condition_variable ended_;
  size_t count_ = 0;
};

} // namespace cafreg::detail
