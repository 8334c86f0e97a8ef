// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/unique_table.hpp"

#include "catch.hpp"
#include "fake_actors.hpp"
#include "registry/effort.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using cafreg::detail::write_result;

using table_type = cafreg::detail::unique_table<std::string, int, fake::actors,
                                                fake::observer>;

using node = table_type::node;

// What an observer is told: whether it came or went, key, actor, value, why.
using told = std::tuple<bool, std::string, int, int, std::string>;

struct fixture {
  explicit fixture(bool strong = true)
    : uut(std::make_unique<table_type>(observer, strong)) {
    observer.recording = true;
  }

  // Every reference is given back.
  ~fixture() {
    uut.reset();
    for (auto& x : actors)
      if (x.strong != 0 || x.weak != 0)
        FAIL_CHECK("actor " << x.id << " has " << x.strong << " strong and "
                            << x.weak << " weak references too many");
  }

  fake::actor* spawn() {
    auto& x = actors.emplace_back();
    x.id = static_cast<int>(actors.size());
    return &x;
  }

  write_result insert(fake::actor* who, std::string_view key, int value = 0) {
    return uut->insert(who, key, int{value}, {"call"}, [this](const node& x) {
      holder = x.actor;
      fake::actors::release(x.actor, true);
    });
  }

  // The number of the holder and the value.
  std::pair<int, int> lookup(std::string_view key) {
    std::pair<int, int> result{0, 0};
    uut->lookup(key, [&result](const node& x) {
      result = {x.actor->id, x.value};
      fake::actors::release(x.actor, true);
    });
    return result;
  }

  int holder_of(std::string_view key) {
    return lookup(key).first;
  }

  write_result update(fake::actor* who, std::string_view key, int value) {
    return uut->update(who, key, [value](const node&) { return value; });
  }

  write_result give(fake::actor* from, std::string_view key, fake::actor* to) {
    return uut->give(from, key, to, {"given"});
  }

  std::set<std::string> keys(fake::actor* who) {
    std::set<std::string> result;
    uut->for_each_of(who,
                     [&result](const node& x) { result.insert(x.key.copy()); });
    return result;
  }

  std::vector<told> events() {
    std::vector<told> result;
    for (auto& x : observer.events)
      result.emplace_back(x.registered, x.key, x.who->id, x.value, x.why);
    observer.events.clear();
    return result;
  }

  void flush() {
    while (uut->flush()) {
      // nop
    }
  }

  fake::observer observer;
  std::deque<fake::actor> actors;
  fake::actor* holder = nullptr;
  std::unique_ptr<table_type> uut;
};

using pair = std::pair<int, int>;

using events = std::vector<told>;

// Runs a function in another thread.
template <class Fn>
void elsewhere(Fn fn) {
  std::thread{std::move(fn)}.join();
}

} // namespace

TEST_CASE("a new table is empty") {
  fixture f;
  auto* a = f.spawn();
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->registrant_count() == 0);
  CHECK(f.uut->removals() == 0);
  CHECK_FALSE(f.uut->closed());
  CHECK(f.lookup("x") == pair{0, 0});
  CHECK_FALSE(f.uut->visit("x", [](const node&) {}));
  CHECK(f.keys(a).empty());
  CHECK(f.uut->erase(a, "x", {}) == write_result::not_held);
  CHECK(f.uut->erase_all(a, {}, false) == 0);
  CHECK(f.update(a, "x", 1) == write_result::not_held);
  CHECK(f.give(a, "x", a) == write_result::not_held);
  CHECK_FALSE(f.uut->flush());
}

TEST_CASE("a key has one holder") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  CHECK(f.insert(a, "x", 1) == write_result::done);
  CHECK(f.holder == nullptr);
  CHECK(f.insert(b, "x", 2) == write_result::taken);
  CHECK(f.holder == a);
  f.holder = nullptr;
  CHECK(f.insert(a, "x", 3) == write_result::held);
  CHECK(f.holder == a);
  CHECK(f.lookup("x") == pair{1, 1});
  CHECK(f.uut->size() == 1);
  CHECK(f.insert(b, "y", 4) == write_result::done);
  CHECK(f.keys(a) == std::set<std::string>{"x"});
  CHECK(f.keys(b) == std::set<std::string>{"y"});
  CHECK(f.observer.monitored == std::vector<fake::actor*>{a, b});
  CHECK(f.uut->registrant_count() == 2);
  CHECK(f.events()
        == events{{true, "x", 1, 1, "call"}, {true, "y", 2, 4, "call"}});
}

