// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/utf8.hpp"

#include <string>
#include <string_view>

#include "catch.hpp"

namespace utf8_test {

using cafreg::detail::is_utf8;

TEST_CASE("valid UTF-8 is accepted up to its limits") {
  for (std::string_view text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "a\xc3\xa4z"})
    CHECK(is_utf8(text));
  CHECK(is_utf8(std::string_view{"\0", 1}));
}

TEST_CASE("bytes that are no UTF-8 are refused") {
  for (std::string_view text : {
         "\x80",             // nothing before it
         "\xff",             // never a byte of it
         "\xc0\x80",         // overlong
         "\xc1\xbf",         // overlong
         "\xe0\x9f\xbf",     // overlong
         "\xf0\x8f\xbf\xbf", // overlong
         "\xed\xa0\x80",     // a surrogate
         "\xf4\x90\x80\x80", // above the last character
         "\xf5\x80\x80\x80", // above the last character
         "\xc3",             // ends early
         "\xe2\x82",         // ends early
         "\xf0\x9f\x98",     // ends early
         "\xc3(",            // the second byte is another character
         "\xe2\x82(",        // the third is
         "\xf0\x9f\x98(",    // the fourth is
         "\xc3\xc3",         // the second byte begins another character
       }) {
    CHECK_FALSE(is_utf8(text));
    CHECK_FALSE(is_utf8("abc" + std::string{text}));
  }
}

} // namespace utf8_test
