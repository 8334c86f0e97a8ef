// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/pacer.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>

#include "catch.hpp"
#include "registry/effort.hpp"

namespace pacer_test {

using namespace std::chrono_literals;

using cafreg::detail::pace;
using cafreg::detail::pacer;

namespace {

using time_point = pacer::time_point;

using duration = pace::duration;

constexpr auto never = time_point::max();

time_point at(duration x) {
  return time_point{1h} + x;
}

} // namespace

TEST_CASE("the first change after a time of rest is due after the hysteresis") {
  pacer uut{{.min_interval = 1s, .hysteresis = 50ms}};
  CHECK(uut.idle());
  CHECK(uut.due() == never);
  CHECK(uut.change(at(0s)));
  CHECK(uut.current() == pacer::phase::collecting);
  CHECK(uut.due() == at(50ms));
}

TEST_CASE("further changes change nothing") {
  pacer uut{{.min_interval = 1s, .hysteresis = 50ms}};
  uut.change(at(0s));
  CHECK_FALSE(uut.change(at(20ms)));
  CHECK(uut.due() == at(50ms));
  uut.delivered(at(50ms));
  CHECK(uut.current() == pacer::phase::pausing);
  CHECK_FALSE(uut.change(at(60ms)));
  CHECK(uut.due() == at(1050ms));
}

TEST_CASE("a delivery begins a pause, also at the end of one") {
  pacer uut{{.min_interval = 1s, .hysteresis = 50ms}};
  uut.change(at(0s));
  uut.delivered(at(70ms)); // late
  CHECK(uut.due() == at(1070ms));
  uut.delivered(at(1070ms));
  CHECK(uut.due() == at(2070ms));
}

TEST_CASE("without a delivery it rests, and the next change is collected") {
  pacer uut{{.min_interval = 1s, .hysteresis = 50ms}};
  uut.change(at(0s));
  uut.rest();
  CHECK(uut.idle());
  CHECK(uut.due() == never);
  CHECK(uut.change(at(60ms)));
  CHECK(uut.due() == at(110ms));
}

TEST_CASE("without an interval there is no pause") {
  pacer uut{{.min_interval = 0s, .hysteresis = 50ms}};
  uut.change(at(0s));
  uut.delivered(at(50ms));
  CHECK(uut.idle());
  CHECK(uut.change(at(50ms)));
  CHECK(uut.due() == at(100ms));
}

TEST_CASE("without limits everything is due at once") {
  pacer uut{pace{}};
  uut.change(at(0s));
  CHECK(uut.due() == at(0s));
}

TEST_CASE("negative durations count as zero") {
  pacer uut{{.min_interval = -1s, .hysteresis = duration::min()}};
  CHECK(uut.limits() == pace{});
  uut.change(at(0s));
  CHECK(uut.due() == at(0s));
  uut.delivered(at(0s));
  CHECK(uut.idle());
}

TEST_CASE("what is due after the end of all time is never due") {
  pacer uut{{.min_interval = duration::max(), .hysteresis = duration::max()}};
  CHECK(uut.change(at(0s)));
  CHECK(uut.due() == never);
  CHECK_FALSE(uut.idle());
  uut.delivered(at(0s));
  CHECK(uut.due() == never);
  CHECK(uut.current() == pacer::phase::pausing);
}

// Random changes and settings in virtual time; the owner is never late.
TEST_CASE("a pacer keeps both promises") {
  std::mt19937 rng{4711};
  auto pick = [&](int n) { return std::uniform_int_distribution{0, n}(rng); };
  auto deliveries = 0;
  for (size_t run = 0; run < effort(2000, 300); ++run) {
    pace limits{duration{pick(3) * pick(10)}, duration{pick(3) * pick(10)}};
    pacer uut{limits};
    auto now = at(0s);
    auto state = 0;
    auto last = 0;
    std::optional<time_point> delivered;
    std::optional<time_point> stale; // since when
    auto expire = [&] {
      if (last == state) {
        uut.rest();
        return;
      }
      if (delivered)
        REQUIRE(now - *delivered >= limits.min_interval);
      REQUIRE(now - stale.value() <= limits.hysteresis + limits.min_interval);
      ++deliveries;
      delivered = now;
      last = state;
      stale.reset();
      uut.delivered(now);
    };
    for (auto change = 0; change < 50; ++change) {
      auto next = now + duration{pick(2) * pick(12)};
      while (uut.due() <= next) {
        now = std::max(now, uut.due());
        expire();
      }
      now = next;
      state = pick(3);
      if (state == last)
        stale.reset();
      else if (!stale)
        stale = now;
      uut.change(now);
    }
    while (uut.due() != never) {
      now = uut.due();
      expire();
    }
    REQUIRE(last == state);
  }
  CHECK(deliveries > 1000);
}

} // namespace pacer_test
