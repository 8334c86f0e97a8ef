// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <optional>

#include "catch.hpp"
#include "sysregistry/core/memory.hpp"

namespace shortage_test {

using namespace sys_test;

// Calls of the facade in a thread that runs out of memory: nothing has changed,
// or all has; what was committed is delivered in any case. Values are numbers
// here: CAF 0.17 ends the program if it cannot copy another one.

namespace {

using maybe = std::optional<caf::config_value>;

struct fixture {
  fixture() {
    REQUIRE(state.update(me, "state.a", {{"x", 1}, {"y", 2}}));
  }

  ~fixture() {
    kill(reader);
  }

  /// Makes a change until memory suffices for it.
  template <class Fn>
  void run(Fn change) {
    auto before = state.snapshot();
    auto version = state.version();
    std::optional<caf::expected<cafreg::delta>> done;
    auto failures = memory::run_out(
      [&] {
        done.reset();
        done.emplace(change());
      },
      [&] {
        // It failed before the change was made.
        CHECK(state.version() == version);
        CHECK(state.snapshot() == before);
        CHECK(state.count() == before.size());
      });
    CHECK(failures > 0);
    REQUIRE(done);
    CHECK(*done);
    CHECK(state.version() == version + 1);
  }

  sys_world w;
  system_registry state{w.sys};
  caf::actor me = w.someone();
  std::shared_ptr<inbox> in = std::make_shared<inbox>();
  caf::actor reader = spawn_reader(w.sys, in);
};

} // namespace

TEST_CASE("changes when memory runs out") {
  fixture f;
  REQUIRE(f.state.subscribe(f.reader));
  SECTION("an update") {
    f.run([&] { return f.state.update(f.me, "state.a.x", 5); });
  }
  SECTION("a first update") {
    auto other = f.w.someone();
    f.run([&] { return f.state.update(other, "state.b", 5); });
    CHECK(f.state.holders().size() == 3);
  }
  SECTION("a transaction") {
    f.run([&] {
      return f.state.transaction(f.me)
        .update("state.b.x", 1)
        .update("state.b.y", 2.5)
        .remove("state.a.x")
        .move("state.a", "state.c")
        .commit();
    });
  }
  SECTION("an update function") {
    f.run([&] {
      auto result = f.state.update_in(f.me, "state.a.x",
                                      [](const maybe&) { return 7; });
      if (!result && is(result.error(), errc::callback_threw))
        throw std::bad_alloc{}; // what it threw
      return result;
    });
  }
  SECTION("to remove all") {
    f.run([&] { return f.state.remove_all(f.me); });
    CHECK(f.state.holders().size() == 1);
  }
  // If there was no memory for an alarm, the next change makes up for it.
  REQUIRE(f.state.update(f.w.someone(), "config.other", 1));
  REQUIRE(f.in->await(
    [&](const auto& x) { return x.snapshot.version() == f.state.version(); }));
}

TEST_CASE("subscriptions when memory runs out") {
  fixture f;
  // Busy, hence not to be scheduled: CAF forgets whom it has no memory to
  // schedule.
  auto door = std::make_shared<gate>();
  auto in = f.in;
  auto reader = f.w.sys.spawn([=](caf::event_based_actor*) -> caf::behavior {
    return {[in](const system_state& x) { in->add(x); },
            [door](int) { door->pass(); }};
  });
  tell(reader, 1);
  REQUIRE(door->wait_for(1));
  auto count = [&] { return f.state.stats().subscriptions; };
  std::optional<caf::expected<cafreg::subscription>> mine;
  auto failures = memory::run_out(
    [&] {
      mine.reset();
      mine.emplace(
        f.state.subscribe(reader, {.scope = "state.a", .hysteresis = 1ms}));
    },
    [&] { CHECK(count() == 0); });
  CHECK(failures > 0);
  REQUIRE(mine);
  REQUIRE(*mine);
  CHECK(count() == 1);
  door->open();
  REQUIRE(f.state.update(f.me, "state.a.x", 2));
  REQUIRE(f.in->await(
    [](const auto& x) { return x.snapshot.get_or("state.a.x", 0) == 2; }));
  CHECK((*mine)->cancel());
  kill(reader);
}

TEST_CASE("what is due is delivered though the alarm had no memory") {
  fixture f;
  witness all{f.state};
  REQUIRE(f.state.subscribe(f.reader, {.scope = "state.a"}));
  for (size_t n = 0; n < 60; ++n) {
    auto made = false;
    try {
      memory::shortage no_more{n};
      made = static_cast<bool>(f.state.update(f.me, "state.a.x", 100 + n));
    } catch (const std::bad_alloc&) {
      // nop
    }
    if (!made)
      continue;
    // The next change makes up for it.
    REQUIRE(f.state.update(f.me, "config.other", n));
    REQUIRE(f.in->await([&](const auto& x) {
      return x.snapshot.template get_or<size_t>("state.a.x", 0) == 100 + n;
    }));
  }
  CHECK(f.state.get<int>("state.a.x") == 159);
}

} // namespace shortage_test
