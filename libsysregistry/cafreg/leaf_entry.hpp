// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"

namespace cafreg {

/// A leaf and its value.
struct leaf_entry {
  /// Where it is.
  path where;
  /// What it holds.
  caf::config_value value;
};

} // namespace cafreg
