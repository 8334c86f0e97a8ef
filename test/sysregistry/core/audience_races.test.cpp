// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "audiences.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <mutex>
#include <random>
#include <thread>

#include "registry/effort.hpp"

namespace audience_races_test {

using namespace audiences;

TEST_CASE("an audience is attentive while somebody rests") {
  fixture f;
  CHECK_FALSE(f.uut.attentive());
  auto id = f.add(1, "a", slow);
  CHECK(f.uut.attentive());
  f.add(2, "b", slow);
  f.set("a", 1, at(0s));
  CHECK(f.uut.attentive()); // b
  f.set("b", 1, at(0s));
  CHECK_FALSE(f.uut.attentive());
  f.expire(at(50ms));
  CHECK_FALSE(f.uut.attentive());
  f.uut.remove_all(2);
  f.expire(at(2s));
  CHECK(f.uut.attentive());
  f.uut.remove(id);
  CHECK_FALSE(f.uut.attentive());
}

// What a writer does while the keeper looks, and cannot be seen by that look.
TEST_CASE("a commit right after a look is told") {
  fixture f;
  // They become idle one after the other, long after the only look.
  for (auto i = 1; i <= 3; ++i)
    f.add(i, "a", {.limits = {1s, duration{i}}});
  f.set("a", 1, at(0s));
  f.set("a", 0, at(0s)); // nothing to deliver
  auto looks = 0;
  auto noticed = false;
  f.uut.expire(
    at(1s),
    [&](const path&) {
      ++looks;
      auto seen = std::exchange(f.states["a"], 2);
      noticed = f.uut.attentive();
      return seen;
    },
    [](auto&&...) { FAIL("nothing changed"); });
  CHECK(looks == 1);
  REQUIRE(noticed);
  f.uut.changed(path("a"), at(1s)); // when it gets the lock
  f.expire(at(2s));
  CHECK(f.arrived == arrivals{{1, "a", 2}, {2, "a", 2}, {3, "a", 2}});
}

TEST_CASE("a commit right after the look of a new subscriber is told") {
  fixture f;
  auto noticed = false;
  f.uut.add("a", slow, 1, [&](const path&) {
    auto seen = std::exchange(f.states["a"], 2);
    noticed = f.uut.attentive();
    return seen;
  });
  REQUIRE(noticed);
  f.uut.changed(path("a"), at(1s));
  f.expire(at(2s));
  CHECK(f.arrived == arrivals{{1, "a", 2}});
}

namespace {

constexpr size_t num_cells = 2;

// Cells that writers count up, and subscribers to one cell or to all.
struct arena {
  using audience_type = cafreg::detail::audience<int, int>;

  int present(const path& where) {
    std::lock_guard guard{state_mutex};
    if (where.size() == 1)
      return cells[0] + cells[1];
    return cells[where[1] == "0" ? 0 : 1];
  }

  int look(const path& where) {
    auto result = present(where);
    std::this_thread::yield(); // now a writer comes
    return result;
  }

  void write(size_t i) {
    {
      std::lock_guard guard{state_mutex};
      ++cells[i];
    }
    if (!uut.attentive())
      return;
    std::lock_guard guard{lock};
    uut.changed(path{"s", i == 0 ? "0" : "1"}, now);
  }

  void subscribe(int who, const path& where, const settings& how) {
    std::lock_guard guard{lock};
    auto x = uut.add(where, how, who,
                     [this](const path& scope) { return look(scope); });
    last[x.id] = x.state;
    expected[x.id] = where;
  }

  void unsubscribe(int who) {
    std::lock_guard guard{lock};
    uut.remove_all(who).for_each([this](uint64_t id, int) {
      last.erase(id);
      expected.erase(id);
    });
  }

  // Returns whether there is more to do later.
  bool expire() {
    std::lock_guard guard{lock};
    now += audiences::time_point::duration{1}; // libc++ 14 has no ++
    return uut.expire(
             now, [this](const path& where) { return look(where); },
             [this](const path&, int x, auto members) {
               for (auto& member : members) {
                 auto pos = last.find(member.id);
                 ordered = ordered && pos != last.end() && pos->second < x;
                 last[member.id] = x;
               }
             })
           != never;
  }

  std::mutex lock;
  std::mutex state_mutex;
  std::array<int, num_cells> cells{};
  audience_type uut;
  time_point now = at(0s);
  std::map<uint64_t, int> last;
  std::map<uint64_t, path> expected;
  bool ordered = true;
};

} // namespace

// In each round nobody rests, so that writers have nothing to tell, until their
// last change meets a keeper that finds nothing to deliver, or a new
// subscriber.
TEST_CASE("no last change is lost") {
  arena a;
  constexpr settings early{{8ns, 0ns}, false};
  constexpr settings late{{9ns, 2ns}, false};
  auto who = 0;
  for (auto& how : {early, late})
    for (auto& where : {path{"s"}, path{"s", "0"}, path{"s", "1"}})
      a.subscribe(++who, where, how);
  auto rounds = effort(4'000, 1'000);
  std::barrier sync{1 + num_cells};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < num_cells; ++i)
    threads.emplace_back([&, i] {
      std::mt19937 rng{static_cast<uint32_t>(i)};
      for (size_t round = 0; round < rounds; ++round) {
        sync.arrive_and_wait();
        for (auto n = rng() % 8; n > 0; --n)
          std::this_thread::yield();
        a.write(i);
        sync.arrive_and_wait();
      }
    });
  std::mt19937 rng{4711};
  size_t lost = 0;
  size_t restful = 0;
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < num_cells; ++i)
      a.write(i);
    for (auto n = 0; n < 4; ++n)
      a.expire();
    if (a.uut.attentive())
      ++restful;
    sync.arrive_and_wait();
    if (rng() % 4 == 0)
      a.subscribe(99, {"s", "1"}, early);
    for (auto n = 0; n < 10; ++n)
      a.expire();
    sync.arrive_and_wait();
    while (a.expire()) {
      // until everybody rests
    }
    for (auto& [id, where] : a.expected)
      if (a.last[id] != a.present(where))
        ++lost;
    a.unsubscribe(99);
  }
  for (auto& x : threads)
    x.join();
  CHECK(lost == 0);
  CHECK(a.ordered);
  CHECK(restful == 0);
}

} // namespace audience_races_test
