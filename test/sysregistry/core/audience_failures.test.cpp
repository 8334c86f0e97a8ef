// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "audiences.hpp"
#include "memory.hpp"

#include <optional>
#include <stdexcept>

namespace audience_failures_test {

using namespace audiences;
using namespace memory;

TEST_CASE("a subscription without memory leaves nothing behind") {
  fixture f;
  path where{"a rather long key, longer than what fits into a string", "b"};
  state x;
  auto add = [&](int who, const settings& how) {
    std::ignore = f.uut.add(where, how, who, [&](const path&) { return x; });
  };
  auto failures = run_out([&] { add(1, slow); },
                          [&] {
                            CHECK(f.uut.pristine());
                            CHECK_FALSE(f.uut.attentive());
                          });
  CHECK(failures > 5);
  CHECK(f.uut.size() == 1);
  SECTION("nor does one that joins another") {
    failures = run_out([&] { add(2, slow); },
                       [&] { CHECK(f.uut.size() == 1); });
    CHECK(failures > 0);
    CHECK(f.uut.cohorts() == 1);
    CHECK(f.uut.size() == 2);
  }
  SECTION("nor does one that replaces another") {
    failures = run_out([&] { add(1, {}); },
                       [&] {
                         CHECK(f.uut.size() == 1);
                         f.uut.for_each([](auto&&, const settings& how,
                                           auto&&...) { CHECK(how == slow); });
                       });
    CHECK(failures > 0);
    CHECK(f.uut.size() == 1);
  }
  f.uut.remove_all(1);
  f.uut.remove_all(2);
  CHECK(f.uut.pristine());
}

TEST_CASE("a look that throws adds nothing") {
  fixture f;
  auto broken = [](const path&) -> state { throw std::runtime_error{"look"}; };
  CHECK_THROWS_AS(f.uut.add("a.b", slow, 1, broken), std::runtime_error);
  CHECK(f.uut.pristine());
  CHECK_FALSE(f.uut.attentive());
  f.add(1, "a.b", slow);
  CHECK_THROWS_AS(f.uut.add("a.b", slow, 1, broken), std::runtime_error);
  f.set("a.b", 1, at(0s));
  f.expire(at(1s));
  CHECK(f.arrived == arrivals{{1, "a.b", 1}});
}

TEST_CASE("what a callback refuses is due again") {
  fixture f;
  f.add(1, "a", slow);
  f.add(2, "b", slow);
  f.set("a", 1, at(0s));
  f.set("b", 1, at(1ms));
  auto ignore = [](auto&&...) {};
  CHECK_THROWS_AS(
    f.uut.expire(
      at(50ms), [](const path&) -> state { throw std::runtime_error{"look"}; },
      ignore),
    std::runtime_error);
  CHECK(f.uut.next_due() == at(50ms));
  CHECK_FALSE(f.uut.attentive());
  CHECK_THROWS_AS(f.uut.expire(at(52ms), f.look(),
                               [](const path& where, auto&&...) {
                                 if (where == path("b"))
                                   throw std::runtime_error{"deliver"};
                               }),
                  std::runtime_error);
  CHECK(f.uut.next_due() == at(51ms));
  CHECK(f.uut.deliveries() == 1);
  f.states["b"] = 2;
  CHECK(f.expire(at(60ms)) == at(1052ms));
  CHECK(f.arrived == arrivals{{2, "b", 2}});
}

TEST_CASE("removal, changes and acknowledgements need no memory") {
  fixture f;
  std::vector<uint64_t> ids;
  for (auto i = 0; i < 9; ++i) {
    ids.push_back(f.add(i, "a", slow));
    ids.push_back(f.add(i, "a.b", {slow.limits, true}));
  }
  path leaf = "a.b.c";
  path where = "a";
  std::optional<shortage> none{0};
  f.uut.changed(leaf, at(0s));
  for (auto id : ids)
    f.uut.acknowledge(id);
  f.uut.remove(ids[4]);
  f.uut.remove(5, where);
  f.uut.remove_all(8);
  auto left = f.uut.size();
  f.uut.clear();
  none.reset();
  CHECK(left == 14);
  CHECK(f.uut.pristine());
}

TEST_CASE("deliveries need no memory of their own") {
  fixture f;
  f.add(1, "a", slow);
  f.set("a", 1, at(0s));
  f.add(2, "a", slow);
  f.set("a", 2, at(1ms));
  state present = 2;
  size_t reached = 0;
  auto expire = [&](time_point now) {
    shortage none{0};
    return f.uut.expire(
      now, [&](const path&) { return present; },
      [&](const path&, const state&, auto members) {
        reached += members.size();
      });
  };
  CHECK(expire(at(51ms)) == at(1051ms));
  CHECK(reached == 2);
  CHECK(f.uut.cohorts() == 2); // they could not unite
  CHECK(expire(at(2s)) == never);
  CHECK(f.uut.cohorts() == 2);
  CHECK(f.uut.attentive());
  f.set("a", 3, at(3s));
  f.expire(at(4s));
  CHECK(f.arrived == arrivals{{1, "a", 3}, {2, "a", 3}});
  CHECK(f.uut.cohorts() == 1);
}

} // namespace audience_failures_test
