// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Lengths of time, up to those without limit.

#include "registry/caf_helpers.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"

namespace time_span_test {

using namespace caf_test;

using cafreg::time_span;

TEST_CASE("a time span takes all units and never overflows") {
  using ns = std::chrono::nanoseconds;
  using real_days = std::chrono::duration<double, std::ratio<86400>>;
  using small_hours = std::chrono::duration<int8_t, std::ratio<3600>>;
  static_assert(time_span{} == ns{0});
  static_assert(time_span{5s} == ns{5'000'000'000});
  static_assert(time_span{-3ms} == ns{-3'000'000});
  static_assert(time_span{std::chrono::hours::max()}.infinite());
  static_assert(!time_span{std::chrono::hours{2'562'047}}.infinite());
  static_assert(time_span{std::chrono::hours{2'562'048}}.infinite());
  static_assert(time_span{ns::max()}.infinite());
  static_assert(!time_span{ns::max() - ns{1}}.infinite());
  static_assert(time_span{std::chrono::minutes::min()} == ns::min());
  static_assert(time_span{small_hours{100}} == 100h);
  static_assert(time_span{std::chrono::duration<int8_t, std::pico>{100}} == 0s);
  CHECK(time_span{real_days{0.5}} == 12h);
  CHECK(time_span{real_days{1e30}}.infinite());
  CHECK(time_span{real_days{-1e30}} == ns::min());
  CHECK(
    time_span{real_days{std::numeric_limits<double>::infinity()}}.infinite());
  CHECK(time_span{real_days{std::nan("")}} == 0s);
  CHECK(time_span{caf::infinite}.infinite());
  CHECK(time_span{caf::infinite} == time_span::max());
}

namespace {

// Waits for a name that comes a moment later.
template <class Limit>
void await_in_thread(Limit limit) {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn(idle);
  std::atomic<bool> begun{false};
  std::thread comes{[&] {
    wait_until([&] { return begun.load(); });
    if (!names.register_as(who, "late", 1))
      out_of_patience("a name");
  }};
  begun = true;
  auto found = names.await("late", limit);
  comes.join();
  REQUIRE(found);
  CHECK(found->handle() == who);
  kill(who);
}

} // namespace

TEST_CASE("a thread waits for a name without limit") {
  await_in_thread(caf::infinite);
  await_in_thread(std::chrono::hours::max());
  await_in_thread(std::chrono::nanoseconds::max());
  await_in_thread(std::chrono::seconds::max() - 1s);
}

TEST_CASE("an actor waits for a name without limit") {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn(idle);
  auto seen = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, seen);
  REQUIRE(names.await("a", listener, caf::infinite));
  REQUIRE(names.await("b", listener, std::chrono::hours::max()));
  REQUIRE(names.register_as(who, "a", 1));
  REQUIRE(names.register_as(who, "b", 1));
  for (auto& x : seen->wait_for(2)) {
    CHECK(x.what == event::kind::awaited);
    CHECK(x.holder == who.id());
  }
  kill(listener);
  kill(who);
}

TEST_CASE("a request has no time limit if it is to have none") {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](int x) { return x + 1; }};
  });
  REQUIRE(names.register_as(who, "adder", 1));
  caf::scoped_actor self{w.sys};
  auto ask = [&](auto limit) {
    auto result = 0;
    names.via("adder")
      .request(self, limit, 41)
      .receive([&](int x) { result = x; }, [](const caf::error&) {});
    return result;
  };
  CHECK(ask(caf::infinite) == 42);
  CHECK(ask(std::chrono::hours::max()) == 42);
  CHECK(ask(std::chrono::nanoseconds::max() - 1s) == 42);
  kill(who);
}

} // namespace time_span_test
