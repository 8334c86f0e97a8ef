// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <tuple>

namespace unique_spawn_as_test {

using namespace caf_test;

using cafreg::errc;

namespace {

// A stateful class with constructor arguments.
class adder : public caf::event_based_actor {
public:
  adder(caf::actor_config& cfg, names_ref names, int start)
    : caf::event_based_actor(cfg), names_(std::move(names)), sum_(start) {
    if (start < 0)
      throw std::runtime_error{"negative"};
  }

  caf::behavior make_behavior() override {
    auto found = names_.whereis("x");
    named_ = found && *found == caf::actor{this};
    return {
      [this](int x) { return sum_ += x; },
      [this](bool) { return named_; },
    };
  }

private:
  names_ref names_;
  int sum_;
  bool named_ = false;
};

template <class T, class... Ts>
std::optional<T> ask(caf::actor_system& sys, const caf::actor& who, Ts... xs) {
  std::optional<T> result;
  caf::scoped_actor self{sys};
  cafreg::detail::request(self.ptr(), who, patience, xs...)
    .receive([&result](T x) { result = x; }, [](const caf::error&) {});
  return result;
}

} // namespace

TEST_CASE("an actor is spawned from a function under a name") {
  world w;
  names_type names{w.sys};
  SECTION("with an argument and a value") {
    auto body = [](caf::event_based_actor*, int start) -> caf::behavior {
      return {[start](int x) { return start + x; }};
    };
    auto who = names.spawn_as("x", 7, body, 100);
    REQUIRE(who);
    CHECK(names.lookup("x")->handle() == *who);
    CHECK(names.lookup("x")->value() == 7);
    CHECK(ask<int>(w.sys, *who, 5) == 105);
    kill(*who);
  }
  SECTION("without a self") {
    auto who = names.spawn_as("x", 1, []() -> caf::behavior {
      return {[](int x) { return -x; }};
    });
    REQUIRE(who);
    CHECK(ask<int>(w.sys, *who, 5) == -5);
    kill(*who);
  }
  SECTION("with a blocking self") {
    auto entered = std::make_shared<gate>();
    auto who = names.spawn_as("x", 1, [entered](caf::blocking_actor*) {
      entered->pass();
    });
    REQUIRE(who);
    CHECK(entered->wait_for(1));
    CHECK(names.whereis("x") == *who);
    entered->open();
    CHECK(eventually([&] { return names.count() == 0; }));
  }
  SECTION("detached, hidden, lazily") {
    auto detached = names.spawn_as<caf::detached>("d", 1, idle);
    auto hidden = names.spawn_as<caf::hidden>("h", 1, idle);
    auto lazy = names.spawn_as<caf::lazy_init>("l", 1, idle);
    REQUIRE(detached);
    REQUIRE(hidden);
    REQUIRE(lazy);
    CHECK(names.whereis("d") == *detached);
    CHECK(names.whereis("h") == *hidden);
    CHECK(names.whereis("l") == *lazy);
    CHECK(ask<int>(w.sys, *lazy, 3) == 3);
    for (auto& x : {*detached, *hidden, *lazy})
      kill(x);
  }
}

TEST_CASE("an actor of a class is spawned under a name") {
  world w;
  names_type names{w.sys};
  auto who = names.spawn_as<adder>("x", 7, names.ref(), 10);
  REQUIRE(who);
  CHECK(names.lookup("x")->handle() == *who);
  CHECK(ask<int>(w.sys, *who, 5) == 15);
  CHECK(ask<bool>(w.sys, *who, true) == true);
  kill(*who);
}

TEST_CASE("the new actor's own code finds its name") {
  world w;
  names_type names{w.sys};
  const auto rounds = effort(500, 100);
  std::atomic<size_t> found{0};
  std::atomic<size_t> ran{0};
  for (size_t i = 0; i < rounds; ++i) {
    auto key = std::to_string(i);
    auto body = [&, key, ref = names.ref()](caf::event_based_actor* self) {
      auto me = ref.lookup(key);
      if (me && me->handle() == caf::actor{self} && me->value() == 5)
        ++found;
      ++ran;
    };
    auto started = names.spawn_as(key, 5, std::move(body));
    REQUIRE(started);
  }
  CHECK(eventually([&] { return ran == rounds; }));
  CHECK(found == rounds);
}

TEST_CASE("a taken name starts nothing") {
  world w;
  names_type names{w.sys, {.name = "app"}};
  auto holder = w.sys.spawn(idle);
  names.register_as(holder, "x");
  std::atomic<int> starts{0};
  auto body = [&starts](caf::event_based_actor* self) {
    ++starts;
    return idle(self);
  };
  auto denied = names.spawn_as("x", 1, body);
  CHECK(code_of(denied) == "already_registered");
  auto text = cafreg::to_text(denied.error());
  CHECK(text.find("app") != std::string::npos);
  CHECK(text.find("key x") != std::string::npos);
  CHECK(text.find(std::to_string(holder.id())) != std::string::npos);
  CHECK(code_of(names.spawn_as<adder>("x", 1, names.ref(), -5))
        == "already_registered");
  CHECK(running_actors(w.sys) == 1);
  CHECK(starts == 0);
  kill(holder);
}

TEST_CASE("a spawn that throws leaves no reservation") {
  world w;
  names_type names{w.sys, {.name = "app"}};
  auto failed = names.spawn_as<adder>("x", 1, names.ref(), -1);
  CHECK(code_of(failed) == "spawn_failed");
  CHECK(cafreg::to_text(failed.error())
        == "registry app: key x: spawning threw: negative");
  CHECK_FALSE(names.whereis("x"));
  CHECK(names.count() == 0);
  // From this thread and from another one.
  auto again = names.spawn_as<adder>("x", 1, names.ref(), 1);
  REQUIRE(again);
  kill(*again);
  CHECK(eventually([&] { return names.count() == 0; }));
  CHECK(code_of(names.spawn_as<adder>("x", 1, names.ref(), -1))
        == "spawn_failed");
  auto who = w.sys.spawn(idle);
  std::thread{[&] { names.register_as(who, "x"); }}.join();
  CHECK(names.whereis("x") == who);
  kill(who);
}

namespace {

// Runs a function in its constructor.
class eager : public caf::event_based_actor {
public:
  eager(caf::actor_config& cfg, std::function<void()> fun)
    : caf::event_based_actor(cfg) {
    fun();
  }

