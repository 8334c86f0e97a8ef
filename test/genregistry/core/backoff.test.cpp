// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/backoff.hpp"

#include "catch.hpp"

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace backoff_test {

using namespace std::chrono_literals;

namespace {

using uut_type = cafreg::detail::backoff<std::string>;

using time_point = uut_type::time_point;

time_point at(std::chrono::milliseconds t) {
  return time_point{1h} + t;
}

} // namespace

TEST_CASE("switched off, it refuses nobody") {
  uut_type uut{0, 10s, 30s};
  CHECK_FALSE(uut.enabled());
  for (auto i = 0; i < 100; ++i)
    uut.failed("x", at(0s));
  CHECK_FALSE(uut.refused_until("x", at(0s)));
  CHECK(uut.size() == 0);
}

TEST_CASE("an id that fails too often in a while must cool down") {
  uut_type uut{3, 10s, 30s};
  uut.failed("x", at(0s));
  uut.failed("x", at(1s));
  CHECK_FALSE(uut.refused_until("x", at(1s)));
  uut.failed("x", at(2s));
  CHECK(uut.refused_until("x", at(2s)) == at(32s));
  CHECK(uut.refused_until("x", at(31'999ms)) == at(32s));
  CHECK_FALSE(uut.refused_until("y", at(2s)));
  // Then it begins anew.
  CHECK_FALSE(uut.refused_until("x", at(32s)));
  uut.failed("x", at(33s));
  uut.failed("x", at(34s));
  CHECK_FALSE(uut.refused_until("x", at(34s)));
  uut.failed("x", at(35s));
  CHECK(uut.refused_until("x", at(35s)) == at(65s));
}

TEST_CASE("rare failures are not too many") {
  uut_type uut{3, 10s, 30s};
  for (auto i = 0; i < 100; ++i) {
    uut.failed("x", at(i * 5s));
    CHECK_FALSE(uut.refused_until("x", at(i * 5s)));
  }
}

TEST_CASE("failures of a running worker extend the pause") {
  uut_type uut{1, 10s, 30s};
  uut.failed("x", at(0s));
  uut.failed("x", at(20s));
  CHECK(uut.refused_until("x", at(30s)) == at(50s));
}

TEST_CASE("ids that do well are forgotten") {
  uut_type uut{3, 10s, 30s};
  for (auto i = 0; i < 100'000; ++i)
    uut.failed(std::to_string(i), at(i * 1s));
  CHECK(uut.size() < 200);
}

TEST_CASE("it does what a simple model does") {
  constexpr size_t limit = 3;
  std::mt19937 rng{4711};
  for (auto round = 0; round < 200; ++round) {
    uut_type uut{limit, 10s, 7s};
    // All failures of an id since it has last cooled down.
    std::map<std::string, std::vector<time_point>> model;
    std::map<std::string, time_point> refused;
    auto now = at(0s);
    for (auto step = 0; step < 300; ++step) {
      now += std::chrono::milliseconds{rng() % 4000};
      auto id = std::to_string(rng() % 3);
      auto expected = refused.count(id) > 0 && refused[id] > now;
      auto actual = uut.refused_until(id, now);
      REQUIRE(actual.has_value() == expected);
      if (expected) {
        REQUIRE(*actual == refused[id]);
        continue; // it is not started, hence does not fail
      }
      if (refused.count(id) > 0) {
        refused.erase(id);
        model.erase(id);
      }
      if (rng() % 2 == 0)
        continue;
      uut.failed(id, now);
      auto& times = model[id];
      times.push_back(now);
      size_t recent = 0;
      for (auto x : times)
        recent += x + 10s > now ? 1 : 0;
      if (recent >= limit)
        refused[id] = now + 7s;
    }
  }
}

TEST_CASE("times that never end do not begin anew") {
  constexpr auto for_ever = std::chrono::nanoseconds::max();
  uut_type uut{2, for_ever, for_ever};
  uut.failed("x", at(0s));
  uut.failed("x", at(1h));
  CHECK(uut.refused_until("x", at(2h)) == time_point::max());
  CHECK(uut.refused_until("x", at(20'000h)) == time_point::max());
}

} // namespace backoff_test