TEST_CASE("an actor is monitored once, whatever number of keys it has") {
  fixture f;
  auto* a = f.spawn();
  for (auto i = 0; i < 10; ++i) {
    f.insert(a, std::to_string(i));
    f.uut->erase(a, std::to_string(i), {});
  }
  CHECK(f.observer.monitored.size() == 1);
  CHECK(f.uut->registrant_count() == 1);
}

TEST_CASE("only the holder erases") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  f.insert(a, "x", 1);
  CHECK(f.uut->erase(b, "x", {"call"}) == write_result::not_held);
  CHECK(f.uut->erase(nullptr, "x", {"call"}) == write_result::not_held);
  CHECK(f.uut->size() == 1);
  CHECK(f.uut->erase(a, "x", {"call"}) == write_result::done);
  CHECK(f.uut->erase(a, "x", {"call"}) == write_result::not_held);
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->removals() == 1);
  CHECK(f.insert(b, "x", 2) == write_result::done);
  CHECK(f.events()
        == events{{true, "x", 1, 1, "call"},
                  {false, "x", 1, 1, "call"},
                  {true, "x", 2, 2, "call"}});
}

TEST_CASE("an entry is erased if its value pleases") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  f.insert(a, "x", 1);
  auto is = [](int value) {
    return [value](const node& x) { return x.value == value; };
  };
  CHECK(f.uut->erase_if(a, "x", is(2), {}) == write_result::not_held);
  CHECK(f.uut->erase_if(b, "x", is(1), {}) == write_result::not_held);
  CHECK_THROWS_AS(
    f.uut->erase_if(
      a, "x", [](const node&) -> bool { throw std::runtime_error{"no"}; }, {}),
    std::runtime_error);
  CHECK(f.holder_of("x") == 1);
  SECTION("and not if the value changes behind the predicate's back") {
    auto calls = 0;
    auto outcome = f.uut->erase_if(a, "x",
                                   [&](const node& x) {
                                     if (++calls == 1)
                                       elsewhere([&] { f.update(a, "x", 5); });
                                     return x.value == 1;
                                   },
                                   {});
    CHECK(outcome == write_result::not_held);
    CHECK(calls == 2);
    CHECK(f.lookup("x") == pair{1, 5});
  }
  SECTION("else it stays") {
    CHECK(f.uut->erase_if(a, "x", is(1), {}) == write_result::done);
    CHECK(f.uut->size() == 0);
  }
}

TEST_CASE("an update gives a new value to the holder's entry") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  f.insert(a, "x", 1);
  f.events();
  CHECK(f.update(a, "x", 2) == write_result::done);
  CHECK(f.lookup("x") == pair{1, 2});
  auto called = false;
  CHECK(f.uut->update(b, "x", [&called](const node&) {
    called = true;
    return 3;
  }) == write_result::not_held);
  CHECK_FALSE(called);
  CHECK_THROWS_AS(
    f.uut->update(a, "x",
                  [](const node&) -> int { throw std::runtime_error{"no"}; }),
    std::runtime_error);
  CHECK(f.lookup("x") == pair{1, 2});
  CHECK(f.keys(a).size() == 1);
  CHECK(f.uut->size() == 1);
  CHECK(f.events().empty());
  SECTION("again if somebody was faster") {
    auto calls = 0;
    CHECK(f.uut->update(a, "x", [&](const node& x) {
      if (++calls == 1)
        elsewhere([&] { f.update(a, "x", 10); });
      return x.value + 1;
    }) == write_result::done);
    CHECK(calls == 2);
    CHECK(f.lookup("x") == pair{1, 11});
  }
  SECTION("but never for itself") {
    auto inner = write_result::done;
    CHECK(f.uut->update(a, "x", [&](const node& x) {
      inner = f.update(a, "x", 10);
      return x.value + 1;
    }) == write_result::done);
    CHECK(inner == write_result::busy);
    CHECK(f.lookup("x") == pair{1, 3});
  }
  SECTION("and not if it was given away meanwhile") {
    CHECK(f.uut->update(a, "x", [&](const node&) {
      f.give(a, "x", b);
      return 7;
    }) == write_result::not_held);
    CHECK(f.lookup("x") == pair{2, 2});
  }
  SECTION("and not if it was registered anew meanwhile") {
    CHECK(f.uut->update(a, "x", [&](const node& x) {
      if (x.value == 2) {
        f.uut->erase(a, "x", {});
        f.insert(a, "x", 20);
      }
      return x.value + 1;
    }) == write_result::done);
    CHECK(f.lookup("x") == pair{1, 21});
  }
}

