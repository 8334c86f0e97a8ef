// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/requests.hpp"

#include "catch.hpp"

namespace messages_test {

using namespace sys_test;

namespace ask = cafreg::ask;

namespace {

using namespace std::string_literals;

struct fixture {
  ~fixture() {
    state.close();
    kill(me);
    kill(other);
  }

  sys_world w;
  system_registry state{w.sys, {.name = "device"}};
  caf::actor me = w.someone();
  caf::actor other = w.someone();
  client self{w.sys};
};

caf::config_value number(int64_t x) {
  return caf::config_value{x};
}

} // namespace

TEST_CASE("a registry answers messages") {
  fixture f;
  auto front = f.state.actor();
  CHECK(front == f.state.actor());
  uint64_t version = 0;
  auto& self = f.self;
  CHECK(self.ask(version, front, ask::update{}, f.me, "state.a"s, number(1))
        == "ok");
  CHECK(version == 1);
  CHECK(f.state.get<int>("state.a") == 1);
  caf::config_value::dictionary both;
  both.container().emplace("x", number(1));
  both.container().emplace("y", number(2));
  CHECK(self.ask(version, front, ask::update{}, f.me, "state.b"s,
                 caf::config_value{both})
        == "ok");
  CHECK(version == 2);
  CHECK(f.state.count("state.b") == 2);

  caf::config_value found;
  CHECK(self.ask(found, front, ask::get{}, "state.b.y"s) == "ok");
  CHECK(cafreg::value_as<int>(found) == 2);
  CHECK(self.ask(found, front, ask::get{}, "state.c"s) == "no_such_path");

  CHECK(self.ask(version, front, ask::move{}, f.me, "state.b"s, "state.c"s)
        == "ok");
  CHECK(f.state.count("state.c") == 2);
  CHECK(self.ask(version, front, ask::remove{}, f.me, "state.c.x"s) == "ok");
  CHECK(version == 4);

  system_state now;
  CHECK(self.ask(now, front, ask::snapshot{}, "state.c"s) == "ok");
  CHECK(now.registry == "device");
  CHECK(now.scope == "state.c");
  CHECK(to_string(now.snapshot) == "version 4\nstate.c.y = 2");

  CHECK(self.ask(version, front, ask::remove_all{}, f.me) == "ok");
  CHECK(version == 5);
  CHECK(f.state.count() == 0);
}

TEST_CASE("errors come as answers, with their paths") {
  fixture f;
  auto front = f.state.actor();
  auto& self = f.self;
  REQUIRE(f.state.update(f.me, "state.a", 1));
  uint64_t version = 0;
  CHECK(self.ask(version, front, ask::update{}, f.other, "state.a"s, number(2))
        == "reserved_keys");
  CHECK(self.ask(version, front, ask::remove{}, f.other, "state.a"s)
        == "reserved_keys");
  CHECK(self.ask(version, front, ask::update{}, f.me, "state..a"s, number(2))
        == "bad_path");
  CHECK(self.ask(version, front, ask::update{}, f.me, ""s, number(2))
        == "bad_path");
  CHECK(
    self.ask(version, front, ask::update{}, caf::actor{}, "state.a"s, number(2))
    == "null_handle");
  CHECK(self.ask(version, front, ask::remove_all{}, caf::actor{})
        == "null_handle");
  CHECK(self.ask(version, front, ask::move{}, f.me, "state.x"s, "state.y"s)
        == "no_such_path");
  CHECK(self.ask(version, front, ask::subscribe{}, caf::actor{}, ""s,
                 caf::timespan{0}, caf::timespan{0}, false)
        == "null_handle");
  REQUIRE(kill_and_wait(f.other));
  CHECK(self.ask(version, front, ask::update{}, f.other, "state.b"s, number(2))
        == "dead_actor");
}

TEST_CASE("subscriptions by message") {
  fixture f;
  auto front = f.state.actor();
  auto& self = f.self;
  auto in = std::make_shared<inbox>();
  auto reader = spawn_reader(f.w.sys, in);
  uint64_t id = 0;
  // Negative durations count as none.
  CHECK(self.ask(id, front, ask::subscribe{}, reader, "state"s,
                 caf::timespan{-5}, caf::timespan{-5}, true)
        == "ok");
  CHECK(id != 0);
  REQUIRE(in->await_count(1));
  REQUIRE(f.state.update(f.me, "state.a", 1));
  CHECK(self.tell(front, ask::acknowledge{}, reader, "state"s) == "ok");
  REQUIRE(in->await_count(2));
  bool known = false;
  CHECK(self.ask(known, front, ask::unsubscribe{}, reader, "state"s) == "ok");
  CHECK(known);
  CHECK(self.ask(known, front, ask::unsubscribe{}, reader, "state"s) == "ok");
  CHECK_FALSE(known);
  CHECK(f.state.stats().subscriptions == 0);
  kill(reader);
}

TEST_CASE("messages that are no requests") {
  fixture f;
  auto front = f.state.actor();
  CHECK(f.self.tell(front, "hello"s) == "bad_request");
  CHECK(f.self.tell(front, ask::update{}) == "bad_request");
  CHECK(f.self.tell(front, ask::update{}, f.me, "state.a"s, 1)
        == "bad_request");
  CHECK(f.self.tell(front, ask::get{}, 7) == "bad_request");
  tell(front, 1.5);
  kill(front, caf::exit_reason::user_shutdown);
  tell(front, ask::update{}, f.me, "state.a"s, number(1));
}

TEST_CASE("a closed registry says so by message") {
  fixture f;
  auto front = f.state.actor();
  f.state.close();
  auto late = f.state.actor();
  for (auto& who : {front, late}) {
    caf::config_value found;
    uint64_t version = 0;
    system_state now;
    CHECK(f.self.ask(found, who, ask::get{}, "state.a"s) == "closed");
    CHECK(f.self.ask(now, who, ask::snapshot{}, ""s) == "closed");
    CHECK(f.self.ask(version, who, ask::update{}, f.me, "state.a"s, number(1))
          == "closed");
    CHECK(f.self.tell(who, ask::acknowledge{}, f.me, ""s) == "closed");
    CHECK(f.self.tell(who, "hello"s) == "closed");
  }
}

} // namespace messages_test
