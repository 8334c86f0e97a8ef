// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"
#include "cafreg/types.hpp"

/// Makes CAF know its types and ours, before which 1.x creates no error. For
/// tests without an actor system.
inline const bool types_are_known = [] {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  return true;
}();
