// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// The end of all workers of a registry. Thread-safe.
class closing {
public:
  closing();

  closing(const closing&) = delete;

  closing& operator=(const closing&) = delete;

  ~closing();

  /// Notes a worker that is to be told to exit by `begin`.
  void collect(caf::actor_control_block* who) noexcept;

  /// Makes `wait` wait for a worker, too.
  void watch(caf::actor_control_block* who);

  /// Tells all workers to exit, the youngest first. Only the first call does
  /// anything. Never waits.
  /// @param prepare Called with the workers before.
  /// @param over Called when all of them are gone, and all that are watched, in
  ///             an arbitrary thread; again if more come later. Must not throw.
  void
  begin(const std::function<void(const std::vector<caf::strong_actor_ptr>&)>&
          prepare,
        std::function<void()> over);

  /// Waits until all workers are gone. For threads only.
  /// @param by Who drives the wait; null for nobody.
  seam::waited wait(seam::driver* by) const;

  /// Whether all workers are gone.
  bool over() const;

private:
  struct ending;

  std::atomic<bool> begun_{false};
  std::mutex mutex_;
  std::vector<caf::strong_actor_ptr> workers_;
  std::shared_ptr<ending> ending_;
};

} // namespace cafreg::detail
