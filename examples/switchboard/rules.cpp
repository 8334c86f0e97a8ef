// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/rules.hpp"

#include <algorithm>
#include <utility>

namespace switchboard {

bool allowed(std::string_view caller, const denials& denied) {
  return std::none_of(
    denied.begin(), denied.end(), [caller](std::string_view pattern) {
      if (pattern.ends_with('*'))
        return caller.starts_with(pattern.substr(0, pattern.size() - 1));
      return caller == pattern;
    });
}

std::map<std::string, denials> read_rules(std::istream& in,
                                          const malformed_line& malformed) {
  std::map<std::string, denials> result;
  read_pairs(
    in,
    [&](std::string callee, std::string denied) -> std::string_view {
      if (!is_number(callee))
        return "the callee is no number";
      // What stands before a * may be short.
      if (!is_number(denied)
          && !(denied.starts_with('+') && denied.ends_with('*')
               && denied.find_first_not_of("0123456789", 1)
                    == denied.size() - 1))
        return "the denied caller is neither a number nor the beginning of one";
      result[std::move(callee)].push_back(std::move(denied));
      return {};
    },
    malformed);
  return result;
}

} // namespace switchboard
