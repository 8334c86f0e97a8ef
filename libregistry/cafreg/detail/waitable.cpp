// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/waitable.hpp"

namespace cafreg::detail {

waitable::~waitable() {
  // nop
}

void waitable::finish() noexcept {
  give_back();
  std::lock_guard guard{mutex_};
  done_.store(true, std::memory_order_release);
  ended_.notify_all();
}

seam::waited waitable::wait(seam::driver* by, seam::time_point deadline) const {
  if (done())
    return seam::waited::done;
  seam::waiting_for note{*this};
  if (note.hopeless())
    return seam::waited::deadlock;
  std::unique_lock guard{mutex_};
  return seam::wait(by, guard, ended_, deadline, [this] { return done(); });
}

} // namespace cafreg::detail
