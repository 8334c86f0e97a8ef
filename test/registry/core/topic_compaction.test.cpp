// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "topics.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <tuple>
#include <vector>

namespace topic_compaction_test {

using namespace topics;

TEST_CASE("slots stay proportional to entries without snapshots") {
  fixture f;
  f.add(20000);
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  auto peak = memory::bytes;
  SECTION("removing at random") {
    std::shuffle(order.begin(), order.end(), std::mt19937{1});
  }
  SECTION("removing the oldest first") {
    // nop
  }
  SECTION("removing the newest first") {
    std::reverse(order.begin(), order.end());
  }
  while (order.size() > 200) {
    f.remove(*order.back());
    order.pop_back();
    if (f.uut.capacity_end() > 3 * f.uut.size() + 16)
      FAIL(f.uut.capacity_end() << " slots for " << f.uut.size());
  }
  CHECK(token::copies == 0);
  CHECK(memory::bytes < peak / 25);
  for (auto* x : order)
    REQUIRE(f.uut.at(x->pos).id() == x->id);
  while (!order.empty()) {
    f.remove(*order.back());
    order.pop_back();
  }
  CHECK(f.handed() == iota(1, 20000));
  CHECK(f.uut.capacity_end() == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("slots become proportional to entries after a long snapshot") {
  fixture f;
  f.add(10000);
  snapshot s;
  f.open(s);
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  std::shuffle(order.begin(), order.end(), std::mt19937{2});
  while (order.size() > 100) {
    f.remove(*order.back());
    order.pop_back();
  }
  CHECK(f.walk(s) == iota(1, 10000));
  CHECK(f.uut.capacity_end() == 10000);
  std::ignore = f.close(s);
  SECTION("by reclaiming") {
    f.reclaim();
  }
  SECTION("by later changes") {
    for (auto i = 0; i < 10000; ++i)
      f.remove(f.add());
  }
  CHECK(f.uut.size() == 100);
  CHECK(f.uut.capacity_end() <= 3 * 100 + 16);
  CHECK(memory::bytes < 300 * 2 * 64);
  for (auto* x : order)
    REQUIRE(f.uut.at(x->pos).id() == x->id);
  f.uut.clear(f.trash);
}

TEST_CASE("compaction makes progress though some snapshot is always open") {
  fixture f;
  f.add(4096);
  std::array<snapshot, 2> s;
  f.open(s[0]);
  auto n = 0u;
  std::mt19937 rng{3};
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  std::shuffle(order.begin(), order.end(), rng);
  while (order.size() > 50) {
    f.remove(*order.back());
    order.pop_back();
    if (rng() % 64 == 0) {
      f.open(s[++n % 2]);
      std::ignore = f.close(s[(n + 1) % 2]);
    }
  }
  for (auto i = 0; i < 40; ++i) {
    f.open(s[++n % 2]);
    std::ignore = f.close(s[(n + 1) % 2]);
    f.reclaim();
    CHECK(f.walk(s[n % 2]).size() == 50);
  }
  CHECK(f.uut.capacity_end() <= 3 * 50 + 16);
  // Entries that a snapshot had were copied, and all copies were handed over.
  CHECK(token::copies > 0);
  CHECK_FALSE(f.close(s[n % 2]));
  f.uut.clear(f.trash);
  CHECK(f.handed().size() == 4096u + static_cast<size_t>(token::copies));
  CHECK(token::dropped == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("entries go back and forth over a border without allocating") {
  fixture f;
  f.add(127);
  std::ignore = f.add();
  auto bytes = memory::bytes;
  memory::budget = 0;
  for (auto i = 0; i < 100; ++i) {
    f.remove(f.records.back());
    CHECK(f.uut.capacity_end() == 127);
    std::ignore = f.add();
    CHECK(memory::bytes == bytes);
  }
  memory::budget = -1;
  f.uut.clear(f.trash);
}

} // namespace topic_compaction_test
