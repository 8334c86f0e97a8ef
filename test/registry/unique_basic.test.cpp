// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>

namespace unique_basic_test {

using namespace caf_test;

using cafreg::errc;

namespace {

struct fixture : world {
  names_type names{sys, {.name = "app"}};
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);

  ~fixture() {
    names.close();
    kill(a);
    kill(b);
  }
};

} // namespace

TEST_CASE("a name is registered and found") {
  fixture f;
  auto done = f.names.register_as(f.a, "x", 1);
  REQUIRE(done);
  CHECK(done->inserted);
  CHECK(done->holder == f.a);
  auto found = f.names.lookup("x");
  REQUIRE(found);
  CHECK(found->key() == "x");
  CHECK(found->value() == 1);
  CHECK(found->handle() == f.a);
  CHECK(found->alive());
  CHECK(f.names.whereis("x") == f.a);
  CHECK(f.names.count() == 1);
  CHECK(f.names.name() == "app");
  CHECK(&f.names.system() == &f.sys);
  auto missing = f.names.lookup("y");
  CHECK_FALSE(missing);
  CHECK(missing.error() == errc::no_such_name);
  CHECK(f.names.whereis("").error() == errc::no_such_name);
}

TEST_CASE("a taken name tells who holds it") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  for (auto& who : {f.a, f.b}) {
    auto again = f.names.register_as(who, "x", 2);
    REQUIRE(again);
    CHECK_FALSE(again->inserted);
    CHECK(again->holder == f.a);
  }
  CHECK(f.names.lookup("x")->value() == 1);
}

TEST_CASE("keys are what they are, byte by byte") {
  fixture f;
  using namespace std::string_literals;
  std::set<std::string> keys{""s,
                             "x"s,
                             "X"s,
                             "x "s,
                             "x\0"s,
                             "\0"s,
                             std::string(23, 'x'),
                             std::string(24, 'x')};
  for (auto& key : keys)
    CHECK(f.names.register_as(f.a, key)->inserted);
  auto listed = f.names.keys(f.a);
  CHECK(std::set<std::string>(listed.begin(), listed.end()) == keys);
  for (auto& key : keys)
    CHECK(f.names.lookup(key)->key() == key);
}

TEST_CASE("entries are removed by their holder") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  CHECK(f.names.unregister(f.b, "x") == size_t{0});
  CHECK(f.names.unregister(f.a, "y") == size_t{0});
  CHECK(f.names.unregister(caf::actor{}, "x") == size_t{0});
  CHECK(f.names.count() == 1);
  CHECK(f.names.unregister(f.a, "x") == size_t{1});
  CHECK(f.names.unregister(f.a, "x") == size_t{0});
  CHECK(f.names.count() == 0);
  CHECK_FALSE(f.names.lookup("x"));
}

TEST_CASE("entries are removed if their values please") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  auto calls = 0;
  auto is = [&calls](int wanted) {
    return [&calls, wanted](int value) {
      ++calls;
      return value == wanted;
    };
  };
  CHECK(f.names.unregister_if(f.a, "x", is(2)) == size_t{0});
  CHECK(calls == 1);
  CHECK(f.names.unregister_if(f.b, "x", is(1)) == size_t{0});
  CHECK(f.names.unregister_if(f.a, "y", is(1)) == size_t{0});
  CHECK(calls == 1);
  CHECK(f.names.unregister_if(f.a, "x", is(1)) == size_t{1});
  CHECK(f.names.count() == 0);
}

TEST_CASE("all entries of an actor are removed") {
  fixture f;
  for (auto i = 0; i < 100; ++i)
    f.names.register_as(i % 2 == 0 ? f.a : f.b, std::to_string(i));
  CHECK(f.names.unregister_all(f.a) == size_t{50});
  CHECK(f.names.unregister_all(f.a) == size_t{0});
  CHECK(f.names.unregister_all(caf::actor{}) == size_t{0});
  CHECK(f.names.count() == 50);
  CHECK(f.names.keys(f.a).empty());
  CHECK(f.names.keys(f.b).size() == 50);
}

TEST_CASE("values are updated by the holder alone") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  auto next = f.names.update_value(f.a, "x", [](int x) { return x + 1; });
  REQUIRE(next);
  CHECK(next->value == 2);
  CHECK(next->previous == 1);
  CHECK(f.names.lookup("x")->value() == 2);
  auto called = false;
  auto never = [&called](int x) {
    called = true;
    return x;
  };
  CHECK(code_of(f.names.update_value(f.b, "x", never)) == "not_holder");
  CHECK(code_of(f.names.update_value(f.a, "y", never)) == "not_holder");
  CHECK(code_of(f.names.update_value(caf::actor{}, "x", never))
        == "not_holder");
  CHECK_FALSE(called);
}

