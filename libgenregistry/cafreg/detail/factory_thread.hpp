// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// While it exists, this thread starts a worker, and others may wait for that:
/// the very workers, too, that it might want to wait for.
class factory_thread {
public:
  factory_thread() noexcept {
    ++depth_;
  }

  factory_thread(const factory_thread&) = delete;

  factory_thread& operator=(const factory_thread&) = delete;

  ~factory_thread() {
    --depth_;
  }

  static bool here() noexcept {
    return depth_ > 0;
  }

private:
  static inline constinit thread_local unsigned depth_ = 0;
};

/// Whether this thread must not wait for the end of a worker.
inline bool must_not_wait() noexcept {
  return runs_actors || factory_thread::here();
}

} // namespace cafreg::detail
