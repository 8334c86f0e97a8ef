// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <atomic>
#include <map>
#include <optional>

#include "catch.hpp"

namespace basic_test {

using namespace sys_test;

namespace {

const path eth0{"state", "network_interface", "eth0"};

} // namespace

TEST_CASE("state has an owner, and others are refused") {
  sys_world w;
  system_registry state{w.sys, {.name = "device"}};
  auto owner = w.someone();
  auto intruder = w.someone();
  auto first = state.update(owner, eth0,
                            {{"address", "192.168.1.100"}, {"mtu", 1500}});
  REQUIRE(first);
  CHECK(first->version == 1);
  CHECK(first->added.size() == 2);
  CHECK(state.get<std::string>(eth0 / "address") == "192.168.1.100");
  CHECK(state.get<int>("state.network_interface.eth0.mtu") == 1500);
  CHECK(state.owner_of(eth0 / "mtu")
        == caf::actor_cast<caf::strong_actor_ptr>(owner));

  auto second = state.update(intruder, eth0, {{"address", "10.0.0.1"}});
  REQUIRE_FALSE(second);
  CHECK(is(second.error(), errc::reserved_keys));
  CHECK(to_text(second.error())
        == "registry device: somebody else owns it "
           "[state.network_interface.eth0.address]");
  CHECK(refused_paths(second.error()) == std::vector<path>{eth0 / "address"});
  CHECK(state.version() == 1);
  CHECK(state.get<std::string>(eth0 / "address") == "192.168.1.100");
}

TEST_CASE("a transaction is all or nothing") {
  sys_world w;
  system_registry state{w.sys, {.name = "device"}};
  auto owner = w.someone();
  auto other = w.someone();
  REQUIRE(state.update(owner, "state.a", {{"x", 1}, {"y", 2}}));
  REQUIRE(state.update(other, "state.b", 1));
  auto done = state.transaction(owner)
                .update("state.a.x", 10)
                .remove("state.a.y")
                .move("state.a", "state.c")
                .update("state.d", "new")
                .commit();
  REQUIRE(done);
  CHECK(to_string(*done)
        == "version 3\n"
           "- state.a.x = 1\n"
           "- state.a.y = 2\n"
           "+ state.c.x = 10\n"
           "+ state.d = \"new\"");
  auto before = state.snapshot();
  auto refused = state.transaction(owner)
                   .update("state.e", 1)
                   .update("state.b", 2)
                   .remove("state.b")
                   .commit();
  REQUIRE_FALSE(refused);
  CHECK(refused_paths(refused.error()).size() == 2);
  CHECK(state.version() == 3);
  CHECK(state.snapshot() == before);
}

TEST_CASE("an update function sees the value and decides") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  auto count = [](const std::optional<caf::config_value>& old) {
    return old ? cafreg::value_as<int>(*old).value() + 1 : 1;
  };
  REQUIRE(state.update_in(me, "state.n", count));
  REQUIRE(state.update_in(me, "state.n", count));
  CHECK(state.get<int>("state.n") == 2);
  REQUIRE(
    state.update_in(me, "state.n", [](const auto&) { return std::nullopt; }));
  CHECK(state.count() == 0);

  // Nothing is no leaf, and no leaf is nothing to remove.
  REQUIRE(state.update(me, "state.branch", {{"x", 1}, {"y", 2}}));
  auto same = state.update_in(me, "state.branch", [](const auto& old) {
    CHECK_FALSE(old);
    return old;
  });
  REQUIRE(same);
  CHECK(same->empty());
  CHECK(state.count() == 2);
  REQUIRE(state.remove(me, "state.branch"));

  auto threw = state.update_in(me, "state.n", [](const auto&) -> int {
    throw std::runtime_error{"no way"};
  });
  REQUIRE_FALSE(threw);
  CHECK(is(threw.error(), errc::callback_threw));
  CHECK(to_text(threw.error())
        == "registry system: path state.n: the update function threw no way");

  caf::error inner;
  REQUIRE(state.update_in(me, "state.n", [&](const auto&) {
    inner = state.update(me, "state.m", 1).error();
    return 1;
  }));
  CHECK(is(inner, errc::would_deadlock));
  CHECK(state.count() == 1);
}

TEST_CASE("many update functions at once lose nothing") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  constexpr auto each = 500;
  std::atomic<int> done{0};
  in_threads(4, [&](size_t) {
    for (auto i = 0; i < each; ++i)
      if (state.update_in(me, "state.n",
                          [](const std::optional<caf::config_value>& old) {
                            return old ? *cafreg::value_as<int>(*old) + 1 : 1;
                          }))
        ++done;
  });
  CHECK(done == 4 * each);
  CHECK(state.get<int>("state.n") == 4 * each);
}

