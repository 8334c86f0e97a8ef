// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <mutex>
#include <thread>

namespace cafreg::detail {

/// Locks a mutex that is mostly held for less time than going to sleep and
/// being woken up takes: tries for a while before it sleeps.
class patient_lock : public std::unique_lock<std::mutex> {
public:
  explicit patient_lock(std::mutex& mutex)
    : std::unique_lock<std::mutex>(mutex, std::defer_lock) {
    for (auto i = 0; i < attempts; ++i) {
      if (try_lock())
        return;
      relax();
    }
    lock();
  }

private:
  static constexpr int attempts = 200;

  static void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
};

} // namespace cafreg::detail
