// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/path.hpp"

#include <algorithm>

namespace cafreg {

path::path(parsed, std::string_view dotted) {
  if (dotted.empty())
    return;
  keys_.emplace_back();
  for (size_t i = 0; i < dotted.size(); ++i) {
    if (dotted[i] == '.') {
      keys_.emplace_back();
      continue;
    }
    if (dotted[i] == '\\' && i + 1 < dotted.size())
      ++i;
    keys_.back() += dotted[i];
  }
}

bool path::contains(const path& other) const noexcept {
  return size() <= other.size() && std::equal(begin(), end(), other.begin());
}

std::string to_string(const path& x) {
  std::string result;
  for (auto& key : x.keys_) {
    if (&key != x.keys_.data())
      result += '.';
    for (auto c : key) {
      if (c == '.' || c == '\\')
        result += '\\';
      result += c;
    }
  }
  return result;
}

} // namespace cafreg
