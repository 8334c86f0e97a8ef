// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <new>

/// Lets memory run out.
namespace memory {

constexpr auto plenty = static_cast<size_t>(-1);

/// How many allocations the present thread may still make.
inline thread_local size_t budget = plenty;

/// Calls `fn()` with more and more memory until it does not fail, and `check()`
/// after each failure.
/// @returns how often it failed.
template <class Fn, class Check>
size_t starve(Fn fn, Check check) {
  for (size_t n = 0;; ++n) {
    budget = n;
    try {
      fn();
      budget = plenty;
      return n;
    } catch (const std::bad_alloc&) {
      budget = plenty;
      check();
    }
  }
}

} // namespace memory
