// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"
#include "cafreg/detail/leaf_content.hpp"
#include "cafreg/detail/tree.hpp"
#include "cafreg/value.hpp"

namespace cafreg::detail {

/// Not a number is no change of itself.
template <>
struct value_equality<caf::config_value> {
  bool operator()(const caf::config_value& x,
                  const caf::config_value& y) const {
    return same_value(x, y);
  }
};

/// The tree of a system registry.
using config_tree = tree<leaf_content<caf::config_value>>;

} // namespace cafreg::detail
