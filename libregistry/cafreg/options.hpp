// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cafreg/caf.hpp"

namespace cafreg {

/// How an entry holds its actor.
enum class hold : uint8_t {
  /// The entry keeps the actor alive, as a name in Erlang does, until the
  /// actor terminates or the entry is removed.
  strong,
  /// The actor may end as soon as nobody else holds it; its entries then go.
  weak,
};

/// How a duplicate registry with several partitions divides its entries.
enum class partition_by : uint8_t {
  /// By the registering actor: for few keys with many entries each. Entries of
  /// one key are in all partitions, so that these can be dispatched in
  /// parallel and registering for one busy key does not contend.
  registrant,
  /// By the key: for many keys with few entries each. Looking a key up touches
  /// one partition.
  key,
};

/// The largest number of partitions: more keepers than a machine has threads
/// gain nothing, and each partition of a duplicate registry takes memory and,
/// in some operations, a lock of its own.
inline constexpr size_t max_partitions = 256;

/// Options of a registry.
struct registry_options {
  /// For errors, events and logs.
  std::string name = "registry";
  /// How entries hold their actors.
  cafreg::hold hold = cafreg::hold::strong;
  /// Number of keepers, the actors that clean up after registrants: 1 to
  /// `max_partitions`. A second one is worth its while when deaths come in
  /// crowds.
  size_t partitions = 1;
  /// See `cafreg::partition_by`; unique registries ignore it.
  cafreg::partition_by partition_by = cafreg::partition_by::registrant;
  /// Longest allowed key in bytes (of strings; other keys have their size).
  size_t max_key_size = std::numeric_limits<size_t>::max();
  /// Whether actors on other nodes may be registered.
  bool allow_remote = true;
  /// Actors that get `registered` and `unregistered` from the first entry on.
  std::vector<caf::actor> listeners = {};
};

} // namespace cafreg