TEST_CASE("concurrent updates are all counted") {
  fixture f;
  f.names.register_as(f.a, "x", 0);
  const auto rounds = static_cast<int>(effort(20'000, 2'000));
  std::atomic<int> failed{0};
  in_threads(3, [&](size_t) {
    for (auto i = 0; i < rounds; ++i)
      if (!f.names.update_value(f.a, "x", [](int x) { return x + 1; }))
        ++failed;
  });
  CHECK(failed == 0);
  CHECK(f.names.lookup("x")->value() == 3 * rounds);
}

TEST_CASE("a name is given away") {
  fixture f;
  f.names.register_as(f.a, "x", 7);
  CHECK(code_of(f.names.give_away("x", f.b, f.a)) == "not_holder");
  CHECK(code_of(f.names.give_away("y", f.a, f.b)) == "not_holder");
  CHECK_FALSE(f.names.give_away("x", f.a, f.b));
  CHECK(f.names.lookup("x")->handle() == f.b);
  CHECK(f.names.lookup("x")->value() == 7);
  CHECK(f.names.keys(f.a).empty());
  CHECK(f.names.keys(f.b) == std::vector<std::string>{"x"});
  CHECK(f.names.unregister(f.a, "x") == size_t{0});
}

TEST_CASE("giving a name to its own holder changes nothing") {
  fixture f;
  f.names.register_as(f.a, "x", 7);
  CHECK_FALSE(f.names.give_away("x", f.a, f.a));
  CHECK(f.names.lookup("x")->handle() == f.a);
  // For anyone else it is an error as always.
  CHECK(code_of(f.names.give_away("x", f.b, f.b)) == "not_holder");
  CHECK(code_of(f.names.give_away("y", f.a, f.a)) == "not_holder");
  f.names.close();
  CHECK(code_of(f.names.give_away("x", f.a, f.a)) == "closed");
}

TEST_CASE("no lookup misses a name that goes from hand to hand") {
  fixture f;
  f.names.register_as(f.a, "x", 7);
  std::atomic<bool> done{false};
  std::atomic<int> missed{0};
  std::atomic<int> seen{0};
  std::thread reader{[&] {
    while (!done) {
      auto found = f.names.lookup("x");
      if (!found || found->value() != 7)
        ++missed;
      ++seen;
    }
  }};
  REQUIRE(eventually([&] { return seen > 0; }));
  for (size_t i = 0; i < effort(20'000, 2'000); ++i) {
    std::ignore = f.names.give_away("x", f.a, f.b);
    std::ignore = f.names.give_away("x", f.b, f.a);
  }
  done = true;
  reader.join();
  CHECK(missed == 0);
}

TEST_CASE("an entry is visited in place") {
  fixture f;
  f.names.register_as(f.a, "x", 3);
  auto calls = 0;
  CHECK(f.names.visit("x", [&](const names_type::view_type& x) {
    ++calls;
    CHECK(x.key() == "x");
    CHECK(x.value() == 3);
    CHECK(x.id() == f.a.id());
    CHECK(x.handle() == f.a);
    CHECK(x.alive());
    CHECK(x.to_entry() == *f.names.lookup("x"));
  }));
  CHECK_FALSE(f.names.visit("y", [&](const auto&) { ++calls; }));
  CHECK(calls == 1);
}

TEST_CASE("values, matches and counts of a key") {
  fixture f;
  f.names.register_as(f.a, "x", 3);
  CHECK(f.names.values("x", f.a) == std::vector<int>{3});
  CHECK(f.names.values("x", f.b).empty());
  CHECK(f.names.values("y", f.a).empty());
  auto three = [](int x) { return x == 3; };
  auto four = [](int x) { return x == 4; };
  CHECK(f.names.count_if("x", three) == 1);
  CHECK(f.names.count_if("x", four) == 0);
  CHECK(f.names.count_if("y", three) == 0);
  auto found = f.names.match("x", three);
  REQUIRE(found.size() == 1);
  CHECK(found[0].handle() == f.a);
  CHECK(f.names.match("x", four).empty());
}

TEST_CASE("entries are iterated and selected") {
  fixture f;
  for (auto i = 0; i < 100; ++i)
    f.names.register_as(f.a, std::to_string(i), i);
  std::multiset<int> seen;
  f.names.for_each(
    [&](const names_type::view_type& x) { seen.insert(x.value()); });
  CHECK(seen.size() == 100);
  auto big = f.names.select(
    [](const names_type::view_type& x) { return x.value() >= 90; },
    [](const names_type::view_type& x) { return std::string{x.key()}; });
  std::sort(big.begin(), big.end());
  REQUIRE(big.size() == 10);
  CHECK(big.front() == "90");
  CHECK(big.back() == "99");
}