TEST_CASE("what an actor owns goes with it") {
  sys_world w;
  system_registry state{w.sys};
  auto mortal = w.someone();
  auto other = w.someone();
  REQUIRE(state.update(mortal, "state.a", {{"x", 1}, {"y", 2}}));
  REQUIRE(state.update(mortal, "config.b", 1));
  REQUIRE(state.update(mortal, "scratch", "mine"));
  REQUIRE(state.update(other, "state.c", 1));
  REQUIRE(state.update(other, "config.b", 2)); // still the mortal's
  CHECK(state.private_snapshot(mortal).get<std::string>("scratch") == "mine");
  CHECK(state.paths_of(mortal).size() == 4);
  auto version = state.version();
  kill(mortal);
  REQUIRE(eventually([&] { return state.count() == 1; }));
  CHECK(state.version() == version + 1);
  CHECK(state.get<int>("state.c") == 1);
  CHECK(eventually([&] { return state.stats().actors == 1; }));
  auto late = state.update(mortal, "state.a.x", 1);
  REQUIRE_FALSE(late);
  CHECK(is(late.error(), errc::dead_actor));
}

TEST_CASE("layers show the highest priority") {
  sys_world w;
  system_registry conf{
    w.sys, {.mounts = {{.key = "config", .rule = cafreg::access::layered}}}};
  auto defaults = w.someone();
  auto user = w.someone();
  auto debugger = w.someone();
  REQUIRE(conf.update(defaults, "config.level", "info", {"default"}));
  REQUIRE(conf.update(user, "config.level", "warning"));
  auto traced = conf.update(debugger, "config.level", "trace", {"debug"});
  REQUIRE(traced);
  CHECK(traced->changed.size() == 1);
  CHECK(conf.get<std::string>("config.level") == "trace");
  REQUIRE(conf.remove(user, "config.level"));
  CHECK(conf.get<std::string>("config.level") == "trace");
  kill(debugger);
  CHECK(eventually(
    [&] { return conf.get<std::string>("config.level") == "info"; }));
}

TEST_CASE("a rule of one's own has the last word") {
  sys_world w;
  auto sane = [](const cafreg::proposal& x) -> caf::error {
    if (x.after.get_or<int>("net.mtu", 1500) < 68)
      return make_error(errc::bad_value, "an MTU is at least 68");
    if (x.after.contains("net.bomb"))
      throw std::runtime_error{"boom"};
    return {};
  };
  system_registry state{
    w.sys,
    {.mounts
     = {{.key = "net", .rule = cafreg::access::open, .validate = sane}}}};
  auto me = w.someone();
  REQUIRE(state.update(me, "net.mtu", 1280));
  auto refused = state.update(me, "net.mtu", 1);
  REQUIRE_FALSE(refused);
  CHECK(is(refused.error(), errc::rule_refused));
  CHECK(to_text(refused.error())
        == "registry system: path net: its rule refused: an MTU is at least "
           "68");
  auto threw = state.update(me, "net.bomb", 1);
  REQUIRE_FALSE(threw);
  CHECK(is(threw.error(), errc::callback_threw));
  CHECK(state.get<int>("net.mtu") == 1280);
  CHECK(state.count() == 1);
  CHECK(state.version() == 1);
}

TEST_CASE("a subscriber gets the state at once and after changes") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  REQUIRE(state.update(me, "state.a", 1));
  auto in = std::make_shared<inbox>();
  auto reader = spawn_reader(w.sys, in);
  auto all = state.subscribe(reader, {.scope = "state"});
  REQUIRE(all);
  REQUIRE(in->await_count(1));
  CHECK(in->states()[0].snapshot.get<int>("state.a") == 1);
  REQUIRE(state.update(me, "config.b", 1)); // another scope
  REQUIRE(state.update(me, "state.a", 2));
  REQUIRE(in->await(
    [](const auto& x) { return x.snapshot.get_or("state.a", 0) == 2; }));
  CHECK(in->size() == 2);
  CHECK_FALSE(in->states()[1].snapshot.contains("config"));
  CHECK(all->cancel());
  CHECK_FALSE(all->cancel());
  REQUIRE(state.update(me, "state.a", 3));
  CHECK(in->size() == 2);
}