TEST_CASE("a thousand updates leave one reference") {
  fixture f;
  auto* a = f.spawn();
  f.insert(a, "x", 0);
  for (auto i = 1; i <= 1000; ++i)
    f.update(a, "x", i);
  f.flush();
  CHECK(a->strong == 1);
  f.uut->erase(a, "x", {});
  f.flush();
  CHECK(a->strong == 0);
}

TEST_CASE("a key is given to another actor") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  auto* dead = f.spawn();
  dead->terminated = true;
  f.insert(a, "x", 1);
  f.insert(a, "y", 2);
  f.events();
  CHECK(f.give(b, "x", a) == write_result::not_held);
  CHECK(f.give(a, "z", b) == write_result::not_held);
  CHECK(f.give(a, "x", dead) == write_result::dead);
  CHECK(f.lookup("x") == pair{1, 1});
  CHECK(f.give(a, "x", b) == write_result::done);
  CHECK(f.lookup("x") == pair{2, 1});
  CHECK(f.keys(a) == std::set<std::string>{"y"});
  CHECK(f.keys(b) == std::set<std::string>{"x"});
  CHECK(f.observer.monitored == std::vector<fake::actor*>{a, b});
  CHECK(f.events()
        == events{{false, "x", 1, 1, "given"}, {true, "x", 2, 1, "given"}});
  CHECK(f.uut->erase_all(b, {"down"}, true) == 1);
  CHECK(f.holder_of("x") == 0);
  CHECK(f.uut->registrant_count() == 1);
}

TEST_CASE("all keys of an actor go") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  for (auto i = 0; i < 1000; ++i)
    f.insert(i % 4 == 0 ? b : a, std::to_string(i), i);
  CHECK(f.keys(a).size() == 750);
  CHECK(f.uut->erase_all(a, {"all"}, false) == 750);
  CHECK(f.uut->erase_all(a, {"all"}, false) == 0);
  CHECK(f.uut->size() == 250);
  CHECK(f.uut->registrant_count() == 2);
  CHECK(f.uut->erase_all(b, {"all"}, true) == 250);
  CHECK(f.uut->registrant_count() == 1);
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->removals() == 1000);
}

// -- death --------------------------------------------------------------------

TEST_CASE("the dead hold nothing") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  f.insert(a, "x", 1);
  f.events();
  a->terminated = true;
  CHECK(f.holder_of("x") == 0);
  // Not cleaned up yet.
  CHECK(f.uut->size() == 1);
  CHECK(f.insert(a, "y") == write_result::dead);
  SECTION("their clean-up frees their keys") {
    CHECK(f.uut->erase_all(a, {"down"}, true) == 1);
    CHECK(f.events() == events{{false, "x", 1, 1, "down"}});
    CHECK(f.insert(b, "x") == write_result::done);
  }
  SECTION("others take their keys before, and the clean-up spares them") {
    CHECK(f.insert(b, "x", 2) == write_result::done);
    CHECK(f.uut->size() == 1);
    CHECK(f.events()
          == events{{false, "x", 1, 1, "down"}, {true, "x", 2, 2, "call"}});
    CHECK(f.keys(a).empty());
    CHECK(f.uut->erase_all(a, {"down"}, true) == 0);
    CHECK(f.lookup("x") == pair{2, 2});
    CHECK(f.uut->registrant_count() == 1);
    CHECK(f.events().empty());
  }
  SECTION("a new registration by the same actor is not theirs either") {
    // As if the memory of the actor was used again.
    CHECK(f.uut->erase_all(a, {"down"}, true) == 1);
    a->terminated = false;
    CHECK(f.insert(a, "x", 3) == write_result::done);
    CHECK(f.lookup("x") == pair{1, 3});
    CHECK(f.observer.monitored.size() == 2);
  }
}

TEST_CASE("an actor that dies on its way in is noticed") {
  fixture f;
  auto* a = f.spawn();
  f.insert(a, "x", 1);
  a->terminated = true;
  CHECK(f.uut->erase_all(a, {"down"}, true) == 1);
  // Enrolled after its clean-up: its monitor fires at once, in CAF.
  f.uut->enroll(a);
  CHECK(f.observer.monitored == std::vector<fake::actor*>{a, a});
  CHECK(f.uut->registrant_count() == 1);
  CHECK(f.uut->erase_all(a, {"down"}, true) == 0);
  CHECK(f.uut->registrant_count() == 0);
}

