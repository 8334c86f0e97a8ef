// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/access.hpp"
#include "cafreg/detail/tree.hpp"

namespace cafreg::detail {

/// In a list of priorities: all that the list does not name.
constexpr std::string_view any_priority = "*";

/// One mount, and who may change what is below it.
struct mount_rule {
  std::string key;
  access kind = access::owned;
  /// For layered mounts, the highest one first.
  std::vector<std::string> priorities = {};

  /// How many priorities are higher than this one.
  size_t rank(std::string_view priority) const noexcept {
    auto pos = std::find(priorities.begin(), priorities.end(), priority);
    if (pos == priorities.end())
      pos = std::find(priorities.begin(), priorities.end(), any_priority);
    return static_cast<size_t>(pos - priorities.begin());
  }
};

/// The mounts of a registry. There are few.
class mount_rules {
public:
  mount_rules() = default;

  explicit mount_rules(std::vector<mount_rule> rules)
    : rules_(std::move(rules)) {
    // nop
  }

  /// The mount that a path belongs to: null if it is private to its owner.
  const mount_rule* find(key_span where) const noexcept {
    if (!where.empty())
      for (auto& rule : rules_)
        if (rule.key == where.front())
          return &rule;
    return nullptr;
  }

private:
  std::vector<mount_rule> rules_;
};

} // namespace cafreg::detail
