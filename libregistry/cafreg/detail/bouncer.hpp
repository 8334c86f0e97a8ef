// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Makes an actor answer every message with `reason`.
/// @returns the behavior that goes with it.
caf::behavior bounce(caf::event_based_actor* self, caf::error reason);

/// Spawns an actor that answers one request, whatever it is, with `reason`: so
/// that a request to a name without a holder fails as any request does.
caf::strong_actor_ptr spawn_bouncer(caf::actor_system& sys, caf::error reason);

} // namespace cafreg::detail
