// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <fstream>
#include <optional>

#include <unistd.h>

#include "catch.hpp"

namespace lifetime_test {

using namespace sys_test;

namespace {

using cafreg::access;
using cafreg::holder_role;

/// Bytes of memory that this process has.
size_t resident() {
  std::ifstream in{"/proc/self/statm"};
  size_t all = 0;
  size_t present = 0;
  in >> all >> present;
  return present * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

/// Does something until it was done often enough, and checks that the second
/// half of it took no more memory.
template <class Fn>
void check_flat(size_t count, Fn fn) {
  for (size_t i = 0; i < count / 2; ++i)
    fn(i);
  auto before = resident();
  for (size_t i = count / 2; i < count; ++i)
    fn(i);
  if (!sanitized) // which keep what is freed
    CHECK(resident() < before + (size_t{8} << 20));
}

} // namespace

TEST_CASE("owners die in every order against updates") {
  sys_world w;
  system_registry state{w.sys};
  constexpr size_t rounds = effort(1000, 200);
  in_threads(3, [&](size_t t) {
    auto mine = path{"state", std::to_string(t)};
    for (size_t i = 0; i < rounds; ++i) {
      auto who = w.someone();
      if (i % 4 == 0)
        kill(who);
      auto first = state.update(who, mine / "a", i);
      if (i % 4 == 1)
        kill(who);
      auto second = state.transaction(who)
                      .update(mine / "b", i)
                      .update("config.x", i)
                      .commit();
      if (i % 4 == 2)
        kill(who);
      static_cast<void>(state.remove_all(who));
      auto third = state.update(who, mine / "c" / std::to_string(i), i);
      kill(who);
      // Refused is only the dead, and what the one before has not left yet.
      for (auto* x : {&first, &second, &third})
        if (!*x && !is(x->error(), errc::dead_actor))
          must(is(x->error(), errc::reserved_keys));
    }
  });
  CHECK(eventually([&] { return state.stats().actors == 0; }));
  CHECK(state.count() == 0);
  CHECK(state.holders().empty());
}

TEST_CASE("what a dead owner leaves is for whoever comes") {
  sys_world w;
  system_registry state{w.sys};
  auto mortal = w.someone();
  constexpr size_t count = effort(100000, 5000);
  auto where = [](size_t i) {
    return path{"state", "all", "n" + std::to_string(i)};
  };
  auto fill = state.transaction(mortal);
  for (size_t i = 0; i < count; ++i)
    fill.update(where(i), 0);
  REQUIRE(fill.commit());
  constexpr size_t threads = 3;
  std::vector<caf::actor> heirs;
  for (size_t t = 0; t < threads; ++t)
    heirs.push_back(w.someone());
  std::atomic<size_t> taken{0};
  in_threads(threads, [&](size_t t) {
    // Each wants some, as soon as they are free.
    for (auto i = t; i < 1500; i += threads) {
      if (i == 30)
        kill(mortal);
      for (;;) {
        auto done = state.update(heirs[t], where(i * (count / 1500)), 1);
        if (done)
          break;
        if (i >= 30)
          std::this_thread::yield();
        else if (t != 0)
          return; // nobody has killed it yet
        else
          break;
      }
      if (state.owner_of(where(i * (count / 1500)))
          == caf::actor_cast<caf::strong_actor_ptr>(heirs[t]))
        ++taken;
    }
  });
  kill(mortal);
  REQUIRE(eventually([&] { return state.stats().actors == threads; }));
  CHECK(state.count() == taken);
  state.snapshot().for_each([](const path&, const caf::config_value& x) {
    REQUIRE(cafreg::value_as<int>(x) == 1);
  });
}

TEST_CASE("a strong hold keeps an owner, a weak one does not") {
  sys_world w;
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> watched = held;
  SECTION("strong") {
    system_registry state{w.sys};
    auto owner = spawn_keeping(w.sys, std::move(held));
    auto id = owner.id();
    REQUIRE(state.update(owner, "state.a", {{"x", 1}, {"y", 2}}));
    REQUIRE(state.update(owner, "private", 1));
    owner = nullptr;
    auto holders = state.holders();
    REQUIRE(holders.size() == 1);
    CHECK(holders[0].id == id);
    CHECK(holders[0].role == holder_role::owner);
    CHECK(holders[0].entries == 2);
    CHECK_FALSE(watched.expired());
    // It is let go when it owns nothing more.
    auto again = caf::actor_cast<caf::actor>(state.owner_of("state.a.x"));
    REQUIRE(state.remove(again, "state.a"));
    CHECK(state.holders().size() == 1);
    REQUIRE(state.remove(again, "private"));
    CHECK(state.holders().empty());
    again = nullptr;
    CHECK(eventually([&] { return watched.expired(); }));
    CHECK(eventually([&] { return state.stats().actors == 0; }));
  }
  SECTION("weak") {
    system_registry state{w.sys, {.hold = cafreg::hold::weak}};
    auto owner = spawn_keeping(w.sys, std::move(held));
    REQUIRE(state.update(owner, "state.a", {{"x", 1}, {"y", 2}}));
    CHECK(state.holders().empty());
    owner = nullptr;
    CHECK(eventually([&] { return state.count() == 0; }));
    // The down message comes before the actor lets go of its state.
    CHECK(eventually([&] { return watched.expired(); }));
    CHECK(eventually([&] { return state.stats().actors == 0; }));
  }
  SECTION("until the end of the registry") {
    system_registry state{w.sys};
    auto owner = spawn_keeping(w.sys, std::move(held));
    REQUIRE(state.update(owner, "state.a", 1));
  }
}

TEST_CASE("an owner goes from all mounts at once") {
  sys_world w;
  system_registry state{w.sys,
                        {.mounts = {{.key = "state", .rule = access::owned},
                                    {.key = "config", .rule = access::shared},
                                    {.key = "level", .rule = access::layered},
                                    {.key = "free", .rule = access::open}}}};
  auto mortal = w.someone();
  auto other = w.someone();
  auto in = std::make_shared<inbox>();
  auto reader = spawn_reader(w.sys, in);
  for (auto mount : {"state", "config", "level", "free"})
    REQUIRE(state.update(mortal, path{mount, "a"}, 1));
  REQUIRE(state.update(other, "level.a", 2, {"default"}));
  REQUIRE(state.update(other, "config.a", 2)); // stays the mortal's
  REQUIRE(state.subscribe(reader));
  auto version = state.version();
  kill(mortal);
  REQUIRE(in->await(
    [&](const auto& x) { return x.snapshot.version() == version + 1; }));
  CHECK(to_string(in->states().back().snapshot)
        == "version " + std::to_string(version + 1) + "\nlevel.a = 2");
  CHECK(in->size() == 2);
  kill(reader);
}

TEST_CASE("no memory is lost with updates, owners and subscribers") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  SECTION("updates and removals") {
    check_flat(effort(200000, 2000), [&](size_t i) {
      auto where = path{"state", "n" + std::to_string(i)};
      REQUIRE(state.update(me, where, i));
      REQUIRE(state.remove(me, where));
    });
    CHECK(state.count() == 0);
  }
  SECTION("short-lived owners, that may get the address of one before") {
    check_flat(effort(40000, 2000), [&](size_t i) {
      auto who = w.someone();
      REQUIRE(state.update(who, path{"state", std::to_string(who.id())}, i));
      REQUIRE(state.paths_of(who).size() == 1);
      kill(who);
      if (i % 1000 == 0)
        REQUIRE(eventually([&] { return state.stats().actors < 100; }));
    });
    CHECK(eventually([&] { return state.stats().actors == 0; }));
    CHECK(state.count() == 0);
  }
  SECTION("short-lived subscriptions") {
    witness all{state};
    check_flat(effort(40000, 2000), [&](size_t i) {
      auto mine = state.subscribe(me,
                                  {.scope = path{"state", std::to_string(i)},
                                   .min_interval = std::chrono::hours{i % 2}});
      REQUIRE(mine);
      REQUIRE(state.update(me, path{"state", std::to_string(i)}, i));
      REQUIRE(state.remove(me, path{"state", std::to_string(i)}));
      REQUIRE(mine->cancel());
    });
  }
}

TEST_CASE("many subscriptions, many owners, many leaves") {
  sys_world w;
  system_registry state{w.sys};
  constexpr size_t count = effort(20000, 1000);
  auto one = w.someone();
  auto reader = w.someone();
  for (size_t i = 0; i < count; ++i) {
    auto where = path{"state", "n" + std::to_string(i)};
    REQUIRE(state.subscribe(reader, {.scope = where, .hysteresis = 1h}));
    REQUIRE(state.update(w.someone(), where / "a", i));
    REQUIRE(state.update(one, where / "b", i));
  }
  CHECK(state.stats().subscriptions == count);
  CHECK(state.stats().actors == count + 2);
  CHECK(state.holders().size() == 2 * count + 1);
  kill(one);
  REQUIRE(eventually([&] { return state.count() == count; }));
  kill(reader);
  REQUIRE(eventually([&] { return state.stats().subscriptions == 0; }));
}

} // namespace lifetime_test
