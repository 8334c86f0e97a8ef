// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Spawns an actor that has ended, and that answers all requests, whatever they
/// are, with `reason`: so that a request to a name without a holder fails as
/// any request does.
caf::strong_actor_ptr spawn_bouncer(caf::actor_system& sys, caf::error reason);

} // namespace cafreg::detail
