// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "unique_tables.hpp"

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace unique_table_test {

using namespace unique_tables;

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

} // namespace unique_table_test
