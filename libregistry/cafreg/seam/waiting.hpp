// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace cafreg::seam {

using time_point = std::chrono::steady_clock::time_point;

/// The end of all time: no limit.
constexpr auto never = time_point::max();

/// Runs the rest of the world while a thread waits for it: for programs whose
/// actors and clocks are moved by hand.
class driver {
public:
  virtual ~driver();

  /// Lets one thing happen: a message is handled or, when there is none, the
  /// next timer goes off.
  /// @returns false if there is nothing to do.
  virtual bool step() = 0;

  virtual time_point now() = 0;
};

/// How a wait ended.
enum class waited {
  done,
  timeout,
  /// It would never end: it is waited for by what it waits for.
  deadlock,
  /// It would never end: whoever drives the waiting thread has nothing to do.
  stuck,
};

/// Waits until `done()` holds, or the deadline has passed.
/// @param by Who drives the wait; null for nobody.
/// @param guard Locks what `done` reads, and is locked again when this returns.
/// @param changed Notified by whoever changes what `done` reads.
waited wait(driver* by, std::unique_lock<std::mutex>& guard,
            std::condition_variable& changed, time_point deadline,
            const std::function<bool()>& done);

/// Waits as long as `what` is `value`, or less long. To be notified.
void wait_while(const std::atomic<int>& what, int value) noexcept;

/// Lets other threads run.
void give_way() noexcept;

/// Tells the processor that this thread only waits for another one.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace cafreg::seam
