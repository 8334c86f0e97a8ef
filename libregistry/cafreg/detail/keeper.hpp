// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"

namespace cafreg::detail {

/// Spawns a keeper: the actor that cleans up after the registrants of one
/// partition that have ended, frees memory that has seen its last reader, and
/// keeps deadlines. It is hidden: an actor system does not wait for it before
/// `end_keeper`.
/// @param work Which is going to wake it up.
caf::strong_actor_ptr spawn_keeper(std::shared_ptr<core_base> core,
                                   deaths_ptr work);

/// Ends a keeper when nothing is left to free. Its system waits for that. Never
/// waits itself.
void end_keeper(const caf::strong_actor_ptr& keeper);

} // namespace cafreg::detail