TEST_CASE("a successor need not wait until somebody has cleaned up") {
  sys_world w{2};
  system_registry state{w.sys};
  auto owner = w.someone();
  auto heir = w.someone();
  REQUIRE(state.update(owner, "state.a", 1));
  REQUIRE(state.update(owner, "state.b.c", 2));
  REQUIRE(state.update(owner, "config.d", 3));
  {
    busy_keepers held{w.sys};
    REQUIRE(kill_and_wait(owner));
    CHECK(state.update(heir, "state.a", 10));
    CHECK(state.update(heir, "state.b", 11));
    CHECK(state.update(heir, "config.d", 12));
    CHECK(state.owner_of("state.a")
          == caf::actor_cast<caf::strong_actor_ptr>(heir));
  }
  REQUIRE(eventually([&] { return state.stats().actors == 1; }));
  CHECK(state.get_or("state.a", 0) == 10);
  CHECK(state.get_or("state.b", 0) == 11);
  CHECK(state.get_or("config.d", 0) == 12);
}

TEST_CASE("owners that come and go faster than a keeper leave little behind") {
  sys_world w{2};
  system_registry state{w.sys};
  {
    busy_keepers held{w.sys};
    for (size_t i = 0; i < effort(1000, 400); ++i) {
      auto who = w.someone();
      REQUIRE(state.update(who, "state.x" + std::to_string(i), 1));
      REQUIRE(kill_and_wait(who));
    }
    CHECK(state.snapshot().size() <= 200);
    CHECK(state.stats().backlog <= 200);
  }
  CHECK(eventually([&] { return state.snapshot().size() == 0; }));
}

TEST_CASE("tasks that block keep nobody else from going on") {
  sys_world w{2};
  system_registry state{w.sys};
  auto me = w.someone();
  auto held = std::make_shared<gate>();
  std::vector<cafreg::subscription> tasks;
  // More than the scheduler has threads.
  for (auto i = 0; i < 4; ++i) {
    auto running = state.task("state", [held](auto&, auto&) { held->pass(); });
    REQUIRE(running);
    tasks.push_back(*running);
  }
  // It may run until the system ends.
  auto seen = std::make_shared<std::atomic<int>>(0);
  auto other = state.task("state", [seen](auto&, auto&) { ++*seen; });
  REQUIRE(other);
  auto in = std::make_shared<inbox>();
  auto reader = spawn_reader(w.sys, in);
  REQUIRE(state.subscribe(reader, {}));
  // Until each has got its first state, a change may be in that already.
  REQUIRE(in->await([](auto&) { return true; }));
  auto n = 0;
  REQUIRE(eventually([&] {
    REQUIRE(state.update(me, "state.a", ++n));
    return held->wait_for(0) && *seen > 0;
  }));
  REQUIRE(state.update(me, "state.a", -1));
  CHECK(in->await(
    [](const auto& x) { return x.snapshot.get_or("state.a", 0) == -1; }));
  REQUIRE(kill_and_wait(me));
  CHECK(
    in->await([](const auto& x) { return !x.snapshot.contains("state.a"); }));
  CHECK(held->wait_for(4));
  held->open();
}

TEST_CASE("a task runs after changes") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  REQUIRE(state.update(me, "config.level", "info"));
  std::mutex mutex;
  std::vector<std::string> seen;
  auto running = state.task("config.level", [&](const snapshot& before,
                                                const snapshot& now) {
    std::lock_guard guard{mutex};
    seen.push_back(before.get_or<std::string>("config.level", "none") + "->"
                   + now.get_or<std::string>("config.level", "none"));
    if (seen.size() == 2)
      throw std::runtime_error{"ignored"};
  });
  REQUIRE(running);
  auto count = [&] {
    std::lock_guard guard{mutex};
    return seen.size();
  };
  REQUIRE(state.update(me, "config.level", "debug"));
  REQUIRE(eventually([&] { return count() == 1; }));
  REQUIRE(state.remove(me, "config.level"));
  REQUIRE(eventually([&] { return state.stats().task_failures == 1; }));
  REQUIRE(state.update(me, "config.level", "info"));
  REQUIRE(eventually([&] { return count() == 3; }));
  CHECK(
    seen
    == std::vector<std::string>{"info->debug", "debug->none", "none->info"});
}

TEST_CASE("a closed registry says so") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  REQUIRE(state.update(me, "state.a", 1));
  auto ref = state.ref();
  auto kept = state.snapshot();
  CHECK(state.holders().size() == 1);
  state.close();
  CHECK(state.closed());
  CHECK(is(ref.update(me, "state.a", 2).error(), errc::closed));
  CHECK(is(ref.get<int>("state.a").error(), errc::closed));
  CHECK(is(ref.subscribe(me).error(), errc::closed));
  CHECK(is(ref.remove_all(me).error(), errc::closed));
  CHECK(ref.snapshot().empty());
  CHECK(ref.count() == 0);
  CHECK(ref.holders().empty());
  CHECK(kept.get<int>("state.a") == 1);
  state.close();
}

} // namespace basic_test
