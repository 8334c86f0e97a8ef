// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "cafreg/seam/owned.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// Something that one thread does and others wait for, unless waiting could
/// never end, see `seam::waiting_for`. Belongs to the thread that makes it.
class waitable : public seam::owned {
public:
  waitable() {
    take();
  }

  virtual ~waitable();

  bool done() const noexcept {
    return done_.load(std::memory_order_acquire);
  }

  /// Ends all waits. What the owner wrote before is seen by those who waited.
  void finish() noexcept;

  /// Waits until it is done. The caller keeps this object alive.
  /// @param by Who drives the wait; null for nobody.
  seam::waited wait(seam::driver* by = nullptr,
                    seam::time_point deadline = seam::never) const;

private:
  std::atomic<bool> done_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
};

} // namespace cafreg::detail
