// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <istream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "switchboard/lines.hpp"

namespace switchboard {

/// Whom one callee does not want to hear: callers, or with a * in the end all
/// callers that begin so.
using denials = std::vector<std::string>;

bool allowed(std::string_view caller, const denials& denied);

/// Reads rules, "callee,denied" in each line.
/// @returns whom each callee does not want to hear.
std::map<std::string, denials> read_rules(std::istream& in,
                                          const malformed_line& malformed);

} // namespace switchboard
