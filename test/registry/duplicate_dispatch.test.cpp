// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/duplicate_registry.hpp"

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace duplicate_dispatch_test {

using namespace caf_test;
using namespace std::literals;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

using view = topics_type::view_type;

struct fixture : world {
  explicit fixture(size_t partitions = 2, size_t num_actors = 8)
    : topics(sys, {.name = "topics", .partitions = partitions}) {
    for (size_t i = 0; i < num_actors; ++i)
      actors.push_back(sys.spawn(idle));
  }

  ~fixture() {
    topics.close();
    for (auto& x : actors)
      kill(x);
  }

  // Registers each actor once.
  void fill(std::string_view key) {
    for (size_t i = 0; i < actors.size(); ++i)
      topics.register_as(actors[i], key, static_cast<int>(i));
  }

  topics_type topics;
  std::vector<caf::actor> actors;
};

// An actor that counts the numbers it gets.
caf::actor spawn_counter(caf::actor_system& sys,
                         std::shared_ptr<std::atomic<int>> sum) {
  return sys.spawn([sum](caf::event_based_actor*) -> caf::behavior {
    return {[sum](int x) { *sum += x; }};
  });
}

} // namespace

TEST_CASE("a dispatch shows each entry once, in partitions that have some") {
  auto partitions = GENERATE(size_t{1}, size_t{2}, size_t{5});
  fixture f{partitions, 40};
  f.fill("x");
  size_t calls = 0;
  std::vector<int> seen;
  auto count = f.topics.dispatch("x", [&](auto entries) {
    ++calls;
    REQUIRE_FALSE(entries.empty());
    CHECK(entries.key() == "x");
    size_t n = 0;
    for (const auto& x : entries) {
      seen.push_back(x.value());
      ++n;
    }
    CHECK(n == entries.size());
    // The same again.
    for (auto& x : entries)
      n -= x.value() >= 0 ? 1 : 0;
    CHECK(n == 0);
    auto pos = entries.begin();
    auto first = pos++;
    CHECK(first == entries.begin());
    CHECK(pos != first);
    CHECK(first->value() == (*first).value());
  });
  CHECK(count == 40);
  CHECK(calls <= partitions);
  CHECK((partitions == 1 || calls > 1));
  std::sort(seen.begin(), seen.end());
  for (auto i = 0; i < 40; ++i)
    CHECK(seen[static_cast<size_t>(i)] == i);
  CHECK(f.topics.dispatch("y", [](auto) { FAIL(); }) == 0);
}

TEST_CASE("a message is published to every entry") {
  fixture f;
  auto sum = std::make_shared<std::atomic<int>>(0);
  auto a = spawn_counter(f.sys, sum);
  auto b = spawn_counter(f.sys, sum);
  f.topics.register_as(a, "x", 1);
  f.topics.register_as(a, "x", 1);
  f.topics.register_as(b, "x", 9);
  CHECK(f.topics.publish("x", 5) == 3);
  CHECK(eventually([&] { return *sum == 15; }));
  CHECK(f.topics.publish_message("x", caf::make_message(1)) == 3);
  CHECK(f.topics.publish("y", 5) == 0);
  f.topics.dispatch("x", [](auto entries) {
    for (auto& x : entries)
      if (x.value() > 5)
        x.send(100);
  });
  CHECK(eventually([&] { return *sum == 118; }));
  kill(a);
  kill(b);
}

TEST_CASE("partitions are dispatched to at the same time") {
  fixture f{4, 64};
  f.fill("x");
  // Nobody gets on before all are there.
  size_t expected = 0;
  f.topics.dispatch("x", [&](auto) { ++expected; });
  REQUIRE(expected > 1);
  gate all;
  std::mutex mutex;
  std::vector<int> seen;
  std::vector<std::thread::id> threads;
  auto count = f.topics.dispatch(
    "x",
    [&](auto entries) {
      {
        std::lock_guard guard{mutex};
        threads.push_back(std::this_thread::get_id());
        for (auto& x : entries)
          seen.push_back(x.value());
        if (threads.size() == expected)
          all.open();
      }
      all.pass();
    },
    cafreg::parallel);
  CHECK(count == 64);
  CHECK(seen.size() == 64);
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
  CHECK(threads.size() == expected);
  CHECK(std::count(threads.begin(), threads.end(), std::this_thread::get_id())
        == 1);
  SECTION("the first exception reaches the caller, after all have ended") {
    std::atomic<size_t> ended{0};
    auto fail = [&](auto entries) {
      for (auto& x : entries)
        f.topics.unregister(x.handle(), x.key());
      ++ended;
      throw std::runtime_error{"no"};
    };
    CHECK_THROWS_AS(f.topics.dispatch("x", fail, cafreg::parallel),
                    std::runtime_error);
    CHECK(ended == expected);
    CHECK(f.topics.count() == 0);
    CHECK(f.topics.stats().keys == 0);
  }
  SECTION("no thread may wait where the caller may not") {
    std::atomic<size_t> refused{0};
    run_in_actor(f.sys, [&](caf::event_based_actor*) {
      f.topics.dispatch(
        "x",
        [&](auto) {
          if (code_of(f.topics.await("y", 1h)) == "would_block")
            ++refused;
        },
        cafreg::parallel);
    });
    CHECK(refused == expected);
  }
}

