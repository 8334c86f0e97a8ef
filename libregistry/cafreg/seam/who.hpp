// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>

namespace cafreg::detail::epoch {

struct reader;

} // namespace cafreg::detail::epoch

/// The five places where cafreg asks for more than a function call gives: which
/// thread runs, the time, how to wait, threads, and chance. Nothing outside of
/// this folder does, so that a test can take the place of each.
namespace cafreg::seam {

class driver;

/// Names a thread, in this process once and for all; 0 names nobody.
using thread_id = uint64_t;

/// What cafreg knows of the thread that runs, and all of it: whoever runs many
/// logical threads in one exchanges this at each switch.
struct thread_state {
  /// 0 until somebody asks for it.
  thread_id id = 0;

  /// Whether it runs actors, so that it must not wait for one.
  bool runs_actors = false;

  /// How many workers it is just making, one within the making of another.
  unsigned factories = 0;

  /// The innermost callback that decides what becomes of an entry.
  const void* changing = nullptr;

  /// Shows what it reads; null before it reads anything.
  detail::epoch::reader* reader = nullptr;

  /// How many nodes it has retired since it last tried to advance the epoch.
  uint32_t retired = 0;

  /// Runs something else instead of waiting; null for a real thread.
  driver* driven_by = nullptr;
};

/// The state of the calling thread.
inline constinit thread_local thread_state this_thread;

/// Gives the calling thread a name. Thread-safe. Complexity: constant.
thread_id name_this_thread() noexcept;

/// Returns the name of the calling thread.
inline thread_id this_thread_id() noexcept {
  return this_thread.id != 0 ? this_thread.id : name_this_thread();
}

} // namespace cafreg::seam
