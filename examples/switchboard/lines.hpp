// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

namespace switchboard {

/// Told of a line that is not as it should be: its number, its text, and why.
using malformed_line
  = std::function<void(size_t, std::string_view, std::string_view)>;

/// Returns a function that reports lines of a file on standard error.
malformed_line complain(std::string file);

/// Reads lines of two fields, "first,second"; empty lines and those that begin
/// with # do not count.
/// @param fn Called with both, says what is wrong with them: nothing, if it
///           returns an empty text.
void read_pairs(
  std::istream& in,
  const std::function<std::string_view(std::string, std::string)>& fn,
  const malformed_line& malformed);

/// Whether a text is a phone number: a plus and 3 to 15 digits.
bool is_number(std::string_view text);

} // namespace switchboard
