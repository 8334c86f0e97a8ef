// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>

namespace cafreg {

/// A system registry in numbers.
struct system_stats {
  /// Leaves at all mounts now.
  size_t leaves = 0;
  /// The version now: how many transactions changed something that shows.
  uint64_t version = 0;
  /// Living actors that ever owned something or subscribed.
  size_t actors = 0;
  /// Subscriptions now.
  size_t subscriptions = 0;
  /// Transactions that were made, those that changed nothing included.
  uint64_t transactions = 0;
  /// Transactions that were refused.
  uint64_t refusals = 0;
  /// Transactions that were computed again, since somebody else was faster.
  uint64_t retries = 0;
  /// Snapshots sent to subscribers, the first ones included.
  uint64_t deliveries = 0;
  /// Dead actors that were cleaned up after.
  uint64_t cleanups = 0;
  /// Dead actors that were not cleaned up after yet: how far the keepers are
  /// behind. Not those whose end was not noticed yet.
  size_t backlog = 0;
  /// Calls of tasks that threw an exception.
  uint64_t task_failures = 0;
  /// Files written for `persist`.
  uint64_t files_written = 0;
  /// Attempts to write a file that failed.
  uint64_t write_failures = 0;
};

} // namespace cafreg