// -- heirs --------------------------------------------------------------------

namespace {

struct with_heirs : fixture {
  with_heirs() {
    a = spawn();
    b = spawn();
    c = spawn();
    insert(a, "x", 1);
    for (auto* x : {b, c})
      uut->enroll(x);
    observer.any_heirs = true;
    observer.heirs = {{b, 20}, {c, 30}};
    events();
  }

  fake::actor* a;
  fake::actor* b;
  fake::actor* c;
};

} // namespace

TEST_CASE("an heir takes over when the holder unregisters") {
  with_heirs f;
  CHECK(f.uut->erase(f.a, "x", {"call"}) == write_result::done);
  CHECK(f.lookup("x") == pair{2, 20});
  CHECK(f.events()
        == events{{false, "x", 1, 1, "call"}, {true, "x", 2, 20, "call"}});
  CHECK(f.uut->size() == 1);
  CHECK(f.uut->removals() == 1);
  CHECK(f.keys(f.a).empty());
  CHECK(f.keys(f.b) == std::set<std::string>{"x"});
}

TEST_CASE("an heir takes over when the holder dies") {
  with_heirs f;
  f.a->terminated = true;
  SECTION("before a lookup could miss") {
    CHECK(f.lookup("x") == pair{2, 20});
    CHECK(f.uut->erase_all(f.a, {"down"}, true) == 0);
  }
  SECTION("before a newcomer") {
    CHECK(f.insert(f.c, "x", 5) == write_result::taken);
    CHECK(f.holder == f.b);
  }
  SECTION("with the clean-up") {
    CHECK(f.uut->erase_all(f.a, {"down"}, true) == 1);
  }
  CHECK(f.lookup("x") == pair{2, 20});
  CHECK(f.events()
        == events{{false, "x", 1, 1, "down"}, {true, "x", 2, 20, "down"}});
}

TEST_CASE("a dead heir is passed over") {
  with_heirs f;
  f.a->terminated = true;
  f.b->terminated = true;
  CHECK(f.lookup("x") == pair{3, 30});
  f.c->terminated = true;
  CHECK(f.lookup("x") == pair{0, 0});
  CHECK(f.uut->size() == 0);
}

TEST_CASE("an heir that dies in turn hands on") {
  with_heirs f;
  f.a->terminated = true;
  CHECK(f.holder_of("x") == 2);
  f.b->terminated = true;
  CHECK(f.holder_of("x") == 3);
  CHECK(f.uut->erase_all(f.a, {"down"}, true) == 0);
  CHECK(f.uut->erase_all(f.b, {"down"}, true) == 0);
  CHECK(f.lookup("x") == pair{3, 30});
}

TEST_CASE("who gives a key up is not its heir") {
  with_heirs f;
  f.observer.heirs = {{f.a, 99}, {f.b, 20}};
  CHECK(f.uut->erase(f.a, "x", {"call"}) == write_result::done);
  CHECK(f.lookup("x") == pair{2, 20});
  CHECK(f.keys(f.a).empty());
  f.flush();
  CHECK(f.a->strong == 0);
}

// -- reservations -------------------------------------------------------------

namespace {

struct reserving : fixture {
  write_result reserve(std::string_view key, int value,
                       table_type::reservation_ptr& result) {
    return uut->reserve(
      key, int{value},
      [this](const node& x) {
        holder = x.actor;
        fake::actors::release(x.actor, true);
      },
      result);
  }
};

} // namespace

TEST_CASE("a reserved key is bound to a new actor") {
  reserving f;
  auto* a = f.spawn();
  table_type::reservation_ptr reserved;
  REQUIRE(f.reserve("x", 5, reserved) == write_result::done);
  REQUIRE(reserved != nullptr);
  CHECK(f.holder_of("x") == 0);
  CHECK(f.uut->size() == 0);
  // This very thread would wait for itself.
  CHECK(f.insert(a, "x") == write_result::would_deadlock);
  table_type::reservation_ptr other;
  CHECK(f.reserve("x", 6, other) == write_result::would_deadlock);
  CHECK(other == nullptr);
  CHECK(f.insert(a, "y") == write_result::done);
  CHECK(f.uut->bind(reserved, a, {"spawn"}) == write_result::done);
  CHECK(f.lookup("x") == pair{1, 5});
  // The second time has no effect, also if the key is another's by then.
  CHECK(f.uut->bind(reserved, a, {"spawn"}) == write_result::done);
  f.uut->erase(a, "x", {});
  auto* b = f.spawn();
  CHECK(f.insert(b, "x", 6) == write_result::done);
  CHECK(f.uut->bind(reserved, a, {"spawn"}) == write_result::done);
  CHECK(f.lookup("x") == pair{2, 6});
}

