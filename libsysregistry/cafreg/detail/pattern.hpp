// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cafreg::detail {

/// One part of a pattern for paths.
struct pattern_key {
  enum class kind : uint8_t {
    /// This key.
    literal,
    /// One key, whichever.
    any_one,
    /// Any number of keys, also none.
    any_number,
  };

  kind what = kind::literal;
  std::string text = {};

  friend bool operator==(const pattern_key&, const pattern_key&) = default;
};

/// Splits a pattern at its dots; a backslash takes the next character as it is.
std::vector<pattern_key> parse_pattern(std::string_view pattern);

} // namespace cafreg::detail
