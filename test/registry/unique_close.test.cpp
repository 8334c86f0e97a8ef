// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <random>
#include <tuple>

namespace unique_close_test {

using namespace caf_test;

using cafreg::errc;

TEST_CASE("a closed registry says so to every call") {
  world w;
  names_type names{w.sys, {.name = "app"}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  names.register_as(a, "x", 1);
  auto ref = names.ref();
  auto via = names.via("x");
  auto front = names.actor();
  CHECK_FALSE(names.closed());
  names.close();
  names.close();
  CHECK(ref.closed());
  auto same = [](int x) { return x; };
  auto yes = [](int) { return true; };
  CHECK(code_of(ref.register_as(a, "x")) == "closed");
  CHECK(code_of(ref.register_as(b, "y")) == "closed");
  CHECK(code_of(ref.unregister(a, "x")) == "closed");
  CHECK(code_of(ref.unregister_if(a, "x", yes)) == "closed");
  CHECK(code_of(ref.unregister_all(a)) == "closed");
  CHECK(code_of(ref.update_value(a, "x", same)) == "closed");
  CHECK(code_of(ref.give_away("x", a, b)) == "closed");
  CHECK(code_of(ref.standby("x", a)) == "closed");
  CHECK(ref.lookup("x").error() == errc::closed);
  CHECK(ref.whereis("x").error() == errc::closed);
  CHECK_FALSE(ref.visit("x", [](const auto&) {}));
  CHECK(ref.values("x", a).empty());
  CHECK(ref.keys(a).empty());
  CHECK(ref.count() == 0);
  CHECK(ref.match("x", yes).empty());
  auto calls = 0;
  ref.for_each([&calls](const auto&) { ++calls; });
  CHECK(calls == 0);
  CHECK(code_of(ref.watch("x", a)) == "closed");
  CHECK(code_of(ref.await("x", a, 1h)) == "closed");
  CHECK(code_of(ref.await("x", 1h)) == "closed");
  CHECK(code_of(ref.with_lock("x", [] { return 1; })) == "closed");
  CHECK(code_of(ref.spawn_as("x", 1, idle)) == "closed");
  CHECK(code_of(ref.add_listener(a)) == "closed");
  CHECK_FALSE(ref.remove_listener(a));
  CHECK_FALSE(ref.put_meta("x", 1));
  CHECK_FALSE(ref.meta<int>("x"));
  CHECK(ref.holders().empty());
  CHECK(ref.stats().entries == 0);
  CHECK(ref.stats().registrants == 0);
  CHECK(via.whereis().error() == errc::closed);
  CHECK(via.send(1).error() == errc::closed);
  caf::scoped_actor self{w.sys};
  std::string answer;
  via.request(self.ptr(), patience, 1)
    .receive([](int) {}, [&](caf::error& e) { answer = code_of(e); });
  CHECK(answer == "closed");
  // Who has kept the actor that answers messages learns it, too.
  for (auto& asked : {front, ref.actor()}) {
    answer.clear();
    cafreg::detail::request(self.ptr(), asked, patience, cafreg::ask::count{})
      .receive([](uint64_t) {}, [&](caf::error& e) { answer = code_of(e); });
    CHECK(answer == "closed");
  }
  // Actors live on.
  CHECK_FALSE(dead(a));
  kill(a);
  kill(b);
}

TEST_CASE("a closed registry is refused first of all") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  REQUIRE(kill_and_wait(a));
  names.close();
  CHECK(code_of(names.register_as(a, "x")) == "closed");
  CHECK(code_of(names.standby("x", a)) == "closed");
  std::string inside;
  run_in_actor(w.sys, [&, ref = names.ref()](caf::event_based_actor*) {
    inside = code_of(ref.await("x", 1h));
  });
  CHECK(inside == "closed");
}

TEST_CASE("a reference is of use after its registry and its system") {
  std::optional<names_ref> ref;
  std::optional<cafreg::via<names_ref>> via;
  cafreg::subscription watching;
  {
    world w;
    auto a = w.sys.spawn(idle);
    {
      names_type names{w.sys};
      names.register_as(a, "x");
      ref.emplace(names.ref());
      via.emplace(names.via("x"));
      watching = *names.watch("y", a);
    }
    CHECK(ref->closed());
    CHECK(ref->lookup("x").error() == errc::closed);
    CHECK(code_of(ref->register_as(a, "x")) == "closed");
    CHECK_FALSE(watching.cancel());
    kill(a);
  }
  CHECK(ref->lookup("x").error() == errc::closed);
  CHECK(ref->count() == 0);
  CHECK(via->whereis().error() == errc::closed);
  CHECK_FALSE(watching.cancel());
  ref->close();
}

TEST_CASE("a program ends although a registry holds idle actors") {
  // Else the destructor of the system would wait for ever.
  SECTION("with names") {
    world w;
    names_type names{w.sys};
    for (auto i = 0; i < 100; ++i)
      names.register_as(w.sys.spawn(idle), std::to_string(i));
    for (auto i = 0; i < 100; ++i)
      names.spawn_as("spawned" + std::to_string(i), 1, idle);
    CHECK(names.count() == 200);
  }
  SECTION("with interests, listeners, metadata and a front") {
    world w;
    auto log = std::make_shared<journal>();
    names_type names{w.sys, {.listeners = {spawn_recorder(w.sys, log)}}};
    auto a = w.sys.spawn(idle);
    names.register_as(a, "x");
    names.watch("x", spawn_recorder(w.sys, log));
    names.await("none", spawn_recorder(w.sys, log), 1h);
    names.standby("x", w.sys.spawn(idle));
    names.put_meta("actor", w.sys.spawn(idle));
    names.actor();
    CHECK(names.holders().size() == 5);
  }
  SECTION("with a registry that closed early") {
    world w;
    auto token = std::make_shared<int>(1);
    std::weak_ptr<int> alive = token;
    names_type names{w.sys};
    names.register_as(spawn_holding(w.sys, std::move(token)), "x");
    names.close();
    CHECK(eventually([&] { return alive.expired(); }));
  }
  SECTION("with entries that went just before") {
    world w;
    names_type names{w.sys};
    for (auto i = 0; i < 1000; ++i) {
      auto who = w.sys.spawn(idle);
      names.register_as(who, "x");
      names.unregister(who, "x");
    }
  }
  SECTION("with a reader that is late") {
    auto inside = std::make_shared<gate>();
    std::thread reader;
    {
      world w;
      names_type names{w.sys};
      names.register_as(w.sys.spawn(idle), "x");
      reader = std::thread{[inside, ref = names.ref()] {
        ref.visit("x", [&](const auto&) { inside->pass(); });
      }};
      REQUIRE(inside->wait_for(1));
      // It cannot be freed yet.
      names.close();
      inside->open();
    }
    reader.join();
  }
  SUCCEED();
}

TEST_CASE("an actor may own a registry") {
  world w;
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  auto owner
    = w.sys.spawn([token](caf::event_based_actor* self) -> caf::behavior {
        auto names = std::make_shared<names_type>(self->system());
        names->register_as(spawn_holding(self->system(), token), "x");
        return {[names](int x) { return x; }};
      });
  token = nullptr;
  CHECK_FALSE(alive.expired());
  kill(owner);
  CHECK(eventually([&] { return alive.expired(); }));
}

TEST_CASE("many registries come and go in one system") {
  world w;
  auto a = w.sys.spawn(idle);
  for (size_t i = 0; i < effort(500, 50); ++i) {
    names_type names{w.sys};
    names.register_as(a, "x");
    names.watch("x", a);
    std::ignore = names.add_listener(a);
    names.await("y", a, 1h);
  }
  // Keepers and their actors are hidden, but for the moment when they end.
  CHECK(eventually([&] { return running_actors(w.sys) == 1; }));
  kill(a);
}

// Everything at once, and close in the middle: no hang, no crash, nothing kept.
TEST_CASE("closing beside everything else") {
  const auto rounds = effort(60, 15);
  for (size_t round = 0; round < rounds; ++round) {
    world w;
    auto log = std::make_shared<journal>();
    auto recorder = spawn_recorder(w.sys, log);
    auto token = std::make_shared<int>(1);
    std::weak_ptr<int> alive = token;
    names_type names{w.sys,
                     {.hold = round % 4 == 3 ? cafreg::hold::weak
                                             : cafreg::hold::strong,
                      .partitions = 1 + round % 2,
                      .listeners = {recorder}}};
    std::atomic<size_t> waits{0};
    std::atomic<size_t> wrong{0};
    in_threads(3, [&](size_t t) {
      std::mt19937_64 random{round * 8 + t};
      auto who = spawn_holding(w.sys, token);
      for (auto i = 0; i < 400; ++i) {
        auto key = std::to_string(random() % 16);
        if (t == 0 && i == static_cast<int>(random() % 100 + round)) {
          names.close();
          // The registry is closed for good when the call returns.
          if (!names.closed() || names.lookup(key)
              || names.register_as(who, key))
            ++wrong;
        }
        switch (random() % 16) {
          default:
            names.register_as(who, key, i);
            break;
          case 4:
            names.unregister(who, key);
            break;
          case 5:
            names.update_value(who, key, [](int x) { return x + 1; });
            break;
          case 6:
            names.watch(key, recorder);
            break;
          case 7:
            if (names.await(key, recorder, 1h))
              ++waits;
            break;
          case 8:
            std::ignore = names.await(key, 10us);
            break;
          case 9:
            names.standby(key, who, i);
            break;
          case 10:
            names.for_each([](const auto&) {});
            break;
          case 11:
            names.spawn_as(key, i, [token](caf::event_based_actor*) {
              return caf::behavior{[token](int x) { return x; }};
            });
            break;
          case 12:
            std::ignore = names.add_listener(who);
            std::ignore = names.stats();
            break;
          case 13:
            names.put_meta(key, who);
            names.actor();
            break;
          case 14:
            kill(who);
            who = spawn_holding(w.sys, token);
            break;
          case 15:
            std::ignore = names.with_lock(key, [] {});
            names.via(key).send(1);
            break;
        }
      }
    });
    names.close();
    // Every wait was answered.
    size_t answers = 0;
    if (!eventually([&] {
          answers = 0;
          for (auto& x : log->events())
            answers += x.what == event::kind::awaited ? 1 : 0;
          return answers == waits;
        }))
      FAIL("round " << round << ": " << answers << " of " << waits);
    if (wrong != 0 || names.count() != 0 || !names.holders().empty())
      FAIL("round " << round);
    token = nullptr;
    if (!eventually([&] { return alive.expired(); }))
      FAIL("round " << round << ": an actor is kept");
    kill(recorder);
  }
}

TEST_CASE("what is added while the registry closes is not kept") {
  const auto rounds = effort(1000, 100);
  world w;
  size_t kept = 0;
  for (size_t i = 0; i < rounds; ++i) {
    names_type names{w.sys};
    auto token = std::make_shared<int>(1);
    auto who = spawn_holding(w.sys, token);
    in_threads(2, [&](size_t t) {
      if (t == 0) {
        names.close();
      } else if (i % 3 == 0) {
        std::ignore = names.add_listener(who);
      } else if (i % 3 == 1) {
        names.put_meta("actor", who);
      } else {
        names.watch("x", who);
      }
    });
    if (!names.holders().empty() || names.meta<caf::actor>("actor"))
      ++kept;
    kill(who);
  }
  CHECK(kept == 0);
}

TEST_CASE("two threads close") {
  world w;
  for (size_t i = 0; i < effort(200, 30); ++i) {
    names_type names{w.sys};
    auto a = w.sys.spawn(idle);
    for (auto key = 0; key < 50; ++key)
      names.register_as(a, std::to_string(key));
    in_threads(2, [&](size_t) { names.close(); });
    if (names.count() != 0 || !names.holders().empty())
      FAIL("round " << i);
    kill(a);
  }
}

} // namespace unique_close_test
