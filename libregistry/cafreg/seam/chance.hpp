// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>

namespace cafreg::seam {

/// Returns a number that nobody can foretell. Thread-safe.
uint64_t random_seed();

/// Returns a number below `limit`, each as likely as any other. Thread-safe.
size_t random_below(size_t limit);

} // namespace cafreg::seam
