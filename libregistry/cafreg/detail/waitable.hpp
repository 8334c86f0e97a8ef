// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <thread>

namespace cafreg::detail {

/// Something that one thread does and others wait for, unless waiting could
/// never end: a thread never waits for itself, nor for a thread that, over any
/// number of others and whatever registries they use, waits for it. Who waits
/// for whom is known exactly, so that nobody is refused who could wait.
class waitable {
public:
  waitable() = default;

  waitable(const waitable&) = delete;

  waitable& operator=(const waitable&) = delete;

  virtual ~waitable();

  /// The thread that does it: the one that made this object.
  std::thread::id owner() const noexcept {
    return owner_;
  }

  bool done() const noexcept {
    return done_.load(std::memory_order_acquire);
  }

  /// Ends all waits. What the owner wrote before is seen by those who waited.
  void finish() noexcept;

  /// Waits until it is done. The caller keeps this object alive.
  /// @returns false if that would never be.
  bool wait() const;

private:
  const std::thread::id owner_ = std::this_thread::get_id();
  std::atomic<bool> done_{false};
};

} // namespace cafreg::detail
