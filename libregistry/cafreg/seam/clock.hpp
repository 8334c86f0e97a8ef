// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::seam {

/// The time of an actor system, which a test may move by hand. Thread-safe.
class clock {
public:
  using time_point = seam::time_point;

  using duration = time_point::duration;

  /// @param sys Outlives this object.
  explicit clock(caf::actor_system& sys) : clock_(&sys.clock()) {
    // nop
  }

  time_point now() const noexcept {
    return clock_->now();
  }

private:
  const caf::actor_clock* clock_;
};

} // namespace cafreg::seam
