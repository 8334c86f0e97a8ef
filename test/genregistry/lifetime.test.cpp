// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "catch.hpp"

#include <array>
#include <random>

namespace lifetime_test {

using namespace gen_test;

using cafreg::errc;

TEST_CASE("a worker that was killed is never handed out again") {
  world w;
  cafreg::gen_registry<int> workers{w.sys, {}, idle};
  for (auto i = 0; i < 1000; ++i) {
    auto who = workers.lookup_or_start(i % 7);
    REQUIRE(who);
    REQUIRE(kill_and_wait(*who));
    auto next = workers.lookup_or_start(i % 7);
    REQUIRE(next);
    REQUIRE(*next != *who);
  }
}

TEST_CASE("workers killed while others ask for them") {
  // At every moment an id has one living worker at most; none is leaked, none
  // started twice.
  world w;
  constexpr size_t ids = 1000;
  const size_t kills = effort(100'000, 5'000);
  std::array<place, ids> places;
  auto all = std::make_shared<census>();
  std::atomic<int> failed{0};
  std::atomic<size_t> asked{0};
  uint64_t starts = 0;
  {
    cafreg::gen_registry<size_t> workers{
      w.sys, {}, [&](caf::actor_system& sys, size_t id) {
        return places[id].settle(sys, all);
      }};
    std::atomic<bool> over{false};
    std::vector<std::thread> callers;
    for (unsigned t = 0; t < 2; ++t)
      callers.emplace_back([&, t] {
        std::mt19937 rng{t};
        while (!over) {
          if (!workers.lookup_or_start(rng() % ids))
            ++failed;
          ++asked;
        }
      });
    std::mt19937 rng{4711};
    while (static_cast<size_t>(all->gone) < kills)
      if (auto who = workers.whereis(rng() % ids))
        kill(*who);
    over = true;
    for (auto& x : callers)
      x.join();
    starts = workers.stats().starts;
  }
  CHECK(failed == 0);
  CHECK(asked > kills);
  for (auto& x : places)
    REQUIRE_FALSE(x.crowded());
  CHECK(eventually([&] { return all->living() == 0; }));
  // Some may have been killed before their first message.
  CHECK(static_cast<uint64_t>(all->born) <= starts);
}

TEST_CASE("workers die on their own in crowds") {
  world w;
  auto all = std::make_shared<census>();
  const auto count = static_cast<int>(effort(20'000, 2'000));
  cafreg::gen_registry<int> workers{w.sys, {}, counted(all)};
  for (auto i = 0; i < count; ++i)
    REQUIRE(workers.lookup_or_start(i));
  workers.for_each([](const auto& x) { kill(x.handle()); });
  CHECK(eventually([&] { return workers.count() == 0; }));
  CHECK(eventually([&] { return all->living() == 0; }));
  CHECK(workers.stats().starts == static_cast<uint64_t>(count));
}

} // namespace lifetime_test
