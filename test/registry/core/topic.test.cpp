// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "topics.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace topic_test {

using namespace topics;

TEST_CASE("a new topic is empty and needs no memory") {
  fixture f;
  CHECK(f.uut.empty());
  CHECK(f.uut.vacant());
  CHECK(f.uut.size() == 0);
  CHECK(f.uut.capacity_end() == 0);
  snapshot s;
  f.open(s);
  CHECK(s.empty());
  CHECK(f.walk(s) == ids{});
  CHECK(f.range(s) == ids{});
  CHECK(f.uut.range(s).empty());
  CHECK(f.uut.range(s).begin() == f.uut.range(s).end());
  CHECK_FALSE(f.uut.vacant());
  CHECK_FALSE(f.close(s));
  CHECK(f.uut.vacant());
  f.add();
  CHECK(memory::blocks == 0);
  f.uut.clear(f.trash);
}

TEST_CASE("entries are found at their positions and in snapshots") {
  fixture f;
  // Past the borders of several segments.
  f.add(100);
  CHECK(f.uut.size() == 100);
  CHECK(f.uut.capacity_end() == 100);
  for (auto& x : f.records)
    CHECK(f.uut.at(x.pos).id() == x.id);
  snapshot s;
  f.open(s);
  CHECK(s.size() == 100);
  CHECK(f.walk(s) == iota(1, 100));
  CHECK(f.range(s) == iota(1, 100));
  CHECK(f.uut.range(s).size() == 100);
  auto view = f.uut.range(s);
  size_t steps = 0;
  for ([[maybe_unused]] auto& x : view)
    ++steps;
  CHECK(steps == 100);
  // Multi-pass: a copy goes its own way.
  auto i = view.begin();
  auto j = i++;
  CHECK(i != j);
  CHECK(++j == i);
  CHECK(i->id() == (*j).id());
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(1, 100));
  CHECK(f.uut.vacant());
  CHECK(token::copies == 0);
  CHECK(token::dropped == 0);
}

TEST_CASE("a removed entry is handed over at once when nobody can see it") {
  fixture f;
  f.add(3);
  f.remove(f.records[1]);
  CHECK(f.handed() == ids{2});
  CHECK(f.uut.size() == 2);
  SECTION("and its slot is used again") {
    auto end = f.uut.capacity_end();
    f.add();
    CHECK(f.uut.capacity_end() == end);
    CHECK(f.uut.size() == 3);
  }
  SECTION("also beside a snapshot that was opened before it was added") {
    snapshot s;
    f.open(s);
    auto end = f.uut.capacity_end();
    for (auto i = 0; i < 1000; ++i)
      f.remove(f.add());
    CHECK(f.handed() == iota(4, 1003));
    CHECK(f.uut.capacity_end() <= end + 1);
    CHECK(f.walk(s) == ids{1, 3});
    CHECK_FALSE(f.close(s));
  }
  f.uut.clear(f.trash);
}

TEST_CASE("a snapshot neither loses nor gains entries") {
  fixture f;
  f.add(10);
  snapshot s;
  f.open(s);
  f.remove(f.records[3]);
  f.remove(f.records[9]);
  f.add(5);
  CHECK(f.handed() == ids{});
  CHECK(f.walk(s) == iota(1, 10));
  CHECK(f.range(s) == iota(1, 10));
  CHECK(s.size() == 10);
  CHECK(f.uut.size() == 13);
  CHECK_FALSE(f.uut.vacant());
  snapshot t;
  f.open(t);
  CHECK(f.walk(t) == ids{1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15});
  CHECK_FALSE(f.close(t));
  CHECK(f.handed() == ids{});
  CHECK_FALSE(f.close(s));
  CHECK(f.handed() == ids{4, 10});
  f.uut.clear(f.trash);
}

TEST_CASE("a slot is not used again while a snapshot has its entry") {
  fixture f;
  f.add(4);
  snapshot s;
  f.open(s);
  for (auto i = 0u; i < 4; ++i)
    f.remove(f.records[i]);
  CHECK(f.uut.empty());
  f.add(4);
  CHECK(f.uut.capacity_end() == 8);
  CHECK(f.walk(s) == iota(1, 4));
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(1, 8));
}

TEST_CASE("an entry outlives a snapshot only when an older one has it") {
  fixture f;
  f.add(1);
  snapshot old;
  f.open(old);
  f.add(1);
  snapshot young;
  f.open(young);
  f.remove(f.records[0]);
  f.remove(f.records[1]);
  CHECK(f.walk(old) == ids{1});
  CHECK(f.walk(young) == ids{1, 2});
  SECTION("closing the younger first") {
    std::ignore = f.close(young);
    f.reclaim();
    CHECK(f.handed() == ids{2});
    CHECK(f.walk(old) == ids{1});
    std::ignore = f.close(old);
    f.reclaim();
    CHECK(f.handed() == ids{1});
  }
  SECTION("closing the older first") {
    std::ignore = f.close(old);
    f.reclaim();
    CHECK(f.handed() == ids{});
    CHECK(f.walk(young) == ids{1, 2});
    std::ignore = f.close(young);
    f.reclaim();
    CHECK(f.handed() == ids{1, 2});
  }
  CHECK(f.uut.vacant());
}

