// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cafreg/caf.hpp"

namespace cafreg {

/// How deep lists and dictionaries may be nested in JSON that is read.
constexpr size_t max_json_depth = 128;

/// Renders a value as JSON. The same value always gives the same text:
/// dictionaries are sorted by key, and a real has as many digits as it takes to
/// read it back, and never looks like an integer.
///
/// What JSON has no words for is an object with exactly one key:
///
/// - `{"$timespan": 1500}`: nanoseconds
/// - `{"$uri": "http://example.org"}`; CAF can make URIs that it cannot read
///   back, and these become strings
/// - `{"$real": "nan"}`, also `"inf"` and `"-inf"`
/// - `{"$bytes": "ff00"}`: a string that is not valid UTF-8, in hexadecimal
/// - `{"$atom": "name"}`: an atom, with CAF 0.17
/// - `{"$entries": [["key", value], ...]}`: a dictionary whose only key begins
///   with `$`, so that it is not one of these, or which has a key that is not
///   valid UTF-8
///
/// With CAF 1.x, `none` is `null`.
/// @param indent Number of spaces for each level, or below 0 for one line.
/// @pre With CAF 1.x, `prepare` was called before, as for everything where CAF
/// creates an error.
/// Complexity: linear in the size of the value. Does not recurse, however deep
/// the value is.
[[nodiscard]] std::string to_json(const caf::config_value& x, int indent = -1);

/// Parses JSON: what `to_json` wrote becomes the same value again, up to a
/// depth of `max_json_depth`. Of JSON from elsewhere, numbers with a fraction
/// or an exponent become reals and all others integers.
/// @returns `errc::bad_json`, with line and column, for a text that is no JSON,
/// has a key twice in one object, is nested deeper than `max_json_depth`, has
/// an integer that does not fit into 64 bits or a real that is too large, says
/// something with a `$` that is not listed above, or `null` with CAF 0.17,
/// which has no such value.
/// @pre As for `to_json`.
/// Complexity: linear in the size of the text, times the logarithm of the size
/// of its objects. Does not recurse.
[[nodiscard]] caf::expected<caf::config_value> from_json(std::string_view text);

} // namespace cafreg

namespace cafreg::detail {

/// The same with another limit for the depth.
[[nodiscard]] caf::expected<caf::config_value> from_json(std::string_view text,
                                                         size_t max_depth);

} // namespace cafreg::detail