  caf::behavior make_behavior() override {
    return idle(this);
  }
};

} // namespace

TEST_CASE("a spawn within a spawn waits for that of another thread") {
  world w;
  names_type names{w.sys};
  std::atomic<bool> inside{false};
  std::atomic<bool> asked{false};
  std::string nested;
  auto second = false;
  std::thread other{[&] {
    auto y = names.spawn_as<eager>("y", 1, std::function<void()>{[&] {
                                     inside = true;
                                     wait_until([&] { return asked.load(); });
                                   }});
    second = static_cast<bool>(y);
  }};
  wait_until([&] { return inside.load(); });
  auto x = names.spawn_as<eager>("x", 1, std::function<void()>{[&] {
                                   asked = true;
                                   nested
                                     = code_of(names.spawn_as("y", 1, idle));
                                 }});
  other.join();
  CHECK(x);
  CHECK(second);
  CHECK(nested == "already_registered");
}

TEST_CASE("of two spawns that want each other's name one is told") {
  world w;
  names_type names{w.sys};
  const std::string key[] = {"x", "y"};
  std::atomic<int> inside{0};
  std::vector<std::string> nested(2);
  auto spawn = [&](size_t mine) {
    auto body = std::function<void()>{[&, mine] {
      ++inside;
      wait_until([&] { return inside == 2; });
      nested[mine] = code_of(names.spawn_as(key[1 - mine], 1, idle));
    }};
    return static_cast<bool>(names.spawn_as<eager>(key[mine], 1, body));
  };
  auto second = false;
  std::thread other{[&] { second = spawn(1); }};
  CHECK(spawn(0));
  other.join();
  CHECK(second);
  std::sort(nested.begin(), nested.end());
  CHECK(nested
        == std::vector<std::string>{"already_registered", "would_deadlock"});
}

TEST_CASE("during a spawn, its own thread is told and others wait") {
  world w;
  names_type names{w.sys};
  auto other = w.sys.spawn(idle);
  std::string same_thread;
  std::string nested;
  std::string other_key;
  std::thread second;
  std::atomic<bool> asked{false};
  std::optional<caf::actor> seen;
  auto who = names.spawn_as<eager>(
    "x", 1, std::function<void()>{[&] {
      same_thread = code_of(names.register_as(other, "x"));
      nested = code_of(names.spawn_as("x", 1, idle));
      auto inner = names.spawn_as("y", 1, idle);
      other_key = code_of(inner);
      if (inner)
        kill(*inner);
      second = std::thread{[&] {
        asked = true;
        if (auto done = names.register_as(other, "x"))
          seen = done->holder;
      }};
      wait_until([&] { return asked.load(); });
      // A lookup does not wait.
      if (names.whereis("x"))
        same_thread = "found";
    }});
  second.join();
  REQUIRE(who);
  CHECK(same_thread == "would_deadlock");
  CHECK(nested == "would_deadlock");
  CHECK(other_key == "no error");
  REQUIRE(seen);
  CHECK(*seen == *who);
  CHECK(names.whereis("x") == *who);
  kill(*who);
  kill(other);
}

TEST_CASE("who waited for a spawn that fails gets the name") {
  world w;
  names_type names{w.sys};
  auto other = w.sys.spawn(idle);
  std::thread second;
  std::atomic<bool> asked{false};
  auto inserted = false;
  auto who = names.spawn_as<eager>("x", 1, std::function<void()>{[&] {
                                     second = std::thread{[&] {
                                       asked = true;
                                       auto done = names.register_as(other,
                                                                     "x");
                                       inserted = done && done->inserted;
                                     }};
                                     wait_until([&] { return asked.load(); });
                                     throw std::runtime_error{"no"};
                                   }});
  second.join();
  CHECK(code_of(who) == "spawn_failed");
  CHECK(inserted);
  CHECK(names.whereis("x") == other);
  kill(other);
}

TEST_CASE("an actor that is spawned into a registry that closes is ended") {
  world w;
  names_type names{w.sys};
  auto who = names.spawn_as<eager>(
    "x", 1, std::function<void()>{[&] { names.close(); }});
  CHECK(code_of(who) == "closed");
  CHECK(eventually([&] { return running_actors(w.sys) == 0; }));
}

namespace {

// A key that cannot be copied for the n-th time from now in this thread.
struct brittle {
  std::string text;

