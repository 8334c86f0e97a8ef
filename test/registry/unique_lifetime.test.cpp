// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace unique_lifetime_test {

using namespace caf_test;

using cafreg::errc;

TEST_CASE("the names of an actor vanish when it terminates") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  names.register_as(a, "x");
  names.register_as(a, "y");
  names.register_as(b, "z");
  REQUIRE(kill_and_wait(a));
  // Without any delay.
  CHECK(names.lookup("x").error() == errc::no_such_name);
  CHECK_FALSE(names.whereis("y"));
  CHECK(eventually([&] { return names.count() == 1; }));
  CHECK(names.whereis("z") == b);
  CHECK(eventually([&] { return names.stats().registrants == 1; }));
  kill(b);
}

TEST_CASE("an actor that ends by itself is noticed, however it ends") {
  world w;
  names_type names{w.sys};
  auto ends = [&](auto fun) {
    auto who = names.spawn_as("x", 1, std::move(fun));
    REQUIRE(who);
    CHECK(eventually([&] { return names.count() == 0; }));
    CHECK(dead(*who));
  };
  ends([](caf::event_based_actor* self) { self->quit(); });
  ends([](caf::event_based_actor*) {});
  ends([](caf::event_based_actor*) -> caf::behavior {
    throw std::runtime_error{"in its function"};
  });
  auto who = names.spawn_as("x", 1, [](caf::event_based_actor*) {
    return caf::behavior{[](int) { throw std::runtime_error{"in a handler"}; }};
  });
  REQUIRE(who);
  tell(*who, 1);
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("a dead actor cannot be registered") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  REQUIRE(kill_and_wait(a));
  CHECK(code_of(names.register_as(a, "x")) == "dead_actor");
  auto b = w.sys.spawn(idle);
  names.register_as(b, "y");
  CHECK(code_of(names.give_away("y", b, a)) == "dead_actor");
  CHECK(names.whereis("y") == b);
  CHECK(code_of(names.standby("z", a)) == "dead_actor");
  CHECK(names.count() == 1);
  kill(b);
}

// One thread runs all event-based actors, keepers too. While it is busy, no
// clean-up happens; actors that die meanwhile are detached.
TEST_CASE("a dead actor's name is taken over before clean-up, and spared") {
  world w{1};
  auto log = std::make_shared<journal>();
  auto listener = spawn_recorder<caf::detached>(w.sys, log);
  names_type names{w.sys, {.listeners = {listener}}};
  auto old = w.sys.spawn<caf::detached>(idle);
  auto fresh = w.sys.spawn<caf::detached>(idle);
  names.register_as(old, "x", 1);
  names.register_as(old, "y", 2);
  {
    busy held{w.sys};
    REQUIRE(kill_and_wait(old));
    CHECK(names.stats().cleanups == 0);
    CHECK(names.count() == 2);
    CHECK(names.lookup("x").error() == errc::no_such_name);
    auto taken = names.register_as(fresh, "x", 10);
    REQUIRE(taken);
    CHECK(taken->inserted);
    CHECK(taken->holder == fresh);
    CHECK(names.lookup("x")->handle() == fresh);
    CHECK(names.keys(old) == std::vector<std::string>{"y"});
    CHECK(names.stats().cleanups == 0);
  }
  // Now the clean-up runs.
  REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
  CHECK(names.count() == 1);
  CHECK(names.lookup("x")->handle() == fresh);
  CHECK(names.lookup("x")->value() == 10);
  auto events = log->wait_for(5);
  REQUIRE(events.size() == 5);
  CHECK(events[2].what == event::kind::unregistered);
  CHECK(events[2].key == "x");
  CHECK(events[2].why == cafreg::departure::down);
  CHECK(events[2].reason
        == cafreg::detail::make_exit_error(caf::exit_reason::unknown));
  CHECK(events[3].what == event::kind::registered);
  CHECK(events[3].holder == fresh.id());
  CHECK(events[4].what == event::kind::unregistered);
  CHECK(events[4].key == "y");
  CHECK(events[4].reason
        == cafreg::detail::make_exit_error(caf::exit_reason::kill));
  kill(fresh);
  kill(listener);
}

TEST_CASE("the dead have nothing to give away") {
  world w{1};
  names_type names{w.sys};
  auto old = w.sys.spawn<caf::detached>(idle);
  auto other = w.sys.spawn<caf::detached>(idle);
  names.register_as(old, "x", 1);
  {
    busy held{w.sys};
    REQUIRE(kill_and_wait(old));
    CHECK(code_of(names.give_away("x", old, old)) == "not_holder");
    CHECK(code_of(names.give_away("x", old, other)) == "not_holder");
    CHECK(code_of(names.give_away("y", old, old)) == "not_holder");
    CHECK(names.register_as(other, "x", 2));
    CHECK(code_of(names.give_away("x", old, old)) == "not_holder");
    CHECK(code_of(names.give_away("x", other, old)) == "dead_actor");
    CHECK_FALSE(cafreg::detail::failed(names.give_away("x", other, other)));
  }
  kill(other);
}

