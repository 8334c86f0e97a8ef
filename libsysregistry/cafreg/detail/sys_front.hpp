// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"

namespace cafreg {

class system_registry_ref;

} // namespace cafreg

namespace cafreg::detail {

/// Spawns the actor that offers a system registry's operations by message.
caf::strong_actor_ptr spawn_sys_front(const system_registry_ref& registry);

} // namespace cafreg::detail
