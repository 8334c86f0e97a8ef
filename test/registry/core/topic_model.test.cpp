// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "topics.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace topic_model_test {

using namespace topics;

namespace {

// Does random things to a topic and to a set of ids.
struct model : fixture {
  explicit model(uint32_t seed) : rng(seed) {
    // nop
  }

  struct reader {
    snapshot cut;
    ids expected;
  };

  size_t pick(size_t n) {
    return std::uniform_int_distribution<size_t>{0, n - 1}(rng);
  }

  bool chance(unsigned percent) {
    return pick(100) < percent;
  }

  void add_one() {
    auto& x = add();
    live.push_back(&x);
  }

  void remove_one() {
    auto i = pick(live.size());
    // Mostly at random, sometimes the newest or the oldest.
    if (chance(10))
      i = chance(50) ? 0 : live.size() - 1;
    auto* x = live[i];
    live[i] = live.back();
    live.pop_back();
    remove(*x);
  }

  void open_one() {
    auto& x = *readers.emplace_back(std::make_unique<reader>());
    for (auto* y : live)
      x.expected.push_back(y->id);
    std::sort(x.expected.begin(), x.expected.end());
    open(x.cut);
  }

  void close_one() {
    auto i = pick(readers.size());
    std::swap(readers[i], readers.back());
    check(*readers.back());
    std::ignore = close(readers.back()->cut);
    readers.pop_back();
  }

  void check(const reader& x) {
    REQUIRE(x.cut.size() == x.expected.size());
    REQUIRE(walk(x.cut) == x.expected);
    REQUIRE(range(x.cut) == x.expected);
  }

  void check() {
    REQUIRE(uut.size() == live.size());
    for (auto* x : live) {
      REQUIRE(x->pos < uut.capacity_end());
      REQUIRE(uut.at(x->pos).id() == x->id);
      REQUIRE(uut.at(x->pos).owner() == x);
    }
    for (auto& x : readers)
      check(*x);
    for (auto id : handed())
      ++given[id];
  }

  void finish() {
    while (!readers.empty())
      close_one();
    reclaim();
    check();
    REQUIRE(uut.capacity_end() <= 3 * live.size() + 16);
    uut.clear(trash);
    for (auto id : handed())
      ++given[id];
    int64_t total = 0;
    for (auto& x : records) {
      REQUIRE(given[x.id] >= 1);
      total += given[x.id];
    }
    // Each payload and each copy exactly once.
    REQUIRE(given.size() == records.size());
    REQUIRE(total == static_cast<int64_t>(records.size()) + token::copies);
    REQUIRE(token::dropped == 0);
    REQUIRE(uut.vacant());
    REQUIRE(memory::blocks == 0);
  }

  std::mt19937 rng;
  std::vector<record*> live;
  std::vector<std::unique_ptr<reader>> readers;
  std::unordered_map<uint64_t, int64_t> given;
};

} // namespace

TEST_CASE("snapshots agree with a model") {
  int64_t copies = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    model m{seed};
    size_t peak = seed % 3 == 0 ? 8 : (seed % 3 == 1 ? 60 : 400);
    size_t max_readers = seed % 4 == 0 ? 1 : (seed % 4 == 1 ? 3 : 12);
    auto failing = seed % 5 == 0;
    // Grows and shrinks in turns, so that compaction has work.
    for (auto round = 0; round < 8; ++round) {
      auto grow = round % 2 == 0;
      auto target = grow ? peak : peak / 20;
      for (size_t i = 0; i < 3 * peak; ++i) {
        if (failing)
          token::copy_budget = static_cast<int64_t>(m.pick(3));
        auto up = m.live.size() < target;
        if (m.live.empty() || m.chance(up ? 75 : 25))
          m.add_one();
        else
          m.remove_one();
        if (m.chance(10)) {
          if (m.readers.size() < max_readers && m.chance(50))
            m.open_one();
          else if (!m.readers.empty())
            m.close_one();
        }
        if (m.chance(5))
          std::ignore = m.uut.reclaim(m.trash, fix,
                                      static_cast<uint32_t>(m.pick(20)));
        if (m.chance(2))
          m.check();
      }
      m.check();
    }
    token::copy_budget = -1;
    m.finish();
    copies += token::copies;
  }
  // Otherwise the seeds have missed what they are there for.
  CHECK(copies > 100);
}

TEST_CASE("a model without snapshots never copies and stays dense") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    model m{seed};
    for (auto i = 0; i < 3000; ++i) {
      auto up = (i / 500) % 2 == 0;
      if (m.live.empty() || m.chance(up ? 80 : 20))
        m.add_one();
      else
        m.remove_one();
      REQUIRE(m.uut.capacity_end() <= 3 * m.live.size() + 16);
    }
    CHECK(token::copies == 0);
    m.finish();
  }
}

} // namespace topic_model_test
