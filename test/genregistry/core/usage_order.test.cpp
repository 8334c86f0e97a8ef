// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/usage_order.hpp"

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <vector>

namespace usage_order_test {

using namespace std::chrono_literals;

namespace {

using time_point = std::chrono::steady_clock::time_point;

struct item {
  int id;
  time_point used;
};

using uut_type = cafreg::detail::usage_order<item>;

time_point last_use(const item& x) {
  return x.used;
}

std::vector<item*> take_until(uut_type& uut, time_point limit) {
  std::vector<item*> result;
  while (auto* x = uut.take_oldest_until(limit, last_use))
    result.push_back(x);
  return result;
}

time_point at(std::chrono::milliseconds t) {
  return time_point{1h} + t;
}

} // namespace

TEST_CASE("the item that was used longest ago comes first") {
  uut_type uut;
  item a{1, at(1s)};
  item b{2, at(2s)};
  item c{3, at(3s)};
  for (auto* x : {&b, &c, &a})
    uut.add(x, x->used);
  CHECK(uut.size() == 3);
  CHECK(uut.front() == at(1s));
  a.used = at(4s); // a use tells nobody
  CHECK(uut.take_oldest(last_use) == &b);
  CHECK(uut.take_oldest(last_use) == &c);
  CHECK(uut.take_oldest(last_use) == &a);
  CHECK(uut.take_oldest(last_use) == nullptr);
  CHECK_FALSE(uut.front());
}

TEST_CASE("items that were not used for a while are taken") {
  uut_type uut;
  item a{1, at(1s)};
  item b{2, at(2s)};
  item c{3, at(3s)};
  for (auto* x : {&a, &b, &c})
    uut.add(x, x->used);
  a.used = at(5s);
  CHECK(take_until(uut, at(3s)) == std::vector<item*>{&b, &c});
  CHECK(uut.front() == at(5s));
  CHECK(take_until(uut, at(4s)).empty());
  CHECK(uut.contains(&a));
  CHECK_FALSE(uut.contains(&b));
}

TEST_CASE("an item is removed wherever it is") {
  uut_type uut;
  item a{1, at(1s)};
  item b{2, at(1s)};
  uut.add(&a, a.used);
  uut.add(&b, b.used);
  a.used = at(9s);
  CHECK(uut.remove(&a));
  CHECK_FALSE(uut.remove(&a));
  CHECK(uut.take_oldest(last_use) == &b);
}

TEST_CASE("an item that was taken can be put back") {
  uut_type uut;
  item a{1, at(1s)};
  item b{2, at(2s)};
  uut.add(&a, a.used);
  uut.add(&b, b.used);
  CHECK(uut.take_oldest(last_use) == &a);
  CHECK(uut.size() == 1);
  uut.put_back(&a, at(3s));
  uut.put_back(&a, at(4s)); // it is there
  CHECK(uut.contains(&a));
  CHECK(uut.front() == at(2s));
  CHECK(uut.take_oldest(last_use) == &b);
  CHECK_FALSE(uut.remove(&b));
  uut.put_back(&b, at(1s)); // it was removed
  CHECK_FALSE(uut.contains(&b));
  CHECK(uut.front() == at(3s));
  a.used = at(5s);
  CHECK(uut.take_oldest(last_use) == &a);
  uut.add(&a, a.used);
  CHECK(uut.front() == at(5s));
}

TEST_CASE("it does what sorting would do") {
  std::mt19937 rng{4711};
  for (auto round = 0; round < 50; ++round) {
    uut_type uut;
    std::deque<item> items;
    std::vector<item*> present;
    auto now = at(0s);
    for (auto step = 0; step < 500; ++step) {
      now += 1ms;
      auto oldest = [&] {
        return std::min_element(present.begin(), present.end(),
                                [](auto* x, auto* y) {
                                  return x->used < y->used;
                                });
      };
      switch (rng() % 6) {
        case 0:
        case 1:
          items.push_back({step, now});
          present.push_back(&items.back());
          uut.add(&items.back(), now);
          break;
        case 2:
        case 3:
          if (!present.empty())
            present[rng() % present.size()]->used = now;
          break;
        case 4:
          if (!present.empty()) {
            auto pos = oldest();
            REQUIRE(uut.take_oldest(last_use) == *pos);
            present.erase(pos);
          }
          break;
        default: {
          auto limit = now - 50ms;
          for (auto* x : take_until(uut, limit)) {
            auto pos = oldest();
            REQUIRE(x == *pos);
            REQUIRE(x->used <= limit);
            present.erase(pos);
          }
          for (auto* x : present)
            REQUIRE(x->used > limit);
        }
      }
      REQUIRE(uut.size() == present.size());
      if (auto front = uut.front())
        for (auto* x : present)
          REQUIRE(x->used >= *front);
    }
  }
}

} // namespace usage_order_test
