// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/seam/who.hpp"

namespace cafreg::detail {

/// While it exists, this thread starts a worker, and others may wait for that:
/// the very workers, too, that it might want to wait for.
class factory_thread {
public:
  factory_thread() noexcept {
    ++seam::this_thread.factories;
  }

  factory_thread(const factory_thread&) = delete;

  factory_thread& operator=(const factory_thread&) = delete;

  ~factory_thread() {
    --seam::this_thread.factories;
  }

  static bool here() noexcept {
    return seam::this_thread.factories > 0;
  }
};

/// Whether this thread must not wait for the end of a worker.
inline bool must_not_wait() noexcept {
  return seam::this_thread.runs_actors || factory_thread::here();
}

} // namespace cafreg::detail
