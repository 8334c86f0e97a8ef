// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What the first users stumbled over.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <iterator>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

using namespace caf_test;
using namespace std::string_literals;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

using range = topics_type::super::range_type;

// A reference into a temporary iterator would dangle: an algorithm that keeps
// references must not compile, and a temporary must give a copy.
static_assert(std::input_iterator<range::iterator>);
static_assert(!std::ranges::forward_range<range>);
static_assert(!std::is_reference_v<decltype(*std::declval<range&>().begin())>);

} // namespace

TEST_CASE("the first entry of a dispatch may be kept") {
  world w;
  topics_type topics{w.sys, {.name = "topics"}};
  auto who = w.sys.spawn(idle);
  REQUIRE(topics.register_as(who, "t", 7));
  auto seen = 0;
  topics.dispatch("t", [&](auto entries) {
    const auto& first = *entries.begin();
    seen = first.value();
  });
  CHECK(seen == 7);
  topics.close();
  kill(who);
}

TEST_CASE("who gives a name up does not inherit it") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  auto c = w.sys.spawn(idle);
  REQUIRE(names.register_as(a, "n", 1));
  REQUIRE(names.standby("n", b, 2));
  REQUIRE(names.standby("n", c, 3));
  // Now b holds the name and stands by for it.
  REQUIRE_FALSE(names.give_away("n", a, b));
  auto count = names.unregister(b, "n");
  REQUIRE(count);
  CHECK(*count == 1);
  auto now = names.lookup("n");
  REQUIRE(now);
  CHECK(now->handle() == c);
  CHECK(now->value() == 3);
  names.close();
  for (auto& who : {a, b, c})
    kill(who);
}

TEST_CASE("a message that no operation takes is answered") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  topics_type topics{w.sys, {.name = "topics"}};
  caf::scoped_actor self{w.sys};
  for (auto& front : {names.actor(), topics.actor()}) {
    caf::error answer;
    cafreg::detail::request(self.ptr(), front, patience, cafreg::ask::lookup{},
                            3.5)
      .receive([](const caf::actor&) {},
               [&](const caf::error& err) { answer = err; });
    CHECK(answer == cafreg::errc::bad_request);
  }
}

TEST_CASE("a name is used through a view and from a scoped actor") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  auto who = w.sys.spawn(idle);
  REQUIRE(names.register_as(who, "n", 1));
  caf::scoped_actor self{w.sys};
  std::string_view key = "n";
  auto answer = 0;
  names.via(key)
    .request(self, patience, 5)
    .receive([&](int x) { answer = x; }, [](const caf::error&) {});
  CHECK(answer == 5);
  names.close();
  kill(who);
}
