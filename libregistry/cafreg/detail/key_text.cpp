// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/key_text.hpp"

namespace cafreg::detail {

std::string short_text(std::string_view text) {
  constexpr size_t limit = 64;
  std::string result{text.substr(0, limit)};
  if (text.size() > limit) {
    result += "... (";
    result += std::to_string(text.size());
    result += " bytes)";
  }
  return result;
}

} // namespace cafreg::detail
