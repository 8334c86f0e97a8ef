#pragma once

#include "registry/effort.hpp"

#include <algorithm>
#include <cstddef>

#if defined(__GLIBC__)
#  include <malloc.h>
#endif

// What a test has on the heap. Says nothing under a sanitizer, which has an
// allocator of its own.

namespace heap {

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
constexpr bool measurable = !sanitized && !emulated;

/// How many bytes are in use, in all threads. Not what the allocator keeps for
/// the next time.
inline size_t in_use() {
  auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}
#else
constexpr bool measurable = false;

inline size_t in_use() {
  return 0;
}
#endif

/// Runs `cycle()` so many times, which returns when nothing is under way any
/// more, and then as many times once more.
/// @returns by how many bytes more are in use at the end than in the middle.
///          The least of a few looks each: what threads keep for themselves
///          comes and goes.
template <class Fn>
ptrdiff_t growth(size_t cycles, Fn cycle) {
  auto run = [&] {
    for (size_t i = 0; i < cycles; ++i)
      cycle();
    auto least = in_use();
    for (auto i = 0; i < 3; ++i) {
      cycle();
      least = std::min(least, in_use());
    }
    return static_cast<ptrdiff_t>(least);
  };
  auto middle = run();
  return run() - middle;
}

} // namespace heap
