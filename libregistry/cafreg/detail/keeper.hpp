// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"

namespace cafreg::detail {

/// Spawns a keeper: the actor that gets the down messages of the registrants
/// of one partition and cleans up after them, frees memory that has seen its
/// last reader, and keeps deadlines. It is hidden: an actor system does not
/// wait for it. It ends after `core_base::stop`.
caf::strong_actor_ptr spawn_keeper(std::shared_ptr<core_base> core);

} // namespace cafreg::detail
