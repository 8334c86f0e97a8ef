// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/network.hpp"

#include "catch.hpp"

#include <csignal>

#include "registry/peer.hpp"

namespace unique_remote_test {

using namespace caf_test;

namespace {

struct fixture {
  fixture() {
    REQUIRE(other.port() != 0);
    auto found = sys.middleman().remote_actor("127.0.0.1", other.port());
    REQUIRE(found);
    remote = *found;
  }

  int ask(int x) {
    auto answer = 0;
    caf::scoped_actor self{sys};
    names.via("x")
      .request(self.ptr(), patience, x)
      .receive([&answer](int y) { answer = y; }, [](const caf::error&) {});
    return answer;
  }

  // First, before there are threads.
  peer other{"unique_remote_peer"};
  network_config cfg;
  caf::actor_system sys{cfg};
  caf::actor remote;
  journal_ptr log = std::make_shared<journal>();
  caf::actor recorder = spawn_recorder(sys, log);
  names_type names{sys, {.name = "app", .listeners = {recorder}}};

  ~fixture() {
    names.close();
    caf_test::kill(recorder);
  }
};

} // namespace

TEST_CASE("an actor of another process is registered, killed, and gone") {
  fixture f;
  auto done = f.names.register_as(f.remote, "x", 5);
  REQUIRE(done);
  CHECK(done->inserted);
  CHECK(f.names.whereis("x") == f.remote);
  CHECK(f.ask(7) == 7);
  CHECK(f.names.watch("x", f.recorder));
  auto standby = f.sys.spawn(idle);
  SECTION("with its process") {
    f.other.end(SIGKILL);
    CHECK(eventually([&] { return !f.names.whereis("x"); }));
    CHECK(eventually([&] { return f.names.count() == 0; }));
    // registered, the state, unregistered, the state.
    auto events = f.log->wait_for(4);
    REQUIRE(events.size() == 4);
    CHECK(events[2].what == event::kind::unregistered);
    CHECK(events[2].key == "x");
    CHECK(events[2].value == 5);
    CHECK(events[2].why == cafreg::departure::down);
    CHECK(events[2].holder == f.remote.id());
    CHECK(events[3].what == event::kind::state);
    CHECK(events[3].holder == 0);
    CHECK(code_of(f.names.register_as(f.remote, "x")) == "dead_actor");
  }
  SECTION("by itself") {
    caf_test::kill(f.remote);
    CHECK(eventually([&] { return f.names.count() == 0; }));
  }
  SECTION("and replaced by its standby") {
    CHECK(f.names.standby("x", standby, 9));
    f.other.end(SIGKILL);
    CHECK(eventually([&] { return f.names.whereis("x") == standby; }));
    CHECK(f.ask(8) == 8);
  }
  caf_test::kill(standby);
}

TEST_CASE("a registry may insist on local actors") {
  fixture f;
  names_type local{f.sys, {.name = "here", .allow_remote = false}};
  auto denied = local.register_as(f.remote, "x");
  CHECK(code_of(denied) == "remote_actor");
  CHECK(cafreg::to_text(denied.error())
        == "registry here: key x: the actor is on another node");
  CHECK(code_of(local.standby("x", f.remote)) == "remote_actor");
  auto here = f.sys.spawn(idle);
  CHECK(local.register_as(here, "x"));
  CHECK(code_of(local.give_away("x", here, f.remote)) == "remote_actor");
  CHECK(local.whereis("x") == here);
  caf_test::kill(here);
}

} // namespace unique_remote_test
