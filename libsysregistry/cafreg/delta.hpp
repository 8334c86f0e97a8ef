// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cafreg/path.hpp"

namespace cafreg {

/// What happened to one leaf.
template <class Value>
struct basic_leaf_change {
  /// Where it is.
  path where;
  /// Its value before; none if it was added.
  std::optional<Value> old_value;
  /// Its value now; none if it was removed.
  std::optional<Value> new_value;

  /// Whether the same happened to the same leaf.
  friend bool operator==(const basic_leaf_change&, const basic_leaf_change&)
    = default;
};

/// How two versions of a tree differ. The changes have no particular order.
template <class Value>
struct basic_delta {
  /// The later version.
  uint64_t version = 0;
  /// Leaves that were not there before.
  std::vector<basic_leaf_change<Value>> added;
  /// Leaves with another value than before.
  std::vector<basic_leaf_change<Value>> changed;
  /// Leaves that are no longer there.
  std::vector<basic_leaf_change<Value>> removed;

  /// Whether nothing differs.
  [[nodiscard]] bool empty() const noexcept {
    return added.empty() && changed.empty() && removed.empty();
  }

  /// Number of leaves that differ.
  [[nodiscard]] size_t size() const noexcept {
    return added.size() + changed.size() + removed.size();
  }

  /// Adds a change to the list where it belongs.
  void add(basic_leaf_change<Value> what) {
    if (!what.old_value)
      added.push_back(std::move(what));
    else if (!what.new_value)
      removed.push_back(std::move(what));
    else
      changed.push_back(std::move(what));
  }
};

} // namespace cafreg