TEST_CASE("an iteration beside writers sees what stays exactly once") {
  fixture f;
  for (auto i = 0; i < 200; ++i)
    f.names.register_as(f.a, "stays" + std::to_string(i), i);
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (auto i = 0; !done; ++i) {
      auto key = "comes" + std::to_string(i % 500);
      if (i / 500 % 2 == 0)
        f.names.register_as(f.b, key, -1);
      else
        f.names.unregister(f.b, key);
      f.names.update_value(f.a, "stays" + std::to_string(i % 200),
                           [](int x) { return x; });
    }
  }};
  size_t wrong = 0;
  for (size_t i = 0; i < effort(300, 50); ++i) {
    std::vector<int> seen(200);
    f.names.for_each([&](const names_type::view_type& x) {
      if (x.value() >= 0)
        ++seen[static_cast<size_t>(x.value())];
    });
    for (auto x : seen)
      if (x != 1)
        ++wrong;
  }
  done = true;
  writer.join();
  CHECK(wrong == 0);
}

TEST_CASE("callbacks may use the same registry") {
  fixture f;
  for (auto i = 0; i < 10; ++i)
    f.names.register_as(f.a, std::to_string(i), i);
  CHECK(f.names.visit("1", [&](const auto&) {
    CHECK(f.names.unregister(f.a, "1") == size_t{1});
    CHECK(f.names.register_as(f.b, "1", 11)->inserted);
  }));
  CHECK(f.names.lookup("1")->handle() == f.b);
  auto updated = f.names.update_value(f.a, "2", [&](int x) {
    f.names.register_as(f.b, "other" + std::to_string(x));
    return x * 10 + static_cast<int>(f.names.lookup("3")->value());
  });
  REQUIRE(updated);
  CHECK(updated->value == 23);
  CHECK(f.names.unregister_if(f.a, "3", [&](int) {
    return f.names.unregister(f.a, "4") == size_t{1};
  }) == size_t{1});
  f.names.for_each([&](const names_type::view_type& x) {
    f.names.unregister(x.handle(), x.key());
  });
  CHECK(f.names.count() == 0);
}

TEST_CASE("callbacks may throw") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  auto fail = [](const auto&) -> int { throw std::runtime_error{"no"}; };
  auto fail_bool = [](const auto&) -> bool { throw std::runtime_error{"no"}; };
  CHECK_THROWS_AS(f.names.visit("x", fail), std::runtime_error);
  CHECK_THROWS_AS(f.names.update_value(f.a, "x", fail), std::runtime_error);
  CHECK_THROWS_AS(f.names.unregister_if(f.a, "x", fail_bool),
                  std::runtime_error);
  CHECK_THROWS_AS(f.names.match("x", fail_bool), std::runtime_error);
  CHECK_THROWS_AS(f.names.for_each(fail), std::runtime_error);
  CHECK_THROWS_AS(f.names.select(fail_bool, fail), std::runtime_error);
  CHECK_THROWS_AS(f.names.with_lock("x", [] { throw std::runtime_error{""}; }),
                  std::runtime_error);
  CHECK(f.names.lookup("x")->value() == 1);
  CHECK(f.names.unregister(f.a, "x") == size_t{1});
}

TEST_CASE("callbacks may close the registry") {
  fixture f;
  for (auto i = 0; i < 100; ++i)
    f.names.register_as(f.a, std::to_string(i), i);
  SECTION("during a visit") {
    CHECK(f.names.visit("1", [&](const names_type::view_type& x) {
      f.names.close();
      CHECK(x.value() == 1);
      CHECK(x.handle() == f.a);
    }));
  }
  SECTION("during an update") {
    CHECK(code_of(f.names.update_value(f.a, "1",
                                       [&](int x) {
                                         f.names.close();
                                         return x;
                                       }))
          == "closed");
  }
  SECTION("during a conditional removal") {
    CHECK(code_of(f.names.unregister_if(f.a, "1",
                                        [&](int) {
                                          f.names.close();
                                          return true;
                                        }))
          == "closed");
  }
  SECTION("during an iteration") {
    f.names.for_each([&](const auto&) { f.names.close(); });
  }
  SECTION("during a spawn") {
    auto spawned = f.names.spawn_as("new", 1, [&](caf::event_based_actor*) {
      f.names.close();
      return idle(nullptr);
    });
    if (!spawned)
      CHECK(code_of(spawned) == "closed");
    // The actor's own thread closes.
    CHECK(eventually([&] { return f.names.closed() && !f.names.lookup("1"); }));
    CHECK(eventually([&] { return f.names.holders().empty(); }));
  }
  SECTION("under a lock") {
    CHECK(f.names.with_lock("1", [&] {
      f.names.close();
      return 5;
    }) == 5);
  }
  CHECK(f.names.closed());
  CHECK(f.names.lookup("1").error() == errc::closed);
  CHECK(f.names.holders().empty());
}

