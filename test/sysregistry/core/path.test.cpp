// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/path.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

namespace path_test {

using cafreg::path;

namespace {

std::vector<std::string> keys(const path& x) {
  return {x.begin(), x.end()};
}

using strings = std::vector<std::string>;

template <class T>
constexpr bool takes_double_braces = requires {
  T{{"state", "x"}};
};

} // namespace

TEST_CASE("a pair of braces too many does not compile") {
  STATIC_REQUIRE_FALSE(takes_double_braces<path>);
}

TEST_CASE("a text is split at its dots") {
  CHECK(keys("state.eth0.mtu") == strings{"state", "eth0", "mtu"});
  CHECK(keys("state") == strings{"state"});
  CHECK(keys("") == strings{});
  CHECK(keys(std::string{"a.b"}) == strings{"a", "b"});
}

TEST_CASE("a backslash takes what follows as it is") {
  CHECK(keys(R"(hosts.10\.0\.0\.1)") == strings{"hosts", "10.0.0.1"});
  CHECK(keys(R"(a\\b.c)") == strings{R"(a\b)", "c"});
  CHECK(keys(R"(a\)") == strings{R"(a\)"});
}

TEST_CASE("empty keys are kept, for whoever refuses them") {
  CHECK(keys("a..b") == strings{"a", "", "b"});
  CHECK(keys(".") == strings{"", ""});
  CHECK(keys("a.") == strings{"a", ""});
}

TEST_CASE("a list of keys is taken as it is") {
  path x{"state", "10.0.0.1"};
  CHECK(x.size() == 2);
  CHECK(x[1] == "10.0.0.1");
  CHECK(x.back() == "10.0.0.1");
  CHECK(to_string(x) == R"(state.10\.0\.0\.1)");
}

TEST_CASE("braces never split") {
  CHECK(path{"a.b"}.size() == 1);
  CHECK(path("a.b").size() == 2);
}

TEST_CASE("a text that a path gives is this path again") {
  for (auto& x : {path{}, path{"a"}, path{"a.b", "c"}, path{"\\", "."},
                  path{"a\\.b", "c\\"}, path{"ä", " "}})
    CHECK(path(to_string(x)) == x);
}

TEST_CASE("paths are joined and compared") {
  path x{"a"};
  CHECK(x / "b.c" == path{"a", "b.c"});
  CHECK(x / path("b.c") == path{"a", "b", "c"});
  CHECK(x.contains(x));
  CHECK(x.contains("a.b"));
  CHECK(path{}.contains(x));
  CHECK_FALSE(path{"a.b"}.contains(x));
  CHECK_FALSE(x.contains("ab"));
  CHECK(path{"a", "b"} < path{"a", "c"});
  CHECK(path{"a", "z"} < path{"b", "a"});
  CHECK(path{"a"} < path{"a", "b"});
  CHECK(path{"a", "b"} < path{"b"});
  CHECK(path{} < path{""});
  CHECK(path{"a"} <= path{"a"});
  CHECK_FALSE(path{"a"} < path{"a"});
}

} // namespace path_test
