// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <condition_variable>
#include <mutex>

#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// A thread that waits for a name.
class blocked_wait {
public:
  /// Ends the wait with an entry.
  void answer(event found);

  /// Ends the wait in vain.
  void fail(errc why) noexcept;

  /// Waits for the end, or the deadline.
  /// @param by Who drives the wait; null for nobody.
  seam::waited wait(seam::driver* by, seam::time_point deadline);

  // After the wait.

  /// The entry; of nobody if it was in vain.
  const event& found() const noexcept {
    return found_;
  }

  errc why() const noexcept {
    return why_;
  }

private:
  void finish() noexcept;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  errc why_ = errc::timeout;
  event found_;
};

} // namespace cafreg::detail