TEST_CASE("spawn_as takes a dead actor's name over before clean-up") {
  world w{1};
  names_type names{w.sys};
  auto old = w.sys.spawn<caf::detached>(idle);
  names.register_as(old, "x", 1);
  caf::actor fresh;
  {
    busy held{w.sys};
    REQUIRE(kill_and_wait(old));
    auto spawned = names.spawn_as<caf::detached>("x", 2, idle);
    REQUIRE(spawned);
    fresh = *spawned;
    CHECK(names.lookup("x")->handle() == fresh);
  }
  REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
  CHECK(names.lookup("x")->handle() == fresh);
  kill(fresh);
}

TEST_CASE("registering before the death, the clean-up, and after it") {
  world w{1};
  names_type names{w.sys};
  SECTION("register, die, clean up") {
    auto a = w.sys.spawn<caf::detached>(idle);
    CHECK(names.register_as(a, "x")->inserted);
    REQUIRE(kill_and_wait(a));
    REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
  }
  SECTION("die, register, clean up") {
    auto a = w.sys.spawn<caf::detached>(idle);
    names.register_as(a, "y");
    busy held{w.sys};
    REQUIRE(kill_and_wait(a));
    CHECK(code_of(names.register_as(a, "x")) == "dead_actor");
    CHECK(code_of(names.register_as(a, "y")) == "dead_actor");
  }
  SECTION("die, clean up, register") {
    auto a = w.sys.spawn<caf::detached>(idle);
    names.register_as(a, "y");
    REQUIRE(kill_and_wait(a));
    REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
    CHECK(code_of(names.register_as(a, "x")) == "dead_actor");
  }
  SECTION("die, register for the first time") {
    auto a = w.sys.spawn<caf::detached>(idle);
    REQUIRE(kill_and_wait(a));
    CHECK(code_of(names.register_as(a, "x")) == "dead_actor");
    CHECK(names.stats().registrants == 0);
  }
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(eventually([&] { return names.stats().registrants == 0; }));
}

TEST_CASE("registering while the same actor dies leaves nothing behind") {
  world w;
  names_type names{w.sys};
  const auto rounds = effort(2000, 300);
  std::atomic<size_t> inserted{0};
  for (size_t i = 0; i < rounds; ++i) {
    auto who = w.sys.spawn(idle);
    if (i % 2 == 0)
      names.register_as(who, "first");
    std::atomic<bool> go{false};
    std::thread killer{[&] {
      while (!go) {
        // nop
      }
      kill(who);
    }};
    go = true;
    for (auto key = 0; key < 20; ++key) {
      auto done = names.register_as(who, std::to_string(key));
      if (done && done->inserted)
        ++inserted;
    }
    killer.join();
  }
  CHECK(inserted > 0);
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(eventually([&] { return names.stats().registrants == 0; }));
  CHECK(names.holders().empty());
}

namespace {

// Registers itself on its way out.
class stubborn : public caf::event_based_actor {
public:
  stubborn(caf::actor_config& cfg, names_ref names)
    : caf::event_based_actor(cfg), names_(std::move(names)) {
    // nop
  }

  caf::behavior make_behavior() override {
    return idle(this);
  }

  void on_exit() override {
    names_.register_as(this, "last words");
  }

private:
  names_ref names_;
};

} // namespace

TEST_CASE("an actor that registers while it terminates leaves nothing") {
  world w;
  names_type names{w.sys};
  auto who = w.sys.spawn<stubborn>(names.ref());
  SECTION("for the first time") {
    CHECK(kill_and_wait(who));
  }
  SECTION("once more") {
    names.register_as(who, "x");
    CHECK(kill_and_wait(who));
  }
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(eventually([&] { return names.stats().registrants == 0; }));
}

