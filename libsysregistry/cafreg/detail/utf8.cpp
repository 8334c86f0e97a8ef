// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/utf8.hpp"

#include <cstddef>

namespace cafreg::detail {

namespace {

/// What may follow a first byte: how many bytes, and from where to where the
/// first of them may be; all others are from 0x80 to 0xbf.
struct sequence {
  size_t more;
  unsigned char low;
  unsigned char high;
};

constexpr size_t invalid = 4;

constexpr sequence after(unsigned char first) noexcept {
  if (first < 0x80)
    return {0, 0, 0};
  if (first >= 0xc2 && first <= 0xdf)
    return {1, 0x80, 0xbf};
  if (first == 0xe0)
    return {2, 0xa0, 0xbf};
  if (first == 0xed)
    return {2, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef)
    return {2, 0x80, 0xbf};
  if (first == 0xf0)
    return {3, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3)
    return {3, 0x80, 0xbf};
  if (first == 0xf4)
    return {3, 0x80, 0x8f};
  return {invalid, 0, 0};
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size(); ++i) {
    auto [more, low, high] = after(static_cast<unsigned char>(text[i]));
    if (more == invalid || more >= text.size() - i)
      return false;
    for (; more > 0; --more) {
      auto next = static_cast<unsigned char>(text[++i]);
      if (next < low || next > high)
        return false;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

} // namespace cafreg::detail