TEST_CASE("a taken key is not reserved") {
  reserving f;
  auto* a = f.spawn();
  f.insert(a, "x", 1);
  table_type::reservation_ptr reserved;
  CHECK(f.reserve("x", 5, reserved) == write_result::taken);
  CHECK(reserved == nullptr);
  CHECK(f.holder == a);
  a->terminated = true;
  CHECK(f.reserve("x", 5, reserved) == write_result::done);
  f.uut->release(reserved);
}

TEST_CASE("a reservation is given up") {
  reserving f;
  auto* a = f.spawn();
  table_type::reservation_ptr reserved;
  REQUIRE(f.reserve("x", 5, reserved) == write_result::done);
  SECTION("by a call") {
    f.uut->release(reserved);
    f.uut->release(reserved);
  }
  SECTION("since the actor is dead") {
    auto* dead = f.spawn();
    dead->terminated = true;
    CHECK(f.uut->bind(reserved, dead, {}) == write_result::dead);
  }
  CHECK(f.insert(a, "x", 1) == write_result::done);
}

TEST_CASE("other threads wait for what becomes of a reservation") {
  reserving f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  table_type::reservation_ptr reserved;
  REQUIRE(f.reserve("x", 5, reserved) == write_result::done);
  auto inserted = write_result::closed;
  auto reserved_too = write_result::closed;
  std::atomic<int> finished{0};
  std::atomic<int> started{0};
  std::thread one{[&] {
    ++started;
    auto holder = [](const node& x) { fake::actors::release(x.actor, true); };
    inserted = f.uut->insert(b, "x", 1, {"call"}, holder);
    ++finished;
  }};
  std::thread two{[&] {
    ++started;
    auto holder = [](const node& x) { fake::actors::release(x.actor, true); };
    table_type::reservation_ptr mine;
    reserved_too = f.uut->reserve("x", 1, holder, mine);
    if (mine)
      f.uut->release(mine);
    ++finished;
  }};
  while (started < 2)
    std::this_thread::yield();
  CHECK(finished == 0);
  SECTION("it is bound") {
    f.uut->bind(reserved, a, {});
    one.join();
    two.join();
    CHECK(inserted == write_result::taken);
    CHECK(reserved_too == write_result::taken);
    CHECK(f.lookup("x") == pair{1, 5});
  }
  SECTION("it is given up") {
    f.uut->release(reserved);
    one.join();
    two.join();
    CHECK(inserted == write_result::done);
    CHECK(f.lookup("x") == pair{2, 1});
  }
  SECTION("the table is closed") {
    f.uut->close({}, [](fake::actor*) {});
    CHECK(f.uut->bind(reserved, a, {}) == write_result::closed);
    one.join();
    two.join();
    CHECK(inserted == write_result::closed);
    CHECK(reserved_too == write_result::closed);
  }
}

// -- weak entries -------------------------------------------------------------

TEST_CASE("weak entries hold weak references") {
  fixture f{false};
  auto* a = f.spawn();
  f.insert(a, "x", 1);
  CHECK(a->strong == 0);
  CHECK(a->weak == 1);
  CHECK(f.lookup("x") == pair{1, 1});
  f.update(a, "x", 2);
  auto* b = f.spawn();
  f.give(a, "x", b);
  f.flush();
  CHECK(a->weak == 0);
  CHECK(b->weak == 1);
  CHECK(b->strong == 0);
}

namespace {

// Actors whose last handle can go before they are flagged as dead: in CAF, an
// actor that nobody holds runs its clean-up first.
struct fading_actors : fake::actors {
  static constexpr int faded = -1;

  static bool borrow(type* ptr, bool strong) {
    return (strong || ptr->id != faded) && fake::actors::borrow(ptr, strong);
  }
};

} // namespace

