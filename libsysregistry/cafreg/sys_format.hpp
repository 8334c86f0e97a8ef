// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <string>

#include <fmt/format.h>

#include "cafreg/format.hpp"
#include "cafreg/json.hpp"
#include "cafreg/path.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/system_state.hpp"

/// Formatters of fmt for what a system registry gives out, beside those of
/// cafreg/format.hpp. The library itself does not use fmt.

/// @cond
// Specialisations in another's namespace are beyond Doxygen.

/// Prints the text with dots.
template <>
struct fmt::formatter<cafreg::path> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::path& x, Context& ctx) const {
    return format_text(to_string(x), ctx);
  }
};

/// Prints the value as JSON.
template <>
struct fmt::formatter<caf::config_value> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const caf::config_value& x, Context& ctx) const {
    return format_text(cafreg::to_json(x), ctx);
  }
};

/// Prints "PATH = VALUE".
template <>
struct fmt::formatter<cafreg::leaf_entry> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::leaf_entry& x, Context& ctx) const {
    return format_text(to_string(x.where) + " = " + cafreg::to_json(x.value),
                       ctx);
  }
};

/// Prints the version, and a line for each leaf.
template <>
struct fmt::formatter<cafreg::snapshot> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::snapshot& x, Context& ctx) const {
    return format_text(to_string(x), ctx);
  }
};

/// Prints the version, and a line for each change.
template <>
struct fmt::formatter<cafreg::delta> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::delta& x, Context& ctx) const {
    return format_text(to_string(x), ctx);
  }
};

/// Prints registry, scope, version and number of leaves.
template <>
struct fmt::formatter<cafreg::system_state> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::system_state& x, Context& ctx) const {
    return format_text(to_string(x), ctx);
  }
};

/// @endcond
