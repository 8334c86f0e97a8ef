// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/sys_format.hpp"

#include "sysregistry/sys_helpers.hpp"

#include "catch.hpp"

namespace formatting_test {

using namespace sys_test;

TEST_CASE("what a system registry gives out can be printed") {
  sys_world w;
  system_registry state{w.sys, {.name = "device"}};
  auto me = w.someone();
  auto first = state.update(me, {"state", "10.0.0.1"}, {{"up", true}});
  REQUIRE(first);
  CHECK(fmt::format("{}", *first)
        == "version 1\n+ state.10\\.0\\.0\\.1.up = true");
  auto before = state.snapshot();
  REQUIRE(state.update(me, "state.list", std::vector<int>{1, 2}));
  REQUIRE(state.update(me, path{"state", "10.0.0.1", "up"}, false));
  auto now = state.snapshot();
  CHECK(fmt::format("{}", now)
        == "version 3\n"
           "state.10\\.0\\.0\\.1.up = false\n"
           "state.list = [1,2]");
  CHECK(fmt::format("{}", now.diff(before))
        == "version 3\n"
           "~ state.10\\.0\\.0\\.1.up = true -> false\n"
           "+ state.list = [1,2]");
  CHECK(to_json(now) == R"({"state":{"10.0.0.1":{"up":false},"list":[1,2]}})");
  CHECK(fmt::format("{:>8}|", path("a.b")) == "     a.b|");
  CHECK(fmt::format("{}", now.leaves("state.list").front())
        == "state.list = [1,2]");
  CHECK(fmt::format("{}", caf::config_value{1.5}) == "1.5");
  CHECK(fmt::format("{}", system_state{"device", "state", now})
        == "state device: state: version 3, 2 leaves");
  auto missing = now.get<int>("state.nothing");
  CHECK(fmt::format("{}", missing.error())
        == "path state.nothing: there is no leaf");
  auto wrong = state.get<int>("state.list");
  CHECK(fmt::format("{}", wrong.error()).find("registry device: path") == 0);
  auto held = state.holders();
  REQUIRE(held.size() == 1);
  CHECK(fmt::format("{}", held[0])
        == fmt::format("actor {}: owner of 2 leaves", me.id()));
}

} // namespace formatting_test
