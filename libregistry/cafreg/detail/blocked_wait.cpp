// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/blocked_wait.hpp"

#include <utility>

namespace cafreg::detail {

void blocked_wait::answer(event found) {
  std::lock_guard guard{mutex_};
  if (done_)
    return;
  found_ = std::move(found);
  finish();
}

void blocked_wait::fail(errc why) noexcept {
  std::lock_guard guard{mutex_};
  if (done_)
    return;
  why_ = why;
  finish();
}

seam::waited blocked_wait::wait(seam::driver* by, seam::time_point deadline) {
  std::unique_lock guard{mutex_};
  return seam::wait(by, guard, ended_, deadline, [this] { return done_; });
}

void blocked_wait::finish() noexcept {
  done_ = true;
  ended_.notify_all();
}

} // namespace cafreg::detail
