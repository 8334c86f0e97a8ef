#pragma once

// Catch2, whichever generation is installed: version 3 has no single header.
#if __has_include(<catch2/catch_all.hpp>)
#  include <catch2/catch_all.hpp>
#else
#  include <catch2/catch.hpp>
#endif