TEST_CASE("callbacks may use, close and throw at the same registry") {
  fixture f{1, 8};
  f.fill("x");
  SECTION("change what they look at") {
    auto n = 0;
    f.topics.visit("x", [&](const view& x) {
      ++n;
      auto who = x.handle();
      CHECK(f.topics.unregister(who, "x") == 1u);
      CHECK(f.topics.register_as(who, "x", 100));
      CHECK(f.topics.register_as(who, "y", 100));
      CHECK(f.topics.values("x", who) == std::vector<int>{100});
    });
    CHECK(n == 8);
    CHECK(f.topics.count("x") == 8);
    CHECK(f.topics.count("y") == 8);
  }
  SECTION("dispatch within a dispatch") {
    auto n = 0;
    f.topics.visit("x", [&](const view&) {
      f.topics.visit("x", [&](const view& x) {
        ++n;
        f.topics.unregister(x.handle(), "x");
      });
    });
    CHECK(n == 8);
    CHECK(f.topics.count() == 0);
  }
  SECTION("throw") {
    CHECK_THROWS_AS(f.topics.dispatch("x",
                                      [&](auto entries) {
                                        f.topics.unregister(
                                          entries.begin()->handle(), "x");
                                        throw std::runtime_error{"no"};
                                      }),
                    std::runtime_error);
    CHECK(f.topics.count("x") == 7);
    CHECK_THROWS_AS(
      f.topics.for_each([](const view&) { throw std::runtime_error{"no"}; }),
      std::runtime_error);
    CHECK_THROWS_AS(
      f.topics.match("x", [](int) -> bool { throw std::runtime_error{"no"}; }),
      std::runtime_error);
    CHECK(f.topics.unregister_all(f.actors[3]).value() + f.topics.count("x")
          == 7);
    f.topics.close();
    CHECK(f.topics.holders().empty());
  }
  SECTION("close") {
    auto n = 0;
    f.topics.for_each([&](const view&) {
      ++n;
      f.topics.close();
    });
    CHECK(n == 8); // it had them all in view
    CHECK(f.topics.count() == 0);
  }
  SECTION("close from a predicate") {
    auto removed = f.topics.unregister_if(f.actors[0], "x", [&](int) {
      f.topics.close();
      return true;
    });
    CHECK(removed == 0u);
  }
}

TEST_CASE("an actor that dies during a dispatch is still in it") {
  fixture f{1, 2};
  f.fill("x");
  f.topics.dispatch("x", [&](auto entries) {
    REQUIRE(kill_and_wait(f.actors[0]));
    CHECK(eventually([&] { return f.topics.count("x") == 1; }));
    std::map<int, bool> alive;
    for (auto& x : entries) {
      alive[x.value()] = x.alive();
      x.send(1);
    }
    CHECK(alive == std::map<int, bool>{{0, false}, {1, true}});
  });
}

