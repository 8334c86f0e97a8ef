// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cafreg/detail/audience.hpp"

#include "catch.hpp"

namespace audiences {

using namespace std::chrono_literals;

using cafreg::path;

// Shared and compared by content, as the nodes of a tree are.
struct state {
  std::shared_ptr<const int> value;

  state(int x = 0) : value(std::make_shared<const int>(x)) {
    // nop
  }

  friend bool operator==(const state& x, const state& y) {
    return *x.value == *y.value;
  }
};

using uut_type = cafreg::detail::audience<int, state>;

using settings = uut_type::settings;

using time_point = uut_type::time_point;

using duration = std::chrono::nanoseconds;

constexpr auto never = time_point::max();

inline time_point at(duration x) {
  return time_point{1h} + x;
}

constexpr settings slow{{.min_interval = 1s, .hysteresis = 50ms}};

// What arrived: member, scope, state.
using arrival = std::tuple<int, std::string, int>;

using arrivals = std::vector<arrival>;

/// An audience and the state of each scope, which tests set.
struct fixture {
  uint64_t add(int who, const path& where, const settings& how) {
    return uut.add(where, how, who, look()).id;
  }

  std::function<state(const path&)> look() {
    return [this](const path& where) {
      looks.push_back(to_string(where));
      return states[looks.back()];
    };
  }

  /// Sets a state and says so.
  time_point set(std::string_view where, int x, time_point now) {
    states[std::string{where}] = x;
    return uut.changed(path(where), now);
  }

  time_point expire(time_point now,
                    size_t enough = std::numeric_limits<size_t>::max()) {
    calls = 0;
    looks.clear();
    arrived.clear();
    auto result = uut.expire(
      now, look(),
      [this](const path& where, const state& x,
             std::span<const uut_type::entry> members) {
        ++calls;
        for (auto& y : members)
          arrived.emplace_back(y.who, to_string(where), *x.value);
      },
      enough);
    std::sort(arrived.begin(), arrived.end());
    return result;
  }

  uut_type uut;
  std::map<std::string, state> states;
  std::vector<std::string> looks;
  arrivals arrived;
  size_t calls = 0;
};

} // namespace audiences
