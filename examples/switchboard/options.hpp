// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <string>

namespace switchboard {

/// The command line.
struct options {
  std::string calls;
  std::string rules = SWITCHBOARD_DATA "/rules.csv";
  size_t max_workers = 0;
  bool show = false;
};

/// Reads the command line; prints or generates what it asks for.
/// @returns whether there is something left to do.
/// @throws std::invalid_argument that says what is wrong
bool parse(int argc, char** argv, options& to);

} // namespace switchboard
