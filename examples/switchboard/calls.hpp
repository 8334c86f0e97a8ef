// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <ostream>
#include <string>

#include "switchboard/lines.hpp"

namespace switchboard {

/// One call: who wants to talk to whom.
struct call {
  std::string caller;
  std::string callee;
};

/// Reads calls, one "caller,callee" a line.
void read_calls(std::istream& in, const std::function<void(call)>& fn,
                const malformed_line& malformed);

/// Writes random calls, the same ones for the same number.
void generate_calls(std::ostream& out, size_t count);

/// Writes rules for the callees of `generate_calls`.
void generate_rules(std::ostream& out);

} // namespace switchboard
