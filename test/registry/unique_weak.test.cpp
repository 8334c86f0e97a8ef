// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace unique_weak_test {

using namespace caf_test;

TEST_CASE("a weak name does not keep its actor alive") {
  world w;
  auto log = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, log);
  names_type names{w.sys,
                   {.hold = cafreg::hold::weak, .listeners = {listener}}};
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  auto who = spawn_holding(w.sys, std::move(token));
  CHECK(names.register_as(who, "x", 3)->inserted);
  CHECK(names.lookup("x")->handle() == who);
  CHECK(names.visit("x", [&](const names_type::view_type& x) {
    CHECK(x.handle() == who);
  }));
  // An event holds its actor.
  log->wait_for(1);
  CHECK(names.holders().size() == 1);
  who = nullptr;
  CHECK(eventually([&] { return alive.expired(); }));
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK_FALSE(names.lookup("x"));
  auto events = log->wait_for(2);
  REQUIRE(events.size() == 2);
  CHECK(events[1].what == event::kind::unregistered);
  CHECK(events[1].why == cafreg::departure::down);
  CHECK(events[1].value == 3);
  kill(listener);
}

TEST_CASE("weak names do all that strong ones do") {
  world w;
  names_type names{w.sys, {.hold = cafreg::hold::weak}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  CHECK(names.register_as(a, "x", 1)->inserted);
  CHECK_FALSE(names.register_as(b, "x", 1)->inserted);
  CHECK(names.update_value(a, "x", [](int x) { return x + 1; })->value == 2);
  CHECK(names.standby("x", b, 7));
  CHECK_FALSE(names.give_away("x", a, b));
  CHECK(names.whereis("x") == b);
  REQUIRE(kill_and_wait(b));
  CHECK_FALSE(names.whereis("x"));
  CHECK(names.register_as(a, "x", 3)->inserted);
  CHECK(names.unregister(a, "x") == size_t{1});
  auto c = names.spawn_as("y", 5, idle);
  REQUIRE(c);
  CHECK(names.whereis("y") == *c);
  *c = nullptr;
  CHECK(eventually([&] { return names.count() == 0; }));
  kill(a);
}

namespace {

// Hands its name on when nobody holds it any more.
class testator : public caf::event_based_actor {
public:
  testator(caf::actor_config& cfg, names_ref names, caf::actor to)
    : caf::event_based_actor(cfg),
      names_(std::move(names)),
      to_(std::move(to)) {
    // nop
  }

  caf::behavior make_behavior() override {
    return idle(this);
  }

  void on_exit() override {
    names_.register_as(to_, "x", 2);
    to_ = nullptr;
  }

private:
  names_ref names_;
  caf::actor to_;
};

} // namespace

TEST_CASE("a weakly held actor hands its name on when its last handle goes") {
  world w;
  names_type names{w.sys, {.hold = cafreg::hold::weak}};
  auto next = w.sys.spawn(idle);
  auto who = w.sys.spawn<testator>(names.ref(), next);
  CHECK(names.register_as(who, "x", 1)->inserted);
  // Its clean-up may run in this very thread.
  who = nullptr;
  CHECK(eventually([&] { return names.whereis("x") == next; }));
  kill(next);
}

TEST_CASE("weak entries come and go with their actors") {
  world w;
  names_type names{w.sys, {.hold = cafreg::hold::weak}};
  const auto rounds = effort(20'000, 2'000);
  std::atomic<size_t> inserted{0};
  in_threads(2, [&](size_t) {
    for (size_t i = 0; i < rounds; ++i) {
      auto who = w.sys.spawn(idle);
      auto done = names.register_as(who, std::to_string(i % 10));
      if (done && done->inserted)
        ++inserted;
      names.lookup(std::to_string((i + 1) % 10)).reset();
    }
  });
  CHECK(inserted > 0);
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(eventually([&] { return names.stats().registrants == 0; }));
}

} // namespace unique_weak_test
