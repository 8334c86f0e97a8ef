// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/interests_fixture.hpp"

#include "catch.hpp"

namespace unique_standby_test {

using namespace interests_test;

TEST_CASE("a standby gets a free name at once") {
  fixture f;
  auto queued = f.names.standby("x", f.a, 5);
  REQUIRE(queued);
  CHECK(f.names.lookup("x")->handle() == f.a);
  CHECK(f.names.lookup("x")->value() == 5);
  CHECK_FALSE(queued->cancel());
  CHECK(f.names.holders().size() == 1);
}

TEST_CASE("standbys take over in their order") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  auto first = f.names.standby("x", f.b, 2);
  auto second = f.names.standby("x", f.c, 3);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(f.names.whereis("x") == f.a);
  SECTION("when the holder dies, before any lookup misses") {
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.lookup("x")->handle() == f.b);
    CHECK(f.names.lookup("x")->value() == 2);
    REQUIRE(kill_and_wait(f.b));
    CHECK(f.names.lookup("x")->handle() == f.c);
    REQUIRE(kill_and_wait(f.c));
    CHECK_FALSE(f.names.lookup("x"));
  }
  SECTION("when the holder unregisters") {
    CHECK(f.names.unregister(f.a, "x") == size_t{1});
    CHECK(f.names.whereis("x") == f.b);
    CHECK(f.names.unregister_all(f.b) == size_t{1});
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("before newcomers") {
    REQUIRE(kill_and_wait(f.a));
    auto late = f.sys.spawn(idle);
    auto done = f.names.register_as(late, "x", 9);
    REQUIRE(done);
    CHECK_FALSE(done->inserted);
    CHECK(done->holder == f.b);
    CHECK(code_of(f.names.spawn_as("x", 1, idle)) == "already_registered");
    kill(late);
  }
  SECTION("but for those who left the queue") {
    CHECK(first->cancel());
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("but for the dead") {
    REQUIRE(kill_and_wait(f.b));
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("and not when the name is given away") {
    auto other = f.sys.spawn(idle);
    CHECK_FALSE(f.names.give_away("x", f.a, other));
    CHECK(f.names.whereis("x") == other);
    REQUIRE(kill_and_wait(other));
    CHECK(f.names.whereis("x") == f.b);
  }
}

TEST_CASE("no lookup misses a name that has standbys") {
  fixture f;
  const auto rounds = effort(300, 50);
  std::vector<caf::actor> line;
  for (size_t i = 0; i <= rounds; ++i) {
    line.push_back(f.sys.spawn(idle));
    f.names.standby("x", line.back(), static_cast<int>(i));
  }
  std::atomic<bool> done{false};
  std::atomic<int> missed{0};
  std::atomic<int> found{0};
  std::vector<std::thread> readers;
  for (auto t = 0; t < 2; ++t)
    readers.emplace_back([&] {
      while (!done) {
        if (f.names.lookup("x"))
          ++found;
        else
          ++missed;
      }
    });
  REQUIRE(eventually([&] { return found > 0; }));
  for (size_t i = 0; i < rounds; ++i) {
    if (i % 3 == 0)
      f.names.unregister(line[i], "x");
    REQUIRE(kill_and_wait(line[i]));
  }
  done = true;
  for (auto& x : readers)
    x.join();
  CHECK(missed == 0);
  CHECK(f.names.whereis("x") == line.back());
  kill(line.back());
}

TEST_CASE("who gives a name up does not stand by for it") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  REQUIRE(f.names.standby("x", f.a, 2));
  CHECK(f.names.unregister(f.a, "x") == size_t{1});
  CHECK_FALSE(f.names.lookup("x"));
}

namespace {

// A key that runs a function when it is copied.
struct hooked_key {
  static inline std::function<void()> on_copy;

  explicit hooked_key(int id) : id(id) {
    // nop
  }

  hooked_key(const hooked_key& other) : id(other.id) {
    if (on_copy)
      on_copy();
  }

  hooked_key& operator=(const hooked_key&) = default;

  bool operator==(const hooked_key& other) const {
    return id == other.id;
  }

  int id;
};

} // namespace

} // namespace unique_standby_test

template <>
struct std::hash<unique_standby_test::hooked_key> {
  size_t operator()(const unique_standby_test::hooked_key& x) const noexcept {
    return static_cast<size_t>(x.id);
  }
};

namespace unique_standby_test {

// Between the queue and the table somebody must hold the heir.
TEST_CASE("a standby that nobody else holds takes over alive") {
  world w;
  cafreg::unique_registry<hooked_key, int> names{w.sys};
  auto holder = w.sys.spawn(idle);
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  names.register_as(holder, hooked_key{1}, 1);
  names.standby(hooked_key{1}, spawn_holding(w.sys, std::move(token)), 2);
  // The keeper drops what waits to be dropped while the heir is on its way.
  // Each copy gives it the time to, as long as there is something to drop.
  auto copies = 0;
  hooked_key::on_copy = [&] {
    ++copies;
    auto until = std::chrono::steady_clock::now() + 20ms;
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  };
  names.unregister(holder, hooked_key{1});
  hooked_key::on_copy = nullptr;
  CHECK(copies > 0);
  CHECK_FALSE(alive.expired());
  auto found = names.lookup(hooked_key{1});
  REQUIRE(found);
  CHECK(found->value() == 2);
  CHECK(found->alive());
  kill(holder);
  names.close();
}

} // namespace unique_standby_test
