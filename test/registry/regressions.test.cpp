// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What the first users stumbled over, and the first attackers.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <iterator>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>

namespace regressions_test {

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

TEST_CASE("a dead actor gives nothing away") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  auto heir = w.sys.spawn(idle);
  REQUIRE(names.register_as(a, "n", 1));
  REQUIRE(names.standby("n", heir, 2));
  REQUIRE(kill_and_wait(a));
  CHECK(names.give_away("n", a, b) == cafreg::errc::not_holder);
  auto changed = names.update_value(a, "n", [](int x) { return x + 1; });
  REQUIRE_FALSE(changed);
  CHECK(changed.error() == cafreg::errc::not_holder);
  auto now = names.lookup("n");
  REQUIRE(now);
  CHECK(now->handle() == heir);
  names.close();
  kill(b);
  kill(heir);
}

TEST_CASE("a wait that ends before it begins is answered") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  caf::scoped_actor self{w.sys};
  for (auto timeout :
       {std::chrono::nanoseconds::min(), std::chrono::nanoseconds{-1},
        std::chrono::nanoseconds{0}}) {
    auto found = names.await("n", timeout);
    REQUIRE_FALSE(found);
    CHECK(found.error() == cafreg::errc::timeout);
    REQUIRE(names.await("n", caf::actor{self}, timeout));
    caf::error answer;
    self->receive([&](const cafreg::awaited& x) { answer = x.error(); });
    CHECK(answer == cafreg::errc::timeout);
  }
}

namespace {

// Throws when it is copied for the n-th time.
struct fragile {
  static inline std::atomic<int> copies{0};
  static inline std::atomic<int> limit{1'000'000};

  fragile() = default;

  fragile(const fragile&) {
    if (++copies >= limit)
      throw std::runtime_error{"copy"};
  }

  fragile(fragile&&) noexcept = default;

  fragile& operator=(const fragile&) = default;

  fragile& operator=(fragile&&) noexcept = default;
};

} // namespace

TEST_CASE("a value that cannot be copied costs an event, not the entry") {
  world w;
  cafreg::unique_registry<std::string, fragile> names{w.sys, {.name = "names"}};
  auto who = w.sys.spawn(idle);
  auto listener = w.sys.spawn(idle);
  REQUIRE_FALSE(names.add_listener(listener));
  fragile::limit = 0;
  REQUIRE(names.register_as(who, "n", fragile{}));
  CHECK(names.whereis("n"));
  CHECK(names.unregister(who, "n"));
  CHECK_FALSE(names.whereis("n"));
  fragile::limit = 1'000'000;
  names.close();
  kill(who);
  kill(listener);
}

namespace {

// Registers another name, once both spawns are under way.
class entangled : public caf::event_based_actor {
public:
  entangled(caf::actor_config& cfg, names_ref names, std::string other,
            gate* both)
    : caf::event_based_actor(cfg) {
    both->pass();
    auto nested = names.spawn_as(other, 1, idle);
    nested_failed = !nested;
  }

  caf::behavior make_behavior() override {
    return idle(this);
  }

  static inline thread_local bool nested_failed = false;
};

} // namespace

TEST_CASE("two spawns that want each other's names both end") {
  world w;
  names_type names{w.sys, {.name = "names"}};
  gate both;
  std::atomic<int> failed{0};
  auto spawn = [&](const std::string& mine, const std::string& other) {
    auto who = names.spawn_as<entangled>(mine, 1, names.ref(), other, &both);
    if (who && entangled::nested_failed)
      ++failed;
  };
  std::thread first{spawn, "a", "b"};
  std::thread second{spawn, "b", "a"};
  REQUIRE(both.wait_for(2));
  both.open();
  first.join();
  second.join();
  CHECK(failed == 2);
  CHECK(names.count() == 2);
}

TEST_CASE("an update within an update of the same name is refused") {
  world w;
  names_type names{w.sys, {.name = "app"}};
  names_type others{w.sys};
  auto who = w.sys.spawn(idle);
  for (auto* key : {"n", "m"}) {
    REQUIRE(names.register_as(who, key, 1));
    REQUIRE(others.register_as(who, key, 1));
  }
  auto increment = [](int x) { return x + 1; };
  caf::error nested;
  SECTION("at once") {
    auto done = names.update_value(who, "n", [&](int x) {
      nested = names.update_value(who, "n", increment).error();
      return x + 10;
    });
    REQUIRE(done);
    CHECK(done->value == 11);
  }
  SECTION("behind another one") {
    auto done = names.update_value(who, "n", [&](int x) {
      REQUIRE(names.update_value(who, "m", [&](int y) {
        nested = names.update_value(who, "n", increment).error();
        return y + 1;
      }));
      return x + 10;
    });
    REQUIRE(done);
    CHECK(names.lookup("m")->value() == 2);
  }
  SECTION("from a predicate") {
    auto count = names.unregister_if(who, "n", [&](int) {
      nested = names.update_value(who, "n", increment).error();
      return true;
    });
    CHECK(count == size_t{1});
  }
  CHECK(nested == cafreg::errc::would_deadlock);
  CHECK(cafreg::to_text(nested)
        == "registry app: key n: this thread is changing the entry");
  // Other names and registries are free, and so is this one afterwards.
  CHECK(names.update_value(who, "m", [&](int x) {
    CHECK(others.update_value(who, "m", increment));
    return x;
  }));
  std::ignore = names.register_as(who, "n", 1);
  CHECK_THROWS(names.update_value(who, "n", [](int) -> int {
    throw std::runtime_error{"no"};
  }));
  CHECK(names.update_value(who, "n", increment));
  names.close();
  kill(who);
}

TEST_CASE("an update waits for no other thread, and follows it") {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn(idle);
  REQUIRE(names.register_as(who, "n", 1));
  auto calls = 0;
  // Another thread is faster once; that is no nesting.
  auto done = names.update_value(who, "n", [&](int x) {
    if (++calls == 1)
      std::thread{[&] {
        CHECK(names.update_value(who, "n", [](int y) { return y + 10; }));
      }}.join();
    return x + 1;
  });
  REQUIRE(done);
  CHECK(calls == 2);
  CHECK(done->value == 12);
  names.close();
  kill(who);
}

TEST_CASE("a closed duplicate registry is refused first of all") {
  world w;
  topics_type topics{w.sys};
  auto who = w.sys.spawn(idle);
  REQUIRE(kill_and_wait(who));
  topics.close();
  CHECK(code_of(topics.register_as(who, "x")) == "closed");
}

} // namespace regressions_test
