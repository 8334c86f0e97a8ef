// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/time_span.hpp"

namespace cafreg {

/// When an id fails too often, and for how long it is then refused.
struct backoff_options {
  /// How many failures are too many: starts that failed, and workers that
  /// terminated with a reason other than `normal` or `user_shutdown` and
  /// without being asked to by the registry. 0: any number is fine.
  size_t failures = 0;
  /// The time in which they are counted.
  time_span within = std::chrono::seconds{10};
  /// How long, from the last failure on, starts answer `errc::backing_off`.
  time_span cool_down = std::chrono::seconds{30};
};

/// Options of a registry of workers.
struct gen_registry_options {
  /// For errors, events and logs.
  std::string name = "genregistry";
  /// Number of keepers, the actors that clean up after workers; at least one.
  size_t partitions = 1;
  /// Longest allowed id in bytes (of strings; other ids have their size).
  size_t max_key_size = std::numeric_limits<size_t>::max();
  /// Actors that get `registered` and `unregistered` from the first worker on.
  std::vector<caf::actor> listeners = {};
  /// How long a worker that is told to exit has for it, before it is killed.
  time_span stop_timeout = std::chrono::seconds{5};
  /// Workers that were not used through the registry for so long are told to
  /// exit; 0: never.
  time_span idle_after = {};
  /// With more workers than that, the least recently used ones are told to
  /// exit; 0: no limit.
  size_t max_workers = 0;
  /// Whether a worker is asked first, with the message `ask::may_leave`, which
  /// it answers with a bool; false keeps it for another while. A worker that
  /// does not know the message has nothing against it.
  bool ask_before_leaving = false;
  /// See `backoff_options`; off by default.
  backoff_options backoff = {};
};

} // namespace cafreg
