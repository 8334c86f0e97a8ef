// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "linearizability.hpp"

#include "catch.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace linearizability_checker_test {

namespace {

struct register_access {
  bool write;
  int value;
};

struct register_model {
  using state = int;

  static state initial() {
    return 0;
  }

  static std::optional<state> step(state now, const register_access& x) {
    if (x.write)
      return x.value;
    if (x.value != now)
      return std::nullopt;
    return now;
  }

  static uint64_t hash(state x) {
    return static_cast<uint64_t>(x);
  }
};

using register_history = std::vector<linear::record<register_access>>;

constexpr auto never = linear::record<register_access>::never;

register_access put(int value) {
  return {true, value};
}

register_access got(int value) {
  return {false, value};
}

bool linearizable(register_history history) {
  return linear::check(register_model{}, std::move(history));
}

} // namespace

TEST_CASE("the checker accepts what can be explained") {
  CHECK(linearizable({}));
  CHECK(linearizable({{got(0), 1, 2}}));
  CHECK(linearizable({{put(1), 1, 2}, {got(1), 3, 4}}));
  // At the same time: before or after.
  CHECK(linearizable({{put(1), 1, 4}, {got(0), 2, 3}}));
  CHECK(linearizable({{put(1), 1, 4}, {got(1), 2, 3}}));
  // A later read inside the same write may see more, not less.
  CHECK(linearizable({{put(1), 1, 10}, {got(0), 2, 3}, {got(1), 4, 5}}));
  // The order of the calls is not the order of the effects.
  CHECK(linearizable(
    {{put(1), 1, 10}, {put(2), 2, 9}, {got(2), 3, 4}, {got(1), 5, 6}}));
}

TEST_CASE("the checker rejects what cannot be explained") {
  CHECK_FALSE(linearizable({{got(1), 1, 2}}));
  CHECK_FALSE(linearizable({{put(1), 1, 2}, {got(0), 3, 4}}));
  // Back in time.
  CHECK_FALSE(linearizable({{put(1), 1, 10}, {got(1), 2, 3}, {got(0), 4, 5}}));
  // Two readers that disagree on the order of two writes.
  CHECK_FALSE(linearizable({{put(1), 1, 20},
                            {put(2), 2, 19},
                            {got(1), 3, 4},
                            {got(2), 5, 6},
                            {got(1), 7, 8}}));
  CHECK_FALSE(linearizable({{put(1), 1, 2}, {put(2), 3, 4}, {got(1), 5, 6}}));
}

TEST_CASE("the checker knows that a lost operation may have happened") {
  CHECK(linearizable({{put(1), 1, never}, {got(0), 2, 3}}));
  CHECK(linearizable({{put(1), 1, never}, {got(0), 2, 3}, {got(1), 4, 5}}));
  CHECK_FALSE(
    linearizable({{put(1), 1, never}, {got(1), 2, 3}, {got(0), 4, 5}}));
  CHECK_FALSE(linearizable({{got(1), 2, 3}, {put(1), 4, never}}));
}

TEST_CASE("the checker does not get lost in long histories") {
  // Eight clients at a time that write at once, and one reader after them:
  // without memory, 8! orders for each of 20 rounds.
  register_history history;
  uint64_t now = 0;
  for (auto round = 0; round < 20; ++round) {
    for (auto i = 1; i <= 8; ++i)
      history.push_back({put(i), now + static_cast<uint64_t>(i), now + 10 + i});
    history.push_back({got(8 - round % 8), now + 30, now + 31});
    now += 40;
  }
  CHECK(linearizable(history));
  history.push_back({got(9), now, now + 1});
  CHECK_FALSE(linearizable(history));
}

TEST_CASE("the checker looks at each key for itself") {
  struct keyed {
    int key;
    register_access what;
  };
  struct model {
    using state = int;

    static state initial() {
      return 0;
    }

    static std::optional<state> step(state now, const keyed& x) {
      return register_model::step(now, x.what);
    }

    static uint64_t hash(state x) {
      return register_model::hash(x);
    }
  };
  std::vector<linear::record<keyed>> history{{{1, put(5)}, 1, 2},
                                             {{2, put(6)}, 3, 4},
                                             {{1, got(5)}, 5, 6},
                                             {{2, got(6)}, 7, 8}};
  auto keys = [](const keyed& x) { return std::array<int, 1>{x.key}; };
  CHECK_FALSE(linear::check_each<int>(model{}, history, keys));
  history.push_back({{2, got(5)}, 9, 10});
  CHECK(linear::check_each<int>(model{}, history, keys) == 2);
}

} // namespace linearizability_checker_test
