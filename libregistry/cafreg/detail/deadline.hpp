// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>

namespace cafreg::detail {

/// Returns the time so much after another one, at most the end of all time:
/// durations come from users, and `max()` means for ever.
inline std::chrono::steady_clock::time_point
later(std::chrono::steady_clock::time_point now,
      std::chrono::nanoseconds duration) noexcept {
  using time_point = std::chrono::steady_clock::time_point;
  return duration < time_point::max() - now ? now + duration
                                            : time_point::max();
}

} // namespace cafreg::detail