TEST_CASE("the key of an actor that nobody holds any more is free") {
  using weak_table
    = cafreg::detail::unique_table<std::string, int, fading_actors,
                                   fake::observer>;
  fake::observer observer;
  fake::actor a;
  fake::actor b;
  {
    weak_table uut{observer, false};
    auto ignore = [](const weak_table::node&) {};
    REQUIRE(uut.insert(&a, "x", 1, {}, ignore) == write_result::done);
    a.id = fading_actors::faded;
    CHECK_FALSE(uut.lookup("x", ignore));
    SECTION("to be registered") {
      CHECK(uut.insert(&b, "x", 2, {}, ignore) == write_result::done);
      CHECK(uut.size() == 1);
    }
    SECTION("to be reserved") {
      weak_table::reservation_ptr reserved;
      CHECK(uut.reserve("x", 2, ignore, reserved) == write_result::done);
      uut.release(reserved);
    }
    CHECK(uut.erase_all(&a, {}, true) == 0);
  }
  CHECK(a.weak == 0);
  CHECK(b.weak == 0);
}

// -- iteration ----------------------------------------------------------------

TEST_CASE("iteration sees each entry once") {
  fixture f;
  auto* a = f.spawn();
  for (auto i = 0; i < 1000; ++i)
    f.insert(a, std::to_string(i), i);
  std::multiset<int> seen;
  f.uut->for_each([&](const node& x) {
    seen.insert(x.value);
    // Callbacks may do anything.
    if (x.value % 2 == 0)
      f.uut->erase(a, x.key.get(), {});
    else
      f.update(a, x.key.get(), -x.value);
    f.insert(a, "new" + std::to_string(x.value), x.value);
  });
  for (auto i = 0; i < 1000; ++i)
    if (seen.count(i) == 0)
      FAIL("missed " << i);
  CHECK(f.uut->size() == 1500);
  std::set<std::string> keys;
  f.uut->for_each(
    [&keys](const node& x) { CHECK(keys.insert(x.key.copy()).second); });
  CHECK(keys.size() == 1500);
  CHECK(f.keys(a) == keys);
}

TEST_CASE("an iteration that throws leaves everything in order") {
  fixture f;
  auto* a = f.spawn();
  for (auto i = 0; i < 10; ++i)
    f.insert(a, std::to_string(i), i);
  auto stop = [](const node&) { throw std::runtime_error{"stop"}; };
  CHECK_THROWS_AS(f.uut->for_each(stop), std::runtime_error);
  CHECK_THROWS_AS(f.uut->for_each_of(a, stop), std::runtime_error);
  CHECK_THROWS_AS(f.uut->visit("1", stop), std::runtime_error);
  CHECK_FALSE(cafreg::detail::epoch::pinned());
  CHECK(f.uut->erase_all(a, {}, true) == 10);
  f.flush();
  CHECK(a->strong == 0);
}

TEST_CASE("a visited entry survives its removal for the time of the visit") {
  fixture f;
  auto* a = f.spawn();
  f.insert(a, "some key that is not stored inline", 7);
  CHECK(f.uut->visit("some key that is not stored inline", [&](const node& x) {
    CHECK(f.uut->erase(a, x.key.get(), {}) == write_result::done);
    for (auto i = 0; i < 1000; ++i) {
      f.insert(a, std::to_string(i), i);
      f.uut->erase(a, std::to_string(i), {});
    }
    CHECK(f.uut->flush());
    CHECK(x.value == 7);
    CHECK(x.key.get() == "some key that is not stored inline");
    CHECK(a->strong > 1000);
  }));
  f.flush();
  CHECK(a->strong == 0);
}

TEST_CASE("exactly this entry is erased or none") {
  fixture f;
  auto* a = f.spawn();
  f.insert(a, "x", 1);
  cafreg::detail::epoch::pin pin;
  node* first = nullptr;
  f.uut->visit("x", [&](const node& x) { first = const_cast<node*>(&x); });
  CHECK(f.uut->linked(first));
  f.update(a, "x", 2);
  CHECK_FALSE(f.uut->linked(first));
  CHECK(f.uut->erase(first, {}) == write_result::not_held);
  CHECK(f.lookup("x") == pair{1, 2});
}

// -- memory -------------------------------------------------------------------

TEST_CASE("removed entries let go of their actors soon") {
  fixture f;
  auto* a = f.spawn();
  f.insert(a, "x", 1);
  CHECK(f.observer.garbage_calls == 0);
  f.uut->erase(a, "x", {});
  CHECK(f.observer.garbage_calls == 1);
  CHECK(a->strong == 1);
  f.flush();
  CHECK(a->strong == 0);
  // An entry that is superseded is garbage, too; a new one is not.
  f.insert(a, "x", 1);
  CHECK(f.observer.garbage_calls == 1);
  f.update(a, "x", 2);
  CHECK(f.observer.garbage_calls == 2);
}

