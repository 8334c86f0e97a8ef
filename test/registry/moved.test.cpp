// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What was moved from can still be used, or says that it cannot.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace moved_test {

using namespace caf_test;

TEST_CASE("what was moved from is no crash") {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn(idle);
  SECTION("a reference is as good as before") {
    cafreg::unique_registry_ref<std::string, int> ref = names;
    auto other = std::move(ref);
    // NOLINTBEGIN(bugprone-use-after-move): that is what this is about
    CHECK(ref.register_as(who, "a", 1));
    ref = std::move(other);
    CHECK(other.lookup("a"));
    CHECK(ref.count() == 1);
    // NOLINTEND(bugprone-use-after-move)
  }
  SECTION("a subscription has nothing to cancel") {
    auto watched = names.watch("a", who);
    REQUIRE(watched);
    auto other = std::move(*watched);
    CHECK_FALSE(watched->cancel());
    CHECK(other.cancel());
  }
  SECTION("an event says nothing") {
    cafreg::registered first;
    auto other = std::move(first);
    CHECK(first.registry().empty()); // NOLINT(bugprone-use-after-move)
    CHECK(first.key<std::string>() == nullptr);
    CHECK_FALSE(to_string(other).empty());
  }
  SECTION("a name to send to is another name") {
    REQUIRE(names.register_as(who, "a", 1));
    auto to = names.via("a");
    auto other = std::move(to);
    CHECK(other.whereis());
    CHECK_FALSE(to.send(1)); // NOLINT(bugprone-use-after-move)
  }
  kill(who);
}

} // namespace moved_test
