// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <string>

#include <cafreg/snapshot.hpp>

namespace netwatch {

/// Where the interfaces are in the tree, each with its own subtree.
extern const cafreg::path interfaces;

/// Which of them are shown: a part of a name, or a pattern for it with * or ?.
extern const cafreg::path filter;

/// Makes tables of snapshots, with rates since the snapshot before.
class table {
public:
  /// Returns a table with a line about how many changes it shows.
  std::string render(const cafreg::snapshot& now);

private:
  using clock = std::chrono::steady_clock;

  std::string row(const cafreg::snapshot& now, const std::string& name,
                  double seconds) const;

  cafreg::snapshot before_;
  clock::time_point when_;
};

} // namespace netwatch
