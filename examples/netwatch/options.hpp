// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

namespace netwatch {

/// The command line.
struct options {
  std::filesystem::path root = "/";
  std::optional<std::chrono::seconds> time;
  bool once = false;
  bool help = false;
};

/// @throws std::invalid_argument that says what is wrong
options parse(int argc, char** argv);

/// What `--help` prints.
extern const char* const usage;

/// What can be typed.
extern const char* const commands;

} // namespace netwatch
