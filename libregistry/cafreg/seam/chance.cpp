// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/chance.hpp"

#include <random>

namespace cafreg::seam {

uint64_t random_seed() {
  std::random_device rd;
  return static_cast<uint64_t>(rd()) << 32 | rd();
}

size_t random_below(size_t limit) {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_int_distribution<size_t>{0, limit - 1}(generator);
}

} // namespace cafreg::seam
