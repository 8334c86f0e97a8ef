// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/lines.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace switchboard {

malformed_line complain(std::string file) {
  return [file = std::move(file)](size_t at, std::string_view text,
                                  std::string_view why) {
    fmt::print(stderr, "{}:{}: {}: {}\n", file, at, why, text);
  };
}

void read_pairs(
  std::istream& in,
  const std::function<std::string_view(std::string, std::string)>& fn,
  const malformed_line& malformed) {
  std::string line;
  for (size_t at = 1; std::getline(in, line); ++at) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (line.empty() || line.front() == '#')
      continue;
    auto comma = line.find(',');
    if (comma == std::string::npos
        || line.find(',', comma + 1) != std::string::npos)
      malformed(at, line, "not two fields");
    else if (auto why = fn(line.substr(0, comma), line.substr(comma + 1));
             !why.empty())
      malformed(at, line, why);
  }
}

bool is_number(std::string_view text) {
  return text.size() >= 4 && text.size() <= 16 && text.front() == '+'
         && std::all_of(text.begin() + 1, text.end(),
                        [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace switchboard
