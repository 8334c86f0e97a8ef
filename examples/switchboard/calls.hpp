// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

namespace switchboard {

/// One call: who wants to talk to whom.
struct call {
  std::string caller;
  std::string callee;
};

/// Whether a text is a phone number: a plus and 3 to 15 digits.
bool is_number(std::string_view text);

/// Reads calls, one "caller,callee" a line; empty lines and those that begin
/// with # do not count.
/// @param fn Called for each call.
/// @param malformed Called with the number and the text of each line that is
///                  none, and why.
void read_calls(std::istream& in, const std::function<void(call)>& fn,
                const std::function<void(size_t, std::string_view,
                                         std::string_view)>& malformed);

/// Writes random calls, the same ones for the same number.
void generate_calls(std::ostream& out, size_t count);

/// Writes rules for the callees of `generate_calls`.
void generate_rules(std::ostream& out);

} // namespace switchboard
