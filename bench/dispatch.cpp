// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "fixture.hpp"

namespace bench {

void add_dispatch() {
}

} // namespace bench
