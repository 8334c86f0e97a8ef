// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>

#include "cafreg/stats.hpp"

namespace cafreg {

/// A registry of workers in numbers.
struct gen_registry_stats : registry_stats {
  /// Starts that gave a worker.
  uint64_t starts = 0;
  /// Starts that failed, those that back-off refused not included.
  uint64_t failed_starts = 0;
  /// Calls that waited for another call's start of the same id.
  uint64_t shared_starts = 0;
  /// Starts that back-off refused.
  uint64_t refused_starts = 0;
  /// Workers that were told to exit by `stop`.
  uint64_t stops = 0;
  /// Workers that were told to exit because they were idle, or too many.
  uint64_t passivations = 0;
  /// Times that a worker would not leave.
  uint64_t vetoes = 0;
  /// Workers that did not exit in time and were killed.
  uint64_t kills = 0;
  /// Messages that were handed on to the next incarnation.
  uint64_t handed_over = 0;
  /// Messages that wait for the next incarnation now.
  size_t waiting_messages = 0;
};

/// How many workers there are. Like Elixir's
/// `DynamicSupervisor.count_children/1`.
struct children_count {
  /// Workers, those that leave included.
  size_t workers = 0;
  /// Workers that were told to exit because they were idle, or too many.
  size_t leaving = 0;
  /// Starts under way.
  size_t starting = 0;
};

} // namespace cafreg
