// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "topics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace topic_races_test {

using namespace topics;

namespace {

// Shared by the threads below.
struct arena {
  static constexpr size_t num_stable = 300;

  arena() {
    token::reset();
    for (size_t i = 0; i < num_stable; ++i) {
      auto& x = stable[i];
      x.id = i + 1;
      x.pos = uut.add(token{&x});
    }
  }

  static void empty(std::vector<token>& trash, std::atomic<int64_t>& handed) {
    for (auto& x : trash) {
      // A payload that was handed over twice would be empty here.
      if (x.consume() == 0)
        abort_test();
      ++handed;
    }
    trash.clear();
  }

  // Catch2's assertions belong to the main thread.
  [[noreturn]] static void abort_test() {
    std::terminate();
  }

  void write(uint32_t seed, uint32_t rounds) {
    std::mt19937 rng{seed};
    std::vector<token> trash;
    std::vector<std::unique_ptr<record>> mine;
    uint64_t next_id = uint64_t{seed} << 32;
    for (uint32_t round = 0; round < rounds; ++round) {
      auto burst = 1 + rng() % 400;
      for (size_t i = 0; i < burst; ++i) {
        auto& x = *mine.emplace_back(std::make_unique<record>());
        x.id = ++next_id;
        token y{&x};
        std::lock_guard guard{mutex};
        x.pos = uut.add(std::move(y));
        ++added;
      }
      std::shuffle(mine.begin(), mine.end(), rng);
      auto rest = rng() % 20;
      while (mine.size() > rest) {
        {
          std::lock_guard guard{mutex};
          uut.remove(mine.back()->pos, trash, fix);
        }
        // The record dies only when nobody can come across it: payloads of
        // open snapshots refer to it but do not look at it.
        mine.pop_back();
        empty(trash, handed);
      }
    }
    for (auto& x : mine) {
      std::lock_guard guard{mutex};
      uut.remove(x->pos, trash, fix);
    }
    empty(trash, handed);
  }

  void visit(const token& x, std::vector<uint64_t>& seen) {
    auto id = x.id();
    if (id == 0 || id == token::poison)
      ++failures;
    seen.push_back(id);
  }

  void walk(const token_topic::snapshot& cut, bool as_range,
            std::vector<uint64_t>& seen) {
    seen.clear();
    if (as_range) {
      for (auto& x : uut.range(cut))
        visit(x, seen);
    } else {
      uut.for_each(cut, [&](const token& x) { visit(x, seen); });
    }
    if (seen.size() != cut.size())
      ++failures;
    std::sort(seen.begin(), seen.end());
    if (std::adjacent_find(seen.begin(), seen.end()) != seen.end())
      ++failures;
    // The stable ones have the lowest ids.
    if (seen.size() < num_stable || seen[0] != 1
        || seen[num_stable - 1] != num_stable)
      ++failures;
  }

  void read(uint32_t seed, size_t at_least) {
    std::mt19937 rng{seed};
    std::vector<token> trash;
    std::vector<uint64_t> first;
    std::vector<uint64_t> again;
    while (writers != 0 || at_least > 0) {
      if (at_least > 0)
        --at_least;
      token_topic::snapshot cut;
      {
        std::lock_guard guard{mutex};
        uut.open(cut);
      }
      walk(cut, rng() % 2 == 0, first);
      // Some snapshots stay long, and always tell the same.
      for (auto n = rng() % 8 == 0 ? 30 : rng() % 2; n > 0; --n) {
        walk(cut, rng() % 2 == 0, again);
        if (first != again)
          ++failures;
      }
      auto more = false;
      {
        std::lock_guard guard{mutex};
        more = uut.close(cut, trash, fix);
      }
      empty(trash, handed);
      while (more && rng() % 16 != 0) {
        {
          std::lock_guard guard{mutex};
          more = uut.reclaim(trash, fix, 16);
        }
        empty(trash, handed);
      }
    }
  }

  std::mutex mutex;
  std::array<record, num_stable> stable;
  topic<token, test_allocator<token>> uut;
  std::atomic<int64_t> added{num_stable};
  std::atomic<int64_t> handed{0};
  std::atomic<int> writers{0};
  std::atomic<int> failures{0};
};

} // namespace

TEST_CASE("readers walk snapshots beside writers") {
  arena x;
  x.writers = 2;
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= 2; ++seed)
    threads.emplace_back([&x, seed] {
      x.write(seed, 60);
      --x.writers;
    });
  for (uint32_t seed = 3; seed <= 5; ++seed)
    threads.emplace_back([&x, seed] { x.read(seed, 50); });
  for (auto& t : threads)
    t.join();
  CHECK(x.failures == 0);
  std::vector<token> trash;
  while (x.uut.reclaim(trash, fix, 100)) {
    // nop
  }
  CHECK(x.uut.size() == arena::num_stable);
  CHECK(x.uut.capacity_end() <= 3 * arena::num_stable + 16);
  for (auto& y : x.stable)
    CHECK(x.uut.at(y.pos).id() == y.id);
  x.uut.clear(trash);
  arena::empty(trash, x.handed);
  CHECK(x.uut.vacant());
  CHECK(x.handed == x.added + token::copies);
  CHECK(token::dropped == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("a walk passes slots that are filled again under its feet") {
  fixture f;
  f.add(7);
  // Holes in front of one live entry: the first of them is filled and vacated
  // all the time, for the snapshot never has what is in it.
  for (auto i = 0u; i < 6; ++i)
    f.remove(f.records[i]);
  CHECK(f.handed() == iota(1, 6));
  REQUIRE(f.uut.capacity_end() == 7);
  snapshot s;
  f.open(s);
  std::atomic<bool> done{false};
  std::atomic<int> walks{0};
  std::atomic<int> failures{0};
  std::thread reader{[&] {
    while (!done) {
      auto n = 0;
      f.uut.for_each(s, [&](const token& x) {
        ++n;
        if (x.id() != 7)
          ++failures;
      });
      if (n != 1)
        ++failures;
      ++walks;
    }
  }};
  record r;
  r.id = 8;
  auto rounds = 0;
  for (; rounds < 200'000 || walks < 1000; ++rounds) {
    r.pos = f.uut.add(token{&r});
    f.remove(r);
    if (f.trash.size() != 1 || f.trash.back().consume() != 8)
      ++failures;
    f.trash.clear();
  }
  done = true;
  reader.join();
  CHECK(failures == 0);
  CHECK(f.uut.capacity_end() == 7);
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == ids{7});
  CHECK(token::dropped == 0);
}

} // namespace topic_races_test
