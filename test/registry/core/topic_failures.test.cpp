// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "topics.hpp"

#include <cstdint>
#include <new>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace topic_failures_test {

using namespace topics;

TEST_CASE("add changes nothing when there is no memory") {
  fixture f;
  for (size_t n = 1; n < 200; ++n) {
    record r;
    r.id = 1'000'000;
    token x{&r};
    memory::budget = 0;
    auto failed = false;
    auto size = f.uut.size();
    auto end = f.uut.capacity_end();
    try {
      // Not `std::move`, after which tools forbid a look at `x`.
      r.pos = f.uut.add(static_cast<token&&>(x));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    memory::budget = -1;
    if (failed) {
      CHECK(f.uut.size() == size);
      CHECK(f.uut.capacity_end() == end);
      CHECK(x.consume() == 1'000'000);
      // Exactly when a segment is full.
      CHECK(((size + 1) & size) == 0);
      f.uut.reserve_next();
      memory::budget = 0;
    } else {
      f.remove(r);
      f.trash.back().consume();
      f.trash.pop_back();
    }
    f.add();
    memory::budget = -1;
    snapshot s;
    f.open(s);
    CHECK(f.walk(s) == iota(1, n));
    CHECK_FALSE(f.close(s));
  }
  f.uut.clear(f.trash);
}

TEST_CASE("compaction does not happen while copies fail") {
  fixture f;
  f.add(1000);
  // Dead ones in front, live ones at the end that a snapshot has.
  for (auto i = 0u; i < 499; ++i)
    f.remove(f.records[i]);
  auto end = f.uut.capacity_end();
  REQUIRE(end == 1000);
  snapshot s;
  f.open(s);
  token::copy_budget = 0;
  for (auto i = 499u; i < 900; ++i)
    f.remove(f.records[i]);
  // Not an endless loop either.
  f.reclaim();
  CHECK(f.uut.capacity_end() == end);
  CHECK(f.walk(s) == iota(500, 1000));
  snapshot t;
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  token::copy_budget = 7;
  f.reclaim();
  CHECK(token::copies == 7);
  CHECK(f.walk(s) == iota(500, 1000));
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  // Without a snapshot entries are moved, not copied.
  std::ignore = f.close(s);
  f.reclaim();
  CHECK(token::copies == 7);
  CHECK(f.uut.capacity_end() <= 3 * 100 + 16);
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  f.uut.clear(f.trash);
  CHECK(f.handed().size() == 1007);
  CHECK(token::dropped == 0);
}

TEST_CASE("no payload is lost when the trash has no memory") {
  struct failing_trash {
    void push_back(token&& x) {
      if (budget == 0)
        throw std::bad_alloc{};
      --budget;
      items.push_back(std::move(x));
    }
    size_t budget;
    std::vector<token> items;
  };
  fixture f;
  f.add(100);
  failing_trash trash{0, {}};
  for (auto i = 0u; i < 50; ++i)
    f.uut.remove(f.records[i].pos, trash, fix);
  CHECK(f.uut.size() == 50);
  CHECK_FALSE(f.uut.reclaim(trash, fix, 10));
  snapshot s;
  f.open(s);
  CHECK(f.walk(s) == iota(51, 100));
  CHECK_FALSE(f.uut.close(s, trash, fix));
  trash.budget = 30;
  while (f.uut.reclaim(trash, fix, 10)) {
    // nop
  }
  CHECK(trash.items.size() == 30);
  f.uut.clear(trash);
  CHECK(f.uut.empty());
  CHECK_FALSE(f.uut.vacant());
  trash.budget = 1000;
  while (f.uut.reclaim(trash, fix, 10)) {
    // nop
  }
  CHECK(f.uut.vacant());
  std::set<uint64_t> seen;
  for (auto& x : trash.items)
    seen.insert(x.consume());
  CHECK(trash.items.size() == 100);
  CHECK(seen.size() == 100);
  CHECK(token::dropped == 0);
}

} // namespace topic_failures_test
