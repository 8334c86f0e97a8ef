// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace netwatch {

/// Reads lines from standard input, without waiting for ever.
class keyboard {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Waits until a time, or until there is a line.
  std::optional<std::string> line_until(time_point when);

  /// Whether there will be no more lines.
  bool ended() const {
    return ended_;
  }

private:
  std::optional<std::string> take_line();

  std::string typed_;
  bool ended_ = false;
};

} // namespace netwatch
