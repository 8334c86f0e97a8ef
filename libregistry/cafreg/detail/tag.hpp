// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// A text as a template argument.
template <size_t Size>
struct literal {
  constexpr literal(const char (&text)[Size]) {
    std::copy_n(text, Size, chars.begin());
  }

  std::array<char, Size> chars{};
};

/// A message type that is nothing but its name.
template <literal Name>
struct tag {
  template <class Inspector>
  friend auto inspect(Inspector& f, tag& x) {
    auto nop = [] {};
    return inspect_fields(f, x, Name.chars.data(), nop);
  }

  /// Tags of one type are equal.
  friend bool operator==(const tag&, const tag&) {
    return true;
  }
};

} // namespace cafreg::detail
