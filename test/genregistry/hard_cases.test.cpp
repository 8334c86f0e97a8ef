// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "cafreg/unique_registry.hpp"

#include "catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace hard_cases_test {

using namespace gen_test;

using namespace std::chrono_literals;

namespace {

constexpr auto for_ever = std::chrono::nanoseconds::max();

// An id that throws what nobody expects when it is copied at the wrong time.
struct fussy {
  explicit fussy(int value) : value(value) {
    // nop
  }

  fussy(const fussy& other) : value(other.value) {
    if (upset)
      throw 42;
  }

  fussy(fussy&&) noexcept = default;

  fussy& operator=(const fussy&) = default;

  friend bool operator==(const fussy& x, const fussy& y) noexcept {
    return x.value == y.value;
  }

  int value;
  static inline std::atomic<bool> upset{false};
};

} // namespace

} // namespace hard_cases_test

template <>
struct std::hash<hard_cases_test::fussy> {
  size_t operator()(const hard_cases_test::fussy& x) const noexcept {
    return static_cast<size_t>(x.value);
  }
};

namespace hard_cases_test {

// The worker that is to end waits for the start whose factory wants it to end.
TEST_CASE("a factory does not wait for a worker that waits for it") {
  auto closing = GENERATE(true, false);
  world w;
  gate inside;
  std::optional<workers_ref> ref;
  std::string refusal;
  workers_type workers{
    w.sys,
    {},
    [&](caf::actor_system& sys, const std::string& id) -> caf::actor {
      if (id == "waiting")
        return sys.spawn([&](caf::event_based_actor*) -> caf::behavior {
          return {[&](int) { (void) ref->lookup_or_start("slow"); }};
        });
      inside.pass();
      refusal = code_of(closing ? ref->close() : ref->stop("waiting"));
      return sys.spawn(idle);
    }};
  ref = workers.ref();
  auto waiting = workers.lookup_or_start("waiting");
  REQUIRE(waiting);
  std::thread starter{[&] { (void) workers.lookup_or_start("slow"); }};
  REQUIRE(inside.wait_for(1));
  tell(*waiting, 1);
  // Whether it waits already or comes later, both ways all must go on.
  inside.open();
  starter.join();
  CHECK(refusal == "would_block");
  workers.close();
  ref.reset();
}

TEST_CASE("a value is not updated while it is being updated") {
  world w;
  cafreg::gen_registry<std::string, caf::actor, int> workers{w.sys, {}, idle};
  REQUIRE(workers.lookup_or_start("a"));
  std::string nested;
  auto result = workers.update_value("a", [&](int x) {
    nested = code_of(workers.update_value("a", [](int y) { return y + 10; }));
    return x + 1;
  });
  REQUIRE(result);
  CHECK(*result == 1);
  CHECK(nested == "would_deadlock");
}

TEST_CASE("events of other registries do not concern a front") {
  world w;
  workers_type workers{w.sys, {}, idle};
  REQUIRE(workers.lookup_or_start("a"));
  {
    cafreg::unique_registry<int> others{w.sys,
                                        {.listeners = {workers.actor()}}};
    cafreg::unique_registry<std::string> same_keys{
      w.sys, {.listeners = {workers.actor()}}};
    auto who = w.sys.spawn(idle);
    REQUIRE(others.register_as(who, 1));
    REQUIRE(same_keys.register_as(who, "a"));
    REQUIRE(others.unregister(who, 1));
    REQUIRE(same_keys.unregister(who, "a"));
    kill(who);
  }
  caf::scoped_actor self{w.sys};
  uint64_t count = 0;
  cafreg::detail::request(self.ptr(), workers.actor(), patience,
                          cafreg::ask::count{})
    .receive([&](uint64_t x) { count = x; }, [](const caf::error&) {});
  CHECK(count == 1);
}

TEST_CASE("the longest time is for ever") {
  world w;
  SECTION("until a worker is idle, or killed") {
    workers_type workers{
      w.sys, {.stop_timeout = for_ever, .idle_after = for_ever}, idle};
    REQUIRE(workers.lookup_or_start("a"));
    REQUIRE(workers.lookup_or_start("b"));
    CHECK(workers.stop("a"));
    CHECK(workers.whereis("b"));
    CHECK(workers.stats().kills == 0);
    CHECK(workers.stats().passivations == 0);
  }
  SECTION("until a refused id is started again") {
    auto calls = 0;
    workers_type workers{
      w.sys,
      {.backoff = {.failures = 2, .within = for_ever, .cool_down = for_ever}},
      [&calls](caf::actor_system&, const std::string&) {
        ++calls;
        return caf::actor{};
      }};
    CHECK(code_of(workers.lookup_or_start("a")) == "factory_failed");
    CHECK(code_of(workers.lookup_or_start("a")) == "factory_failed");
    CHECK(code_of(workers.lookup_or_start("a")) == "backing_off");
    CHECK(calls == 2);
  }
}

TEST_CASE("a worker belongs to the registry's own actor system") {
  world here;
  world elsewhere;
  auto stranger = elsewhere.sys.spawn(idle);
  workers_type workers{
    here.sys, {.name = "workers"}, [&](caf::actor_system&, const std::string&) {
      return stranger;
    }};
  auto result = workers.lookup_or_start("a");
  REQUIRE_FALSE(result);
  CHECK(code_of(result) == "factory_failed");
  CHECK(cafreg::to_text(result.error()).find("elsewhere") != std::string::npos);
  CHECK(workers.count() == 0);
  CHECK_FALSE(dead(stranger));
  kill(stranger);
}

TEST_CASE("a worker whose id cannot be noted does not run on") {
  auto recorded = GENERATE(true, false);
  world w;
  auto all = std::make_shared<census>();
  cafreg::gen_registry<fussy> workers{
    w.sys,
    {.max_workers = recorded ? 100u : 0u},
    [&](caf::actor_system& sys, const fussy&) {
      fussy::upset = true;
      return spawn_holding(sys, std::make_shared<citizen>(all));
    }};
  CHECK_THROWS_AS(workers.lookup_or_start(fussy{1}), int);
  fussy::upset = false;
  CHECK(eventually([&] { return all->living() == 0; }));
  CHECK(all->born == 1);
  CHECK(workers.count() == 0);
}

} // namespace hard_cases_test