TEST_CASE("keys and values may be of any type") {
  world w;
  enum class color {
    red,
    green
  };
  cafreg::unique_registry<color> colors{w.sys};
  cafreg::unique_registry<uint64_t, std::string> numbers{w.sys};
  auto a = w.sys.spawn(idle);
  CHECK(colors.register_as(a, color::red)->inserted);
  CHECK(colors.whereis(color::red) == a);
  CHECK_FALSE(colors.whereis(color::green));
  CHECK(numbers.register_as(a, 5, "five")->inserted);
  CHECK(numbers.lookup(5)->value() == "five");
  auto longer = numbers.update_value(a, 5, [](const std::string& x) {
    return x + std::string(1000, '!');
  });
  REQUIRE(longer);
  CHECK(longer->previous == "five");
  CHECK(numbers.lookup(5)->value().size() == 1004);
  kill(a);
}

TEST_CASE("any value can be attached to a registry") {
  fixture f;
  CHECK(f.names.put_meta("limit", 5));
  CHECK(f.names.meta<int>("limit") == 5);
  CHECK_FALSE(f.names.meta<std::string>("limit"));
  CHECK_FALSE(f.names.meta<int>("other"));
  CHECK(f.names.put_meta("limit", std::string{"none"}));
  CHECK(f.names.meta<std::string>("limit") == "none");
  CHECK(f.names.delete_meta("limit"));
  CHECK_FALSE(f.names.delete_meta("limit"));
  f.names.close();
  CHECK_FALSE(f.names.put_meta("limit", 5));
}

TEST_CASE("a registry tells its numbers") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  f.names.register_as(f.a, "y", 1);
  f.names.register_as(f.b, "z", 1);
  f.names.unregister(f.a, "y");
  for (auto i = 0; i < 10 * 1024; ++i)
    f.names.visit("x", [](const auto&) {});
  auto stats = f.names.stats();
  CHECK(stats.entries == 2);
  CHECK(stats.keys == 2);
  CHECK(stats.registrants == 2);
  CHECK(stats.removals == 1);
  CHECK(stats.cleanups == 0);
  CHECK(stats.lookups >= 9 * 1024);
  CHECK(stats.lookups <= 12 * 1024);
  kill(f.a);
  CHECK(eventually([&] { return f.names.stats().cleanups == 1; }));
  CHECK(f.names.stats().entries == 1);
  CHECK(f.names.stats().registrants == 1);
}

TEST_CASE("a registry says whom it keeps alive") {
  fixture f;
  auto log = std::make_shared<journal>();
  auto listener = spawn_recorder(f.sys, log);
  f.names.register_as(f.a, "x", 1);
  f.names.register_as(f.a, "y", 1);
  CHECK_FALSE(f.names.add_listener(listener));
  f.names.watch("x", f.b);
  f.names.await("none", f.b, 1h);
  f.names.standby("x", f.b);
  std::multiset<std::pair<caf::actor_id, cafreg::holder_role>> seen;
  for (auto& x : f.names.holders()) {
    seen.emplace(x.id, x.role);
    if (x.role == cafreg::holder_role::registrant)
      CHECK(x.entries == 2);
  }
  using role = cafreg::holder_role;
  CHECK(seen
        == decltype(seen){{f.a.id(), role::registrant},
                          {listener.id(), role::listener},
                          {f.b.id(), role::watcher},
                          {f.b.id(), role::waiter},
                          {f.b.id(), role::standby}});
  f.names.close();
  CHECK(f.names.holders().empty());
}

TEST_CASE("a registry refuses options that make no sense") {
  world w;
  for (auto bad : {size_t{0}, cafreg::max_partitions + 1, size_t{10'000}})
    CHECK_THROWS_AS((names_type{w.sys, {.partitions = bad}}),
                    std::invalid_argument);
  CHECK_THROWS_AS((names_type{w.sys, {.listeners = {caf::actor{}}}}),
                  std::invalid_argument);
  caf::actor_system_config unprepared;
  caf::actor_system sys{unprepared};
  CHECK_THROWS_AS(names_type{sys}, std::invalid_argument);
}

TEST_CASE("several keepers share the work") {
  world w;
  names_type names{w.sys, {.partitions = 4}};
  for (auto i = 0; i < 40; ++i) {
    auto who = w.sys.spawn(idle);
    names.register_as(who, std::to_string(i));
  }
  CHECK(names.count() == 40);
  names.for_each([](const names_type::view_type& x) { kill(x.handle()); });
  CHECK(eventually([&] { return names.stats().cleanups == 40; }));
  CHECK(names.count() == 0);
}

} // namespace unique_basic_test
