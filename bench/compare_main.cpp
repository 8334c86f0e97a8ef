// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <iostream>

#include "compare.hpp"

int main(int argc, char** argv) {
  return compare::run({argv + 1, argv + argc}, std::cout, std::cerr);
}
