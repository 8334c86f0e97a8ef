// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/network.hpp"

#include <csignal>
#include <cstdint>
#include <limits>

#include "catch.hpp"
#include "registry/peer.hpp"
#include "sysregistry/requests.hpp"

namespace remote_test {

using namespace sys_test;

namespace ask = cafreg::ask;

namespace {

using namespace std::string_literals;

struct fixture {
  fixture() {
    REQUIRE(other.port(0) != 0);
    REQUIRE(other.port(1) != 0);
    auto found = sys.middleman().remote_actor("127.0.0.1", other.port(0));
    REQUIRE(found);
    someone = *found;
    found = sys.middleman().remote_actor("127.0.0.1", other.port(1));
    REQUIRE(found);
    far = *found;
  }

  ~fixture() {
    near.close();
    kill(me);
    kill(reader);
  }

  // First, before there are threads.
  peer other{"sys_remote_peer", 2};
  sys_network_config cfg;
  caf::actor_system sys{cfg};
  // Of the other process.
  caf::actor someone;
  caf::actor far;
  caf::actor me = spawn_keeping(sys, nullptr);
  std::shared_ptr<inbox> in = std::make_shared<inbox>();
  caf::actor reader = spawn_reader(sys, in);
  system_registry near{sys, {.name = "near"}};
};

} // namespace

TEST_CASE("an owner in another process, which is killed") {
  fixture f;
  auto& state = f.near;
  REQUIRE(state.update(f.someone, "state.a", {{"x", 1}, {"y", 2}}));
  REQUIRE(state.update(f.someone, "config.b", 1));
  REQUIRE(state.update(f.someone, "private", 1));
  REQUIRE(state.update(f.me, "state.c", 1));
  REQUIRE(state.subscribe(f.someone, {.hysteresis = 1h}));
  REQUIRE(state.subscribe(f.someone, {.scope = "state", .acknowledged = true}));
  CHECK(code_of(state.update(f.me, "state.a.x", 1)) == "reserved_keys");
  auto version = state.version();
  SECTION("with its process") {
    f.other.end(SIGKILL);
  }
  SECTION("by itself") {
    kill(f.someone);
  }
  CHECK(eventually([&] { return state.count() == 1; }));
  CHECK(state.version() == version + 1);
  CHECK(eventually([&] { return state.stats().actors == 1; }));
  CHECK(state.stats().subscriptions == 0);
  CHECK(code_of(state.update(f.someone, "state.a.x", 1)) == "dead_actor");
  CHECK(state.update(f.me, "state.a.x", 1));
}

TEST_CASE("a registry may insist on local actors") {
  fixture f;
  system_registry local{f.sys, {.name = "here", .allow_remote = false}};
  CHECK(code_of(local.update(f.someone, "state.a", 1)) == "remote_actor");
  CHECK(code_of(local.subscribe(f.someone)) == "remote_actor");
  CHECK(code_of(local.remove(f.someone, "state.a")) == "remote_actor");
  CHECK(local.update(f.me, "state.a", 1));
}

TEST_CASE("states of every kind of value go from node to node") {
  fixture f;
  client self{f.sys};
  // What it must be.
  REQUIRE(f.near.update(f.me, "state", all_kinds()));
  auto expected = f.near.snapshot("state");
  system_state now;
  CHECK(self.ask(now, f.far, ask::snapshot{}, ""s) == "ok");
  CHECK(now.registry == "far");
  CHECK(now.scope.empty());
  CHECK(now.snapshot.version() == 1);
  CHECK(now.snapshot == expected);
  CHECK(now.snapshot.get<std::string>("state.text") == "a\0\xff\xc3\n\""s);
  CHECK(now.snapshot.get<int64_t>("state.int")
        == std::numeric_limits<int64_t>::min());
  CHECK(now.snapshot.get<std::chrono::nanoseconds>("state.time") == -7ns);
  CHECK(self.ask(now, f.far, ask::snapshot{}, "nothing"s) == "ok");
  CHECK(now.snapshot.empty());
  CHECK(now.scope == "nothing");
  for (auto& x : expected.leaves()) {
    caf::config_value value;
    CHECK(self.ask(value, f.far, ask::get{}, to_string(x.where)) == "ok");
    CHECK(cafreg::detail::same_value(value, x.value));
  }
  CHECK(self.tell(f.far, "hello"s) == "bad_request");
}

TEST_CASE("everything by message from another node") {
  fixture f;
  client self{f.sys};
  uint64_t id = 0;
  CHECK(self.ask(id, f.far, ask::subscribe{}, f.reader, "config"s,
                 caf::timespan{0}, caf::timespan{0}, true)
        == "ok");
  REQUIRE(f.in->await_count(1));
  CHECK(f.in->states()[0].snapshot.empty());
  uint64_t version = 0;
  CHECK(self.ask(version, f.far, ask::update{}, f.me, "config.a"s,
                 caf::config_value{int64_t{1}})
        == "ok");
  CHECK(version == 2);
  CHECK(self.tell(f.far, ask::acknowledge{}, f.reader, "config"s) == "ok");
  REQUIRE(f.in->await_count(2));
  CHECK(f.in->states()[1].registry == "far");
  CHECK(f.in->states()[1].scope == "config");
  CHECK(to_string(f.in->states()[1].snapshot) == "version 2\nconfig.a = 1");
  CHECK(self.ask(version, f.far, ask::update{}, f.me, "state.int"s,
                 caf::config_value{int64_t{1}})
        == "reserved_keys");
  CHECK(self.ask(version, f.far, ask::move{}, f.me, "config.a"s, "config.b"s)
        == "ok");
  CHECK(self.tell(f.far, ask::acknowledge{}, f.reader, "config"s) == "ok");
  REQUIRE(f.in->await_count(3));
  // Its owner dies here, which the registry there hears of.
  kill(f.me);
  CHECK(self.tell(f.far, ask::acknowledge{}, f.reader, "config"s) == "ok");
  REQUIRE(f.in->await_count(4));
  CHECK(f.in->states()[3].snapshot.empty());
  bool known = false;
  CHECK(self.ask(known, f.far, ask::unsubscribe{}, f.reader, "config"s)
        == "ok");
  CHECK(known);
  CHECK(self.ask(version, f.far, ask::remove{}, f.reader, "config"s) == "ok");
  CHECK(self.ask(version, f.far, ask::remove_all{}, f.reader) == "ok");
}

} // namespace remote_test
