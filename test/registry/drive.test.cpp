// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// A test hands over how to let something happen: on all versions of CAF, here
// in a system whose scheduler needs no help.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace drive_test {

using namespace caf_test;

TEST_CASE("a wait makes the steps that a test has set") {
  world w;
  auto steps = 0;
  std::function<void()> at_third_step;
  cafreg::drive(w.sys, [&] {
    if (++steps == 3)
      at_third_step();
    return true;
  });
  names_type names{w.sys};
  auto who = w.sys.spawn(idle);
  at_third_step = [&] { REQUIRE(names.register_as(who, "x", 1)); };
  auto found = names.await("x", patience);
  REQUIRE(found);
  CHECK(found->handle() == who);
  CHECK(steps == 3);
  kill(who);
}

TEST_CASE("a wait for what cannot come is refused") {
  world w;
  cafreg::drive(w.sys, [] { return false; });
  names_type names{w.sys};
  CHECK(code_of(names.await("x", 1h)) == "would_block");
}

TEST_CASE("a registry that is made after the end of that waits by itself") {
  world w;
  auto steps = 0;
  cafreg::drive(w.sys, [&] {
    ++steps;
    return true;
  });
  cafreg::drive(w.sys, nullptr);
  names_type names{w.sys};
  CHECK(code_of(names.await("x", 1ms)) == "timeout");
  CHECK(steps == 0);
}

TEST_CASE("a system is not driven by what was set for an earlier one") {
  auto steps = 0;
  std::optional<world> w;
  for (auto round = 0; round < 3; ++round) {
    w.emplace(); // where the one before was
    names_type names{w->sys};
    CHECK(code_of(names.await("x", 1ms)) == "timeout");
    cafreg::drive(w->sys, [&] {
      ++steps;
      return true;
    });
    names.close();
    w.reset();
  }
  CHECK(steps == 0);
}

} // namespace drive_test
