// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/gen_options.hpp"

namespace cafreg::detail {

/// Refuses options that make no sense.
/// @throws std::invalid_argument
void check_options(const gen_registry_options& options);

} // namespace cafreg::detail