TEST_CASE("an actor with 100,000 names dies while others take them") {
  world w;
  names_type names{w.sys};
  const auto keys = effort(100'000, 20'000);
  auto old = w.sys.spawn(idle);
  auto fresh = w.sys.spawn(idle);
  for (size_t i = 0; i < keys; ++i)
    names.register_as(old, std::to_string(i), 1);
  REQUIRE(names.count() == keys);
  CHECK(names.keys(old).size() == keys);
  kill(old);
  // From the end and from the beginning, so that the clean-up is met.
  std::atomic<size_t> mine{0};
  in_threads(2, [&](size_t t) {
    for (size_t i = 0; i < keys; ++i) {
      auto key = std::to_string(t == 0 ? i : keys - 1 - i);
      for (;;) {
        auto done = names.register_as(fresh, key, 2);
        if (!done || done->inserted) {
          ++mine;
          break;
        }
        if (done->holder == fresh)
          break;
        std::this_thread::yield(); // not dead yet
      }
    }
  });
  CHECK(mine == keys);
  REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
  CHECK(names.count() == keys);
  CHECK(names.keys(old).empty());
  size_t wrong = 0;
  for (size_t i = 0; i < keys; ++i) {
    auto found = names.lookup(std::to_string(i));
    if (!found || found->handle() != fresh || found->value() != 2)
      ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(names.stats().registrants == 1);
  kill(fresh);
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("thousands of registered actors die at once") {
  world w;
  names_type names{w.sys, {.partitions = 2}};
  const auto actors = effort(20'000, 2'000);
  std::vector<caf::actor> all;
  for (size_t i = 0; i < actors; ++i) {
    all.push_back(w.sys.spawn(idle));
    names.register_as(all.back(), std::to_string(i));
    names.register_as(all.back(), "again" + std::to_string(i));
  }
  CHECK(names.count() == 2 * actors);
  for (auto& x : all)
    kill(x);
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(eventually([&] { return names.stats().cleanups == actors; }));
  CHECK(names.stats().registrants == 0);
}

// -- what a registry keeps alive ----------------------------------------------

TEST_CASE("a name keeps its actor alive") {
  world w;
  names_type names{w.sys};
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  names.register_as(spawn_holding(w.sys, std::move(token)), "x");
  // Nobody else has a handle.
  caf::scoped_actor self{w.sys};
  auto answer = 0;
  names.via("x")
    .request(self.ptr(), patience, 5)
    .receive([&answer](int x) { answer = x; }, [](const caf::error&) {});
  CHECK(answer == 5);
  CHECK_FALSE(alive.expired());
  SECTION("until it is unregistered") {
    // No further write is needed.
    auto who = *names.whereis("x");
    CHECK(names.unregister(who, "x") == size_t{1});
    who = nullptr;
    CHECK(eventually([&] { return alive.expired(); }));
  }
  SECTION("until it is given away") {
    auto other = w.sys.spawn(idle);
    CHECK_FALSE(names.give_away("x", *names.whereis("x"), other));
    CHECK(eventually([&] { return alive.expired(); }));
    kill(other);
  }
  SECTION("until it terminates") {
    kill(*names.whereis("x"));
    CHECK(eventually([&] { return alive.expired(); }));
  }
  SECTION("until the registry closes") {
    names.close();
    CHECK(eventually([&] { return alive.expired(); }));
  }
}

TEST_CASE("an answered wait keeps nobody alive") {
  world w;
  names_type names{w.sys};
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  auto holder = w.sys.spawn(idle);
  SECTION("if the answer came later") {
    names.await("x", spawn_holding(w.sys, std::move(token)), 1h);
    CHECK_FALSE(alive.expired());
    names.register_as(holder, "x");
  }
  SECTION("if the answer was there") {
    names.register_as(holder, "x");
    names.await("x", spawn_holding(w.sys, std::move(token)), 1h);
  }
  SECTION("if it was cancelled") {
    auto wait = names.await("x", spawn_holding(w.sys, std::move(token)), 1h);
    REQUIRE(wait);
    CHECK(wait->cancel());
  }
  SECTION("if it timed out") {
    names.await("x", spawn_holding(w.sys, std::move(token)), 1ms);
  }
  // No removal ever.
  CHECK(eventually([&] { return alive.expired(); }));
  kill(holder);
}

TEST_CASE("a standby is kept alive as long as it stands by") {
  world w;
  names_type names{w.sys};
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  auto holder = w.sys.spawn(idle);
  names.register_as(holder, "x");
  auto queued = names.standby("x", spawn_holding(w.sys, std::move(token)));
  REQUIRE(queued);
  CHECK_FALSE(alive.expired());
  SECTION("and leaves the queue") {
    CHECK(queued->cancel());
    CHECK_FALSE(queued->cancel());
  }
  SECTION("and holds the name") {
    names.unregister(holder, "x");
    REQUIRE(names.whereis("x"));
    CHECK(names.whereis("x") != holder);
    CHECK_FALSE(queued->cancel());
    names.unregister_all(*names.whereis("x"));
  }
  CHECK(eventually([&] { return alive.expired(); }));
  kill(holder);
}

} // namespace unique_lifetime_test
