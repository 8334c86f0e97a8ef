// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"

// Files that keep a part of the state while the program does not run. A file is
// JSON as `to_json` writes it, with a first line that says how long the rest is
// and what its checksum is:
//
//   {
//     "cafreg": {"format": 1, "bytes": 96, "checksum": "d3af…"},
//     "leaves": {
//       "state": {
//         "eth0": {
//           "mtu": 1500
//         }
//       }
//     }
//   }

namespace cafreg::detail {

/// Leaves and where they are.
using state_leaves = std::vector<std::pair<path, caf::config_value>>;

/// How large a file may be unless told otherwise.
constexpr size_t max_state_size = size_t{1} << 30;

/// How many keys the path of a leaf and the levels of its value may have
/// together.
constexpr size_t max_state_depth = 1000;

/// Writes leaves, in any order, into a file, all of them or none: see
/// `write_file`. A dictionary stands for the leaves in it, and so an empty one
/// for nothing.
/// @param limit How many bytes the file may have.
/// @returns `errc::bad_path` for a leaf without a key or that is too deep,
/// `errc::path_conflict` for one that is where another is or below it, and
/// `errc::bad_file` if the file cannot be written; then it is as it was.
[[nodiscard]] caf::error save_state(const std::string& file,
                                    const state_leaves& leaves,
                                    size_t limit = max_state_size);

/// Reads leaves from a file, in the order of their paths, and removes what
/// calls of `save_state` left beside it that a crash ended.
/// @returns nothing if there is no such file; `errc::bad_file` if it cannot be
/// read, is torn, damaged, larger than the limit, or none that `save_state`
/// wrote in the same format. It stays as it is.
[[nodiscard]] caf::expected<std::optional<state_leaves>>
load_state(const std::string& file, size_t limit = max_state_size);

/// Makes room for a file in the place of one that was refused.
/// @returns the new name of the old file, which is never one that is taken, or
/// `errc::bad_file`.
[[nodiscard]] caf::expected<std::string> keep_aside(const std::string& file);

} // namespace cafreg::detail