TEST_CASE("writes alone bound the garbage") {
  fixture f;
  auto* a = f.spawn();
  for (auto i = 0; i < 100'000; ++i) {
    f.insert(a, "x", 1);
    f.uut->erase(a, "x", {});
    if (a->strong > 10'000)
      FAIL("too much garbage");
  }
}

// -- closing ------------------------------------------------------------------

TEST_CASE("a closed table is empty and refuses everything") {
  fixture f;
  auto* a = f.spawn();
  auto* b = f.spawn();
  for (auto i = 0; i < 100; ++i)
    f.insert(a, std::to_string(i), i);
  f.uut->enroll(b);
  f.events();
  std::set<fake::actor*> enrolled;
  f.uut->close({"closed"}, [&enrolled](fake::actor* x) { enrolled.insert(x); });
  CHECK(enrolled == std::set<fake::actor*>{a, b});
  CHECK(a->strong == 0);
  CHECK(f.events().size() == 100);
  CHECK(f.uut->closed());
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->registrant_count() == 0);
  CHECK(f.uut->removals() == 100);
  CHECK(f.lookup("1") == pair{0, 0});
  CHECK(f.keys(a).empty());
  CHECK(f.insert(a, "1") == write_result::closed);
  CHECK(f.uut->erase(a, "1", {}) == write_result::closed);
  CHECK(f.uut->erase_if(a, "1", [](const node&) { return true; }, {})
        == write_result::closed);
  CHECK(f.uut->erase_all(a, {}, true) == 0);
  CHECK(f.update(a, "1", 1) == write_result::closed);
  CHECK(f.give(a, "1", b) == write_result::closed);
  table_type::reservation_ptr reserved;
  CHECK(f.uut->reserve(
          "1", 1, [](const node&) {}, reserved)
        == write_result::closed);
  f.uut->enroll(a);
  CHECK(f.uut->registrant_count() == 0);
  f.uut->close({}, [](fake::actor*) { FAIL("told twice"); });
}

TEST_CASE("a table is closed from within a visit") {
  fixture f;
  auto* a = f.spawn();
  for (auto i = 0; i < 100; ++i)
    f.insert(a, std::to_string(i), i);
  auto seen = 0;
  f.uut->for_each([&](const node& x) {
    f.uut->close({}, [](fake::actor*) {});
    CHECK(x.actor == a);
    ++seen;
  });
  // What was gone when its shard's turn came need not show.
  CHECK(seen >= 1);
  CHECK(f.uut->flush() == false);
  CHECK(a->strong == 0);
}

// -- against a model ----------------------------------------------------------

namespace {

struct model_entry {
  fake::actor* who;
  int value;
};

class simulation {
public:
  simulation(bool strong, uint64_t seed) : f_(strong), random_(seed) {
    for (auto i = 0; i < 6; ++i)
      actors_.push_back(f_.spawn());
  }

  // Returns what was wrong, empty if nothing.
  std::string run(size_t rounds) {
    for (size_t i = 0; i < rounds; ++i) {
      auto what = step(static_cast<int>(i));
      compare(what);
      if (!wrong_.empty())
        return "round " + std::to_string(i) + ": " + wrong_;
    }
    return {};
  }

private:
  static bool dead(fake::actor* who) {
    return who->terminated;
  }

  size_t pick(size_t limit) {
    return random_() % limit;
  }

  void expect(bool condition, const char* what) {
    if (!condition && wrong_.empty())
      wrong_ = what;
  }

  bool holds(fake::actor* who, const std::string& key) {
    auto pos = model_.find(key);
    return pos != model_.end() && pos->second.who == who;
  }

  void note(bool registered, const std::string& key, const model_entry& x,
            const char* why) {
    expected_.emplace_back(registered, key, x.who->id, x.value, why);
  }