  static inline thread_local int copies_left = -1;

  explicit brittle(std::string x) : text(std::move(x)) {
    // nop
  }

  brittle(const brittle& other) : text(other.text) {
    if (copies_left >= 0 && copies_left-- == 0)
      throw std::bad_alloc{};
  }

  brittle(brittle&&) noexcept = default;

  brittle& operator=(const brittle&) = default;

  brittle& operator=(brittle&&) noexcept = default;

  friend bool operator==(const brittle&, const brittle&) = default;
};

// Holds something as long as it exists.
class holding : public caf::event_based_actor {
public:
  holding(caf::actor_config& cfg, std::shared_ptr<int> what)
    : caf::event_based_actor(cfg), what_(std::move(what)) {
    // nop
  }

  caf::behavior make_behavior() override {
    return idle(this);
  }

private:
  std::shared_ptr<int> what_;
};

} // namespace

} // namespace unique_spawn_as_test

template <>
struct std::hash<unique_spawn_as_test::brittle> {
  size_t operator()(const unique_spawn_as_test::brittle& x) const noexcept {
    return std::hash<std::string>{}(x.text);
  }
};

namespace unique_spawn_as_test {

TEST_CASE("an actor that cannot get its name does not run") {
  world w;
  cafreg::unique_registry<brittle, int> names{w.sys, {.name = "app"}};
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  brittle key{"x"};
  caf::expected<caf::actor> who{caf::error{}};
  // Copied for the reservation, then by the actor, then by who spawns it.
  std::string phase;
  SECTION("of a class, before it is launched") {
    brittle::copies_left = 1;
    who = names.spawn_as<holding>(key, 1, std::move(token));
    phase = "spawning threw";
  }
  SECTION("of a class, after it was launched") {
    brittle::copies_left = 2;
    who = names.spawn_as<holding>(key, 1, std::move(token));
    phase = "registering the new actor threw";
  }
  SECTION("from a function") {
    brittle::copies_left = 1;
    who = names.spawn_as(key, 1, [token](caf::event_based_actor*) {
      return caf::behavior{[token](int x) { return x; }};
    });
    token = nullptr;
    phase = "registering the new actor threw";
  }
  brittle::copies_left = -1;
  CHECK(code_of(who) == "spawn_failed");
  CHECK(cafreg::to_text(who.error()).find(phase) != std::string::npos);
  CHECK(eventually([&] { return alive.expired(); }));
  CHECK(eventually([&] { return running_actors(w.sys) == 0; }));
  CHECK(eventually([&] { return names.count() == 0; }));
  // The name is free.
  auto next = names.spawn_as(key, 1, idle);
  REQUIRE(next);
  kill(*next);
}

TEST_CASE("an actor may drop or hand on its name at once") {
  world w;
  names_type names{w.sys};
  auto heir = w.sys.spawn(idle);
  const auto rounds = effort(300, 50);
  for (size_t i = 0; i < rounds; ++i) {
    auto key = std::to_string(i);
    auto done = std::make_shared<gate>();
    auto body = [=, ref = names.ref()](caf::event_based_actor* self) {
      auto me = caf::actor{self};
      if (i % 2 == 0)
        ref.unregister(me, key);
      else
        std::ignore = ref.give_away(key, me, heir);
      done->open();
      return idle(self);
    };
    auto who = names.spawn_as(key, 1, std::move(body));
    REQUIRE(who);
    done->pass();
    // The spawning thread must not have bound it a second time.
    if (i % 2 == 0 ? bool{names.whereis(key)} : names.whereis(key) != heir)
      FAIL("round " << i);
    kill(*who);
  }
  kill(heir);
}

} // namespace unique_spawn_as_test
