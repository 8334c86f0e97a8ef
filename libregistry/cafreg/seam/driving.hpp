// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <functional>
#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::seam {

/// Returns who drives the waits of an actor system's registries: what a test
/// has set, or CAF's own scheduler for tests; null for any other system.
/// Thread-safe.
std::shared_ptr<driver> driver_of(caf::actor_system& sys);

/// Sets how a driver makes a step, for registries that are made from now on; a
/// null function sets none. Thread-safe.
void set_step(caf::actor_system& sys, std::function<bool()> step);

} // namespace cafreg::seam
