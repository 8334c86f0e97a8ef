// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cafreg/path.hpp"

namespace cafreg::detail {

/// Why a step of a transaction is impossible.
enum class refusal_reason : uint8_t {
  /// Somebody else owns the leaf.
  reserved,
  /// The path leads through a leaf.
  through_leaf,
  /// There is a subtree where the leaf would be.
  over_subtree,
  /// There is a leaf where another one was to be moved.
  occupied,
  /// The path has no keys.
  no_keys,
  /// A key is empty.
  empty_key,
  /// A mount cannot be a leaf.
  is_mount,
  /// There are too many keys.
  too_deep,
  /// A key is too long.
  key_too_long,
  /// What is to be moved is not there.
  nothing_there,
  /// The path leads to below what is to be moved there.
  below_itself,
};

/// Says the reason in words.
constexpr std::string_view to_text(refusal_reason why) noexcept {
  switch (why) {
    case refusal_reason::reserved:
      return "somebody else owns it";
    case refusal_reason::through_leaf:
      return "a leaf is on the way";
    case refusal_reason::over_subtree:
      return "a subtree is in its place";
    case refusal_reason::occupied:
      return "a leaf is in its place";
    case refusal_reason::no_keys:
      return "the path is empty";
    case refusal_reason::empty_key:
      return "a key is empty";
    case refusal_reason::is_mount:
      return "a mount cannot be a leaf";
    case refusal_reason::too_deep:
      return "too many keys";
    case refusal_reason::key_too_long:
      return "a key is too long";
    case refusal_reason::nothing_there:
      return "there is nothing";
    case refusal_reason::below_itself:
      return "it would be moved to below itself";
  }
  return "unknown reason";
}

/// One impossible step.
struct refusal {
  refusal_reason why;
  path where;
  /// If a leaf is on the way: how many keys it has.
  size_t obstacle = 0;

  friend bool operator==(const refusal&, const refusal&) = default;
};

/// There is no room for a leaf.
/// @param obstacle What `tree::locate` said.
inline refusal refusal_of(const path& where, size_t obstacle) {
  if (obstacle == where.size())
    return {refusal_reason::over_subtree, where};
  return {refusal_reason::through_leaf, where, obstacle};
}

} // namespace cafreg::detail
