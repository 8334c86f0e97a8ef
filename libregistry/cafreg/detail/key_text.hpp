// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <string>
#include <string_view>
#include <type_traits>

namespace cafreg::detail {

/// Returns a text for an error message, shortened if it is long.
std::string short_text(std::string_view text);

/// Renders a key for an error message, shortened if it is long.
template <class T>
std::string key_text(const T& key) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return short_text(std::string_view{key});
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(key);
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(key));
  } else if constexpr (requires { std::string{to_string(key)}; }) {
    return short_text(std::string{to_string(key)});
  } else {
    return "?";
  }
}

} // namespace cafreg::detail
