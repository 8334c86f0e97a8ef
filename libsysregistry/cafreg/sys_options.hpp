// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "cafreg/mount.hpp"
#include "cafreg/options.hpp"
#include "cafreg/path.hpp"
#include "cafreg/time_span.hpp"

namespace cafreg {

/// Options of a system registry.
struct system_options {
  /// For errors and logs.
  std::string name = "system";
  /// The mounts. Paths that belong to none are private to their owners.
  std::vector<mount> mounts = {{.key = "state", .rule = access::owned},
                               {.key = "config", .rule = access::shared}};
  /// Whether an actor is kept alive as long as it owns something.
  cafreg::hold hold = cafreg::hold::strong;
  /// The largest number of keys in a path, 1 to `max_path_depth`.
  size_t max_depth = 64;
  /// The longest key in bytes.
  size_t max_key_size = std::numeric_limits<size_t>::max();
  /// The largest value of one leaf in bytes, see `value_size`.
  size_t max_value_size = std::numeric_limits<size_t>::max();
  /// Whether actors on other nodes may own and subscribe.
  bool allow_remote = true;
};

/// Options of a subscription.
struct subscribe_options {
  /// What it is about: all by default.
  path scope = {};
  /// The least time between two deliveries.
  time_span min_interval = {};
  /// How long to collect further changes after the first one.
  time_span hysteresis = {};
  /// Whether the next delivery waits until the subscriber has called
  /// `acknowledge`, so that it never has more than one in its mailbox.
  bool acknowledged = false;
};

/// Options of a transaction.
struct transaction_options {
  /// With which priority it contributes to layered mounts, see
  /// `mount::priorities`.
  std::string priority = {};
};

/// Options of `persist`.
struct persist_options {
  /// The least time between two writes of the file.
  time_span min_interval = std::chrono::seconds{1};
  /// How long to collect further changes after the first one.
  time_span hysteresis = std::chrono::milliseconds{100};
};

} // namespace cafreg
