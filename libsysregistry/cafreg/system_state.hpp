// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"
#include "cafreg/snapshot.hpp"

namespace cafreg {

/// What a subscriber gets: the state of its scope at the moment of delivery.
/// Cheap to copy.
struct system_state {
  /// Name of the registry.
  std::string registry;
  /// What the subscription is about.
  path scope;
  /// The leaves at and below the scope, with their whole paths.
  cafreg::snapshot snapshot;

  /// For CAF, which sends states between nodes.
  template <class Inspector>
  friend auto inspect(Inspector& f, system_state& x) {
    std::vector<std::string> keys{x.scope.begin(), x.scope.end()};
    auto load = [&] { x.scope = path{std::move(keys)}; };
    return detail::inspect_fields(
      f, x, "cafreg::system_state", load,
      detail::field<std::string>{"registry", x.registry},
      detail::field<std::vector<std::string>>{"scope", keys},
      detail::field<cafreg::snapshot>{"snapshot", x.snapshot});
  }

  /// Returns "state REGISTRY: SCOPE: VERSION, COUNT leaves".
  friend std::string to_string(const system_state& x);
};

/// The paths for which a transaction was refused, as errors carry them.
struct refused_paths_list {
  /// Each as a list of keys.
  std::vector<std::vector<std::string>> paths;

  /// For CAF, which sends errors between nodes.
  template <class Inspector>
  friend auto inspect(Inspector& f, refused_paths_list& x) {
    auto nop = [] {};
    return detail::inspect_fields(
      f, x, "cafreg::refused_paths_list", nop,
      detail::field<std::vector<std::vector<std::string>>>{"paths", x.paths});
  }
};

/// Returns the paths for which a transaction was refused: empty for an error
/// that is not about paths.
[[nodiscard]] std::vector<path> refused_paths(const caf::error& err);

} // namespace cafreg
