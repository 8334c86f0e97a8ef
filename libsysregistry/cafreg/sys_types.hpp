// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/sys_ask.hpp"
#include "cafreg/system_state.hpp"
#include "cafreg/types.hpp"

CAF_BEGIN_TYPE_ID_BLOCK(cafreg_system, CAFREG_FIRST_TYPE_ID + 64)

  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::snapshot))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::system_state))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::refused_paths_list))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::update))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::remove))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::remove_all))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::move))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::get))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::snapshot))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::subscribe))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::unsubscribe))
  CAF_ADD_TYPE_ID(cafreg_system, (cafreg::ask::acknowledge))

CAF_END_TYPE_ID_BLOCK(cafreg_system)

namespace cafreg {

/// Makes CAF know the message types of a system registry, and does what
/// `prepare` does. To be called once for each configuration, before the actor
/// system is created from it.
void prepare_system(caf::actor_system_config& cfg);

} // namespace cafreg