  const char* step(int i) {
    auto& slot = actors_[pick(actors_.size())];
    auto* who = slot;
    auto* to = actors_[pick(actors_.size())];
    auto key = "key" + std::to_string(pick(12));
    switch (pick(20)) {
      default:
        insert(who, key, i);
        return "insert";
      case 8:
      case 9: {
        auto done = f_.uut->erase(who, key, {"call"}) == write_result::done;
        expect(done == holds(who, key), "result of erase");
        if (done)
          remove(key, "call");
        return "erase";
      }
      case 10: {
        auto odd = [](const node& x) { return x.value % 2 == 1; };
        auto done = f_.uut->erase_if(who, key, odd, {"call"})
                    == write_result::done;
        expect(done == (holds(who, key) && model_.at(key).value % 2 == 1),
               "result of erase_if");
        if (done)
          remove(key, "call");
        return "erase_if";
      }
      case 11:
        if (pick(4) == 0)
          remove_all(who, "call", false);
        return "erase_all";
      case 12:
      case 13:
      case 14: {
        auto outcome = f_.update(who, key, i);
        // What a dead actor holds is as good as free.
        expect((outcome == write_result::done)
                 == (holds(who, key) && !dead(who)),
               "result of update");
        if (outcome == write_result::done)
          model_.at(key).value = i;
        return "update";
      }
      case 15:
      case 16: {
        if (who == to)
          return "nothing";
        auto outcome = f_.give(who, key, to);
        expect(outcome
                 == (!holds(who, key) || dead(who) ? write_result::not_held
                     : dead(to)                    ? write_result::dead
                                                   : write_result::done),
               "result of give");
        if (outcome == write_result::done) {
          note(false, key, model_.at(key), "given");
          model_.at(key).who = to;
          note(true, key, model_.at(key), "given");
        }
        return "give";
      }
      case 17:
        if (pick(4) == 0)
          who->terminated = true;
        return "die";
      case 18:
        if (dead(who)) {
          remove_all(who, "down", true);
          slot = f_.spawn();
        }
        return "clean up";
      case 19:
        f_.uut->flush();
        return "flush";
    }
  }

  void insert(fake::actor* who, const std::string& key, int value) {
    auto pos = model_.find(key);
    auto outcome = f_.insert(who, key, value);
    if (dead(who)) {
      expect(outcome == write_result::dead, "a dead actor registered");
      return;
    }
    if (pos != model_.end() && !dead(pos->second.who)) {
      expect(outcome
               == (pos->second.who == who ? write_result::held
                                          : write_result::taken),
             "a taken key was registered");
      expect(f_.holder == pos->second.who, "a loser did not learn the winner");
      return;
    }
    expect(outcome == write_result::done, "a free key was not registered");
    if (pos != model_.end())
      remove(key, "down");
    model_[key] = {who, value};
    note(true, key, model_[key], "call");
  }

  void remove(const std::string& key, const char* why) {
    note(false, key, model_.at(key), why);
    model_.erase(key);
  }

  void remove_all(fake::actor* who, const char* why, bool retire) {
    std::vector<std::string> gone;
    for (auto& [key, x] : model_)
      if (x.who == who)
        gone.push_back(key);
    expect(f_.uut->erase_all(who, {why}, retire) == gone.size(),
           "result of erase_all");
    for (auto& key : gone)
      remove(key, why);
    sorted_ = true;
  }

  void compare(const char* what) {
    auto events = f_.events();
    if (std::exchange(sorted_, false)) {
      std::sort(events.begin(), events.end());
      std::sort(expected_.begin(), expected_.end());
    }
    expect(events == expected_, what);
    expected_.clear();
    expect(f_.uut->size() == model_.size(), "size");
    auto key = "key" + std::to_string(pick(12));
    auto pos = model_.find(key);
    auto found = f_.lookup(key);
    if (pos == model_.end() || dead(pos->second.who))
      expect(found == pair{0, 0}, "a lookup found the dead");
    else
      expect(found == pair{pos->second.who->id, pos->second.value},
             "a lookup found another");
    std::map<std::string, pair> all;
    f_.uut->for_each([&](const node& x) {
      expect(all.try_emplace(x.key.copy(), x.actor->id, x.value).second,
             "an iteration saw a key twice");
    });
    std::map<std::string, pair> expected;
    for (auto& [name, x] : model_)
      expected.try_emplace(name, x.who->id, x.value);
    expect(all == expected, "an iteration saw something else");
    auto* who = actors_[pick(actors_.size())];
    std::set<std::string> keys;
    for (auto& [name, x] : model_)
      if (x.who == who)
        keys.insert(name);
    expect(f_.keys(who) == keys, "keys of an actor");
  }

  fixture f_;
  std::mt19937_64 random_;
  std::vector<fake::actor*> actors_;
  std::map<std::string, model_entry> model_;
  std::vector<told> expected_;
  bool sorted_ = false;
  std::string wrong_;
};

} // namespace

TEST_CASE("a table does what a map would do") {
  for (auto strong : {true, false})
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(strong);
      CAPTURE(seed);
      simulation uut{strong, seed};
      CHECK(uut.run(effort(2000, 500)) == "");
    }
}
