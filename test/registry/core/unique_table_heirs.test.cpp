// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "unique_tables.hpp"

#include <atomic>
#include <set>
#include <string>
#include <thread>

namespace unique_table_heirs_test {

using namespace unique_tables;

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

} // namespace unique_table_heirs_test
