// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <string_view>

namespace cafreg::detail {

/// Whether a text is valid UTF-8: no overlong forms, no surrogates, nothing
/// above U+10FFFF. Complexity: linear.
bool is_utf8(std::string_view text) noexcept;

} // namespace cafreg::detail
