// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/epoch.hpp"

#include "catch.hpp"

namespace epoch_without_membarrier_test {

namespace epoch = cafreg::detail::epoch;

// Hidden, for it holds only below the program without_membarrier.
TEST_CASE("pins are exchanges where the kernel offers no barriers", "[.]") {
  epoch::pin pin;
  CHECK_FALSE(epoch::global.barriers);
}

} // namespace epoch_without_membarrier_test
