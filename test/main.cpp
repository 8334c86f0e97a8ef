// Only for Catch2 version 2, where the main function is generated from the
// header; version 3 brings it as a library.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
