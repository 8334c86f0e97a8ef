// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::seam {

/// Calls `fn` once: in a thread of its own, which may wait, and for which the
/// actor system waits at its end or, if that is driven, as a step.
/// @param by Who drives the system; null for nobody.
void run_aside(caf::actor_system& sys, const driver* by,
               std::function<void()> fn);

/// Spawns a hidden actor that may block: in a thread of its own or, if the
/// system is driven, where all others run.
template <class... Ts>
caf::strong_actor_ptr spawn_aside(caf::actor_system& sys, const driver* by,
                                  Ts&&... xs) {
  return caf::actor_cast<caf::strong_actor_ptr>(
    by != nullptr
      ? sys.spawn<caf::hidden>(std::forward<Ts>(xs)...)
      : sys.spawn<caf::detached + caf::hidden>(std::forward<Ts>(xs)...));
}

/// Calls `fn` with 0 to `count - 1`, each in a thread of its own as long as
/// there are some to be had, one of them in this thread; in order in this
/// thread if the system is driven. Returns after all calls. They must not
/// throw.
void run_beside(const driver* by, size_t count,
                const std::function<void(size_t)>& fn);

/// What a thread of ours runs actors for.
enum class duty {
  /// They watch lives and clocks. None of them does anything that takes long.
  watch,
  /// They do what messages ask a registry for.
  answer,
};

/// A thread for actors of ours: they must not stand in the queue of an
/// application whose handlers run for long. There is one for each duty in each
/// actor system, as long as anybody has a reference to it.
class actor_thread {
public:
  /// No thread: actors run where all others do.
  actor_thread() = default;

  /// Joins the thread of a system, or starts it; none for one that is driven.
  /// @param by Who drives the system; null for nobody.
  static actor_thread of(caf::actor_system& sys, const driver* by, duty what);

  /// What a `detail::looped_actor` needs to run there.
  const std::shared_ptr<detail::actor_loop>& loop() const noexcept {
    return loop_;
  }

  /// Gives the reference up. To be called by an actor at its end, for its
  /// memory may live on.
  void leave() noexcept {
    life_.reset();
  }

private:
  std::shared_ptr<detail::actor_loop> loop_;
  // Ends the thread when the last one goes.
  std::shared_ptr<void> life_;
};

} // namespace cafreg::seam
