// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <new>

// Counts what this thread allocates, and lets it run out of memory.

namespace memory {

/// How often this thread has allocated memory.
size_t allocations() noexcept;

/// How many of its allocations this thread has not freed. Only of use where no
/// other thread frees them.
ptrdiff_t blocks() noexcept;

/// While this lives, so many allocations of this thread succeed, and no more.
class shortage {
public:
  explicit shortage(size_t allocations) noexcept;

  shortage(const shortage&) = delete;

  shortage& operator=(const shortage&) = delete;

  ~shortage();
};

/// Calls `attempt()` with memory for no allocation, for one, for two, until it
/// succeeds, and `check()` after each failure.
/// @returns the number of failures.
template <class Attempt, class Check>
size_t run_out(Attempt attempt, Check check) {
  for (size_t n = 0;; ++n) {
    try {
      shortage no_more{n};
      attempt();
      return n;
    } catch (const std::bad_alloc&) {
      // Looked at when there is memory again.
    }
    check();
  }
}

} // namespace memory
