// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/drive.hpp"

#include <utility>

#include "cafreg/seam/driving.hpp"

namespace cafreg {

void drive(caf::actor_system& sys, std::function<bool()> step) {
  seam::set_step(sys, std::move(step));
}

} // namespace cafreg