TEST_CASE("churn beside a snapshot that is never closed needs no memory") {
  fixture f;
  f.add(100);
  snapshot old;
  f.open(old);
  // The second snapshot has every entry that is removed, the first has none.
  for (auto i = 0; i < 10000; ++i) {
    auto& x = f.add();
    snapshot young;
    f.open(young);
    f.remove(x);
    std::ignore = f.close(young);
  }
  f.reclaim();
  CHECK(f.handed().size() == 10000);
  CHECK(f.uut.capacity_end() < 110);
  CHECK(f.walk(old) == iota(1, 100));
  CHECK_FALSE(f.close(old));
  f.uut.clear(f.trash);
}

TEST_CASE("closing is constant work and says when there is more") {
  fixture f;
  f.add(1000);
  snapshot s;
  f.open(s);
  for (auto& x : f.records)
    f.remove(x);
  CHECK(f.trash.empty());
  CHECK(f.close(s));
  CHECK(f.trash.size() < 10);
  CHECK_FALSE(f.uut.vacant());
  auto before = f.trash.size();
  CHECK(f.uut.reclaim(f.trash, fix, 50));
  CHECK(f.trash.size() == before + 50);
  SECTION("which a loop finishes") {
    f.reclaim();
  }
  SECTION("which later changes finish") {
    for (auto i = 0; i < 1000 && !f.uut.vacant(); ++i)
      f.remove(f.add());
    for (auto& x : f.trash)
      if (x.id() > 1000)
        x.consume();
    std::erase_if(f.trash, [](auto& x) { return x.id() == 0; });
  }
  SECTION("which clear finishes") {
    f.uut.clear(f.trash);
  }
  CHECK(f.handed() == iota(1, 1000));
  CHECK(f.uut.vacant());
  CHECK(f.uut.capacity_end() == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("clear leaves to snapshots what they have") {
  fixture f;
  f.add(20);
  snapshot s;
  f.open(s);
  f.add(20);
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(21, 40));
  CHECK(f.uut.empty());
  CHECK(f.walk(s) == iota(1, 20));
  f.add(1);
  CHECK(f.walk(s) == iota(1, 20));
  std::ignore = f.close(s);
  f.reclaim();
  CHECK(f.handed() == iota(1, 20));
  f.uut.clear(f.trash);
  CHECK(f.handed() == ids{41});
  CHECK(memory::blocks == 0);
}

TEST_CASE("the destructor destroys what is left") {
  token::reset();
  std::deque<record> records;
  std::vector<token> trash;
  {
    token_topic uut;
    for (auto i = 0u; i < 40; ++i) {
      auto& x = records.emplace_back();
      x.id = i + 1;
      x.pos = uut.add(token{&x});
    }
    snapshot s;
    uut.open(s);
    for (auto i = 0u; i < 20; ++i)
      uut.remove(records[i].pos, trash, fix);
    // Some of the dead wait for a trash, some are alive.
    CHECK(uut.close(s, trash, fix));
  }
  CHECK(token::dropped + static_cast<int64_t>(trash.size())
        == 40 + token::copies);
  CHECK(memory::blocks == 0);
  for (auto& x : trash)
    x.consume();
}

TEST_CASE("an exception of a visitor leaves the snapshot usable") {
  fixture f;
  f.add(50);
  snapshot s;
  f.open(s);
  auto n = 0;
  auto visit = [&](const token&) {
    if (++n == 30)
      throw std::runtime_error("visitor");
  };
  CHECK_THROWS_AS(f.uut.for_each(s, visit), std::runtime_error);
  CHECK(n == 30);
  f.remove(f.records[0]);
  CHECK(f.walk(s) == iota(1, 50));
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
}

TEST_CASE("an entry is replaced without a gap") {
  fixture f;
  f.add(10);
  snapshot before;
  f.open(before);
  auto& fresh = f.add();
  f.remove(f.records[4]);
  snapshot after;
  f.open(after);
  CHECK(f.walk(before) == iota(1, 10));
  CHECK(f.walk(after) == ids{1, 2, 3, 4, 6, 7, 8, 9, 10, fresh.id});
  std::ignore = f.close(before);
  std::ignore = f.close(after);
  f.uut.clear(f.trash);
}

} // namespace topic_test
