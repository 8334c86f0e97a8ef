// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cafreg/caf.hpp"

namespace cafreg {

/// A registry in numbers.
struct registry_stats {
  /// Entries now.
  size_t entries = 0;
  /// Different keys now; equals `entries` for a unique registry.
  size_t keys = 0;
  /// Living actors that ever registered, or listened to changes, or were
  /// interested in a name.
  size_t registrants = 0;
  /// Lookups and visits so far, sampled: exact to 1024 for each thread.
  uint64_t lookups = 0;
  /// Entries removed so far.
  uint64_t removals = 0;
  /// Dead actors that were cleaned up after.
  uint64_t cleanups = 0;
  /// Events sent to listeners.
  uint64_t events = 0;
  /// Dead actors that were not cleaned up after yet: how far the keepers are
  /// behind. Not those whose end was not noticed yet.
  size_t backlog = 0;
};

/// Why a registry keeps an actor alive.
enum class holder_role : uint8_t {
  registrant,
  listener,
  watcher,
  waiter,
  standby,
  owner,
  subscriber,
  /// Not by the registry, but by CAF: another node has got its handle. CAF lets
  /// go of it when the registry closes, if nobody else keeps the actor.
  exported
};

/// Returns the name of the role.
std::string to_string(holder_role role);

/// An actor that a registry keeps alive.
struct holder_info {
  /// The id of the actor.
  caf::actor_id id = 0;
  /// Why it is kept alive.
  holder_role role = holder_role::registrant;
  /// In how many entries, or leaves.
  size_t entries = 0;
};

/// Returns "actor ID: ROLE", and of how many entries or leaves.
std::string to_string(const holder_info& x);

} // namespace cafreg
