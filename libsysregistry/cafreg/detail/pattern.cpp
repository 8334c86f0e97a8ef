// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/pattern.hpp"

namespace cafreg::detail {

std::vector<pattern_key> parse_pattern(std::string_view pattern) {
  using kind = pattern_key::kind;
  std::vector<pattern_key> result;
  if (pattern.empty())
    return result;
  size_t begin = 0;
  std::string text;
  auto finish = [&](size_t end) {
    auto written = pattern.substr(begin, end - begin);
    pattern_key next;
    if (written == "*")
      next.what = kind::any_one;
    else if (written == "**")
      next.what = kind::any_number;
    else
      next.text = text;
    // Several in a row say no more than one.
    if (next.what != kind::any_number || result.empty()
        || result.back().what != kind::any_number)
      result.push_back(std::move(next));
    text.clear();
    begin = end + 1;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '.') {
      finish(i);
      continue;
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size())
      ++i;
    text += pattern[i];
  }
  finish(pattern.size());
  return result;
}

} // namespace cafreg::detail