TEST_CASE("a topic of 100,000 entries changes while it is dispatched") {
  constexpr size_t num_actors = 100;
  const auto num_entries = effort(100'000, 20'000);
  fixture f{1, num_actors};
  for (size_t i = 0; i < num_entries; ++i)
    f.topics.register_as(f.actors[i % num_actors], "x", static_cast<int>(i));
  size_t changes = 0;
  std::vector<char> seen(num_entries);
  auto wrong = 0;
  auto other = f.sys.spawn(idle);
  auto count = f.topics.dispatch("x", [&](auto entries) {
    for (auto& x : entries) {
      if (x.value() < 0 || seen[static_cast<size_t>(x.value())]++ != 0)
        ++wrong;
      // A writer's turn: neither waits for the other.
      if (++changes % 1000 == 0) {
        f.topics.register_as(other, "x", -1);
        if (changes % 2000 == 0)
          f.topics.unregister(other, "x");
        else
          f.topics.unregister(f.actors[changes / 1000 % num_actors], "x");
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(count == num_entries);
  CHECK(std::count(seen.begin(), seen.end(), 1)
        == static_cast<std::ptrdiff_t>(num_entries));
  for (auto& x : f.actors)
    f.topics.unregister(x, "x");
  f.topics.unregister(other, "x");
  CHECK(f.topics.count() == 0);
  CHECK(f.topics.stats().keys == 0);
  kill(other);
}

TEST_CASE("stable entries are dispatched to exactly once beside writers") {
  fixture f{GENERATE(size_t{1}, size_t{2}), 32};
  f.fill("x");
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (auto seed : {1u, 2u})
    writers.emplace_back([&, seed] {
      std::mt19937 random{seed};
      auto mine = f.sys.spawn(idle);
      for (auto round = 0; !stop; ++round) {
        for (auto i = random() % 5; i > 0; --i)
          f.topics.register_as(mine, "x", -1);
        f.topics.unregister_if(mine, "x", [&](int) { return random() % 2; });
        if (round % 64 == 0) {
          kill(mine); // with what it has
          mine = f.sys.spawn(idle);
        }
      }
      kill(mine);
    });
  std::atomic<int> wrong{0};
  auto check = [&](auto&& dispatch) {
    for (size_t round = 0; round < effort(300, 100); ++round) {
      std::array<std::atomic<int>, 32> seen{};
      dispatch([&](auto entries) {
        for (auto& x : entries)
          if (x.value() >= 0)
            ++seen[static_cast<size_t>(x.value())];
      });
      for (auto& x : seen)
        wrong += x == 1 ? 0 : 1;
    }
  };
  check([&](auto fn) { f.topics.dispatch("x", fn); });
  check([&](auto fn) { f.topics.dispatch("x", fn, cafreg::parallel); });
  stop = true;
  for (auto& x : writers)
    x.join();
  CHECK(wrong == 0);
  CHECK(eventually([&] { return f.topics.count() == 32; }));
}

TEST_CASE("close stands against everything at once") {
  for (size_t round = 0; round < effort(60, 20); ++round) {
    world w;
    auto log = std::make_shared<journal>();
    auto listener = spawn_recorder(w.sys, log);
    topics_type topics{w.sys,
                       {.partitions = 1 + round % 2, .listeners = {listener}}};
    std::vector<caf::actor> actors(8);
    for (auto& x : actors)
      x = w.sys.spawn(idle);
    std::atomic<size_t> started{0};
    std::thread closer{[&] {
      while (started < 3)
        std::this_thread::yield();
      topics.close();
    }};
    in_threads(3, [&](size_t thread) {
      std::mt19937 random{static_cast<unsigned>(round * 3 + thread)};
      ++started;
      for (auto closed = false; !closed;) {
        auto& who = actors[random() % actors.size()];
        auto key = std::to_string(random() % 3);
        switch (random() % 9) {
          case 0:
            topics.unregister(who, key);
            break;
          case 1:
            topics.unregister_all(who);
            break;
          case 2:
            topics.publish(key, 1);
            break;
          case 3:
            topics.dispatch(
              key, [](auto) {}, cafreg::parallel);
            break;
          case 4:
            std::ignore = topics.stats();
            std::ignore = topics.keys(who);
            break;
          case 5:
            topics.await(key, listener, 1h);
            break;
          default:
            closed = code_of(topics.register_as(who, key, 1)) == "closed";
        }
      }
    });
    closer.join();
    CHECK(topics.count() == 0);
    CHECK(topics.holders().empty());
    CHECK(eventually([&] {
      auto awaited = 0u;
      for (auto& x : log->events())
        awaited += x.what == event::kind::awaited;
      return topics.stats().events + awaited == log->size();
    }));
    std::map<std::pair<std::string, caf::actor_id>, int> balance;
    for (auto& x : log->events())
      if (x.what == event::kind::registered)
        ++balance[{x.key, x.holder}];
      else if (x.what == event::kind::unregistered)
        --balance[{x.key, x.holder}];
    for (auto& [what, n] : balance)
      CHECK(n == 0);
    for (auto& x : actors)
      kill(x);
    kill(listener);
  }
}

TEST_CASE("a crowd of registrants dies, and a key's other entries stay") {
  fixture f{2, 1};
  f.fill("x");
  std::vector<caf::actor> crowd;
  for (size_t i = 0; i < effort(2000, 500); ++i) {
    crowd.push_back(f.sys.spawn(idle));
    f.topics.register_as(crowd.back(), "x", 1);
    f.topics.register_as(crowd.back(), "own " + std::to_string(i), 1);
  }
  auto watching = std::thread{[&] {
    for (auto round = 0; round < 50; ++round)
      f.topics.visit("x", [](const view& x) { x.send(1); });
  }};
  for (auto& x : crowd)
    kill(x);
  CHECK(eventually([&] { return f.topics.count() == 1; }));
  watching.join();
  CHECK(f.topics.stats().keys == 1);
  CHECK(f.topics.stats().registrants == 1);
}

} // namespace duplicate_dispatch_test
