// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "audiences.hpp"

#include <memory>
#include <set>
#include <vector>

namespace audience_test {

using namespace audiences;

TEST_CASE("changes are collected, delivered, and followed by a pause") {
  fixture f;
  f.add(1, "a", slow);
  CHECK(f.uut.next_due() == never);
  CHECK(f.set("a", 1, at(0s)) == at(50ms));
  CHECK(f.set("a", 2, at(10ms)) == never);
  CHECK(f.uut.next_due() == at(50ms));
  CHECK(f.expire(at(49ms)) == at(50ms));
  CHECK(f.arrived == arrivals{});
  CHECK(f.expire(at(50ms)) == at(1050ms));
  CHECK(f.arrived == arrivals{{1, "a", 2}});
  CHECK(f.set("a", 3, at(60ms)) == never);
  CHECK(f.expire(at(1050ms)) == at(2050ms));
  CHECK(f.arrived == arrivals{{1, "a", 3}});
  CHECK(f.expire(at(2050ms)) == never);
  CHECK(f.arrived == arrivals{});
  CHECK(f.uut.deliveries() == 2);
}

TEST_CASE("what was sent at subscription is not sent again") {
  fixture f;
  f.states["a"] = 7;
  auto result = f.uut.add("a", slow, 1, f.look());
  CHECK(*result.state.value == 7);
  CHECK(result.replaced.empty());
  CHECK(f.set("a", 7, at(0s)) == at(50ms));
  CHECK(f.expire(at(50ms)) == never);
  CHECK(f.arrived == arrivals{});
  // And did not start the pacing.
  CHECK(f.set("a", 8, at(60ms)) == at(110ms));
}

TEST_CASE("a change that is taken back is not delivered") {
  fixture f;
  f.add(1, "a", slow);
  f.set("a", 1, at(0s));
  f.set("a", 0, at(40ms));
  CHECK(f.expire(at(50ms)) == never);
  CHECK(f.arrived == arrivals{});
  CHECK(f.uut.attentive());
  f.set("a", 1, at(60ms));
  CHECK(f.expire(at(110ms)) == at(1110ms));
  f.set("a", 0, at(200ms));
  f.set("a", 1, at(300ms));
  CHECK(f.expire(at(1110ms)) == never);
  CHECK(f.arrived == arrivals{});
}

TEST_CASE("a leaf concerns the scopes that contain it") {
  fixture f;
  const settings fast;
  auto due = [&](const path& leaf) {
    for (auto& x : f.states)
      x.second = *x.second.value + 1;
    auto result = f.uut.changed(leaf, at(0s));
    f.expire(at(0s));
    std::string names;
    for (auto& x : f.arrived)
      names += std::get<1>(x) + ' ';
    CHECK((result == at(0s)) == !names.empty());
    return names;
  };
  f.add(1, {}, fast);
  CHECK(due("x") == " ");
  f.uut.remove(1, path{});
  for (auto* x : {"a", "a.b", "a.b.c", "z"})
    f.add(1, x, fast);
  CHECK(due("a") == "a ");
  CHECK(due("a.b") == "a a.b ");
  CHECK(due("a.b.c") == "a a.b a.b.c ");
  CHECK(due("a.b.c.d") == "a a.b a.b.c ");
  CHECK(due("a.c") == "a ");
  CHECK(due("ab") == "");
  CHECK(due({}) == "");
}

constexpr int crowd = uut_type::max_in_step;

TEST_CASE("equal subscribers cost one callback") {
  fixture f;
  for (auto i = 0; i < crowd; ++i)
    f.add(i, "a", slow);
  CHECK(f.uut.size() == crowd);
  CHECK(f.uut.cohorts() == 1);
  f.set("a", 1, at(0s));
  f.expire(at(50ms));
  CHECK(f.calls == 1);
  CHECK(f.looks.size() == 1);
  CHECK(f.arrived.size() == crowd);
  CHECK(f.uut.deliveries() == crowd);
}

TEST_CASE("crowds are divided") {
  fixture f;
  for (auto i = 0; i < 10 * crowd; ++i)
    f.add(i, "a", slow);
  CHECK(f.uut.size() == 10 * crowd);
  CHECK(f.uut.cohorts() == 10);
  f.set("a", 1, at(0s));
  SECTION("and served in one go") {
    CHECK(f.expire(at(50ms)) == at(1050ms));
    CHECK(f.calls == 10);
    CHECK(f.looks.size() == 1);
    CHECK(f.arrived.size() == 10 * crowd);
  }
  SECTION("and served in turns, each with the state of its moment") {
    CHECK(f.expire(at(50ms), crowd + 1) == at(50ms));
    CHECK(f.arrived.size() == 2 * crowd);
    auto reached = f.arrived;
    f.set("a", 2, at(51ms));
    CHECK(f.expire(at(52ms), 4 * crowd) == at(50ms));
    CHECK(f.arrived.size() == 4 * crowd);
    CHECK(std::get<2>(f.arrived.front()) == 2);
    reached.insert(reached.end(), f.arrived.begin(), f.arrived.end());
    CHECK(f.expire(at(53ms)) == at(1050ms));
    CHECK(f.arrived.size() == 4 * crowd);
    reached.insert(reached.end(), f.arrived.begin(), f.arrived.end());
    std::set<int> who;
    for (auto& x : reached)
      who.insert(std::get<0>(x));
    CHECK(who.size() == 10 * crowd);
    // The first ones are not early the next time, and miss nothing.
    CHECK(f.expire(at(1050ms)) == at(1052ms));
    CHECK(f.arrived.size() == 2 * crowd);
    CHECK(f.expire(at(1053ms)) == at(2050ms));
    CHECK(f.arrived.empty());
    CHECK(f.expire(at(3s)) == never);
    CHECK(f.uut.cohorts() == 10);
  }
  SECTION("and not united beyond their limit") {
    for (auto i = 0; i < 10 * crowd; i += 3)
      f.uut.remove_all(i);
    f.expire(at(50ms));
    f.expire(at(2s));
    CHECK(f.uut.cohorts() == 10);
  }
  SECTION("and full again after most have left") {
    for (auto i = 0; i < 10 * crowd; ++i)
      if (i % 10 != 0)
        f.uut.remove_all(i);
    CHECK(f.uut.cohorts() == 10);
    f.expire(at(50ms));
    CHECK(f.arrived.size() == crowd);
    CHECK(f.uut.cohorts() == 1);
    f.expire(at(2s));
    f.add(-1, "a", slow);
    CHECK(f.uut.cohorts() == 2);
    f.uut.remove_all(0);
    f.add(-2, "a", slow); // with the other new one, or in the free place
    CHECK(f.uut.cohorts() == 2);
    f.set("a", 3, at(3s));
    f.expire(at(4s));
    CHECK(f.arrived.size() == crowd + 1);
  }
}

TEST_CASE("a pause begins when all have got the state") {
  fixture f;
  f.add(1, "a", slow);
  f.add(2, "a", {.limits = {1s, 60ms}});
  f.set("a", 1, at(0s));
  auto clock = at(60ms);
  auto next = f.uut.expire(clock, f.look(),
                           [&](auto&&...) { return clock += 100ms; });
  CHECK(next == at(1160ms));
  CHECK(f.expire(at(1160ms)) == at(1260ms));
  CHECK(f.expire(at(1260ms)) == never);
}

TEST_CASE("a turn makes progress, whoever is due") {
  fixture f;
  f.add(1, "a", {.limits = {}, .acknowledged = true});
  f.add(2, "a", slow);
  f.add(3, "a", {.limits = {1s, 60ms}});
  f.set("a", 1, at(0s));
  f.set("a", 0, at(1s));                  // taken back
  CHECK(f.expire(at(1s), 1) == at(50ms)); // not acknowledged
  CHECK(f.expire(at(1s), 1) == at(60ms)); // nothing to deliver
  CHECK(f.expire(at(1s), 1) == never);
  CHECK(f.calls == 0);
  CHECK(f.uut.attentive());
}

TEST_CASE("each scope is looked at once") {
  fixture f;
  for (auto i = 1; i <= 9; ++i) {
    f.add(i, "a", {.limits = {duration{i}, 1ms}});
    f.add(i, "b", {.limits = {duration{i}, 1ms}});
  }
  f.set("a", 1, at(0s));
  f.set("b", 1, at(0s));
  f.expire(at(1ms));
  CHECK(f.looks.size() == 2);
  CHECK(f.calls == 18);
  CHECK(f.arrived.size() == 18);
}

TEST_CASE("settings differ in each of their parts") {
  fixture f;
  f.add(1, "a", slow);
  f.add(2, "a", {.limits = {1s, 51ms}});
  f.add(3, "a", {.limits = {2s, 50ms}});
  f.add(4, "a", {.limits = {1s, 50ms}, .acknowledged = true});
  f.add(5, "a", {.limits = {1s, 50ms}, .acknowledged = true});
  f.add(6, "b", slow);
  CHECK(f.uut.cohorts() == 6);
  f.add(7, "a", {.limits = {-5s, -1ns}});
  f.add(8, "a", {});
  f.add(9, "a", {.limits = {-1ns, -5s}});
  CHECK(f.uut.cohorts() == 7);
}

TEST_CASE("whoever comes during a wait has a pace of his own") {
  fixture f;
  f.add(1, "a", slow);
  f.set("a", 1, at(0s));
  f.add(2, "a", slow);
  CHECK(f.uut.cohorts() == 2);
  CHECK(f.set("a", 2, at(10ms)) == at(60ms));
  CHECK(f.expire(at(50ms)) == at(60ms));
  CHECK(f.arrived == arrivals{{1, "a", 2}});
  f.expire(at(60ms));
  CHECK(f.arrived == arrivals{{2, "a", 2}});
  SECTION("and shares it when both rest") {
    CHECK(f.expire(at(2s)) == never);
    CHECK(f.uut.cohorts() == 1);
    f.set("a", 3, at(2s));
    f.expire(at(3s));
    CHECK(f.arrived == arrivals{{1, "a", 3}, {2, "a", 3}});
    CHECK(f.calls == 1);
  }
  SECTION("and shares it with one who rests already") {
    f.expire(at(1050ms));
    CHECK(f.uut.cohorts() == 2);
    f.expire(at(1060ms));
    CHECK(f.uut.cohorts() == 1);
  }
  SECTION("and shares it when both get something at the same time") {
    f.set("a", 3, at(70ms));
    CHECK(f.expire(at(2s)) == at(3s));
    CHECK(f.calls == 2);
    CHECK(f.uut.cohorts() == 1);
  }
}

TEST_CASE("nobody joins those who got another state") {
  fixture f;
  f.add(1, "a", slow);
  f.states["a"] = 1; // whoever did that has not said so yet
  f.add(2, "a", slow);
  CHECK(f.uut.cohorts() == 2);
  f.uut.changed(path("a"), at(0s));
  f.expire(at(50ms));
  CHECK(f.arrived == arrivals{{1, "a", 1}});
}

TEST_CASE("nothing is delivered before the last delivery was acknowledged") {
  fixture f;
  const settings acked{slow.limits, true};
  auto id = f.add(1, "a", acked);
  CHECK(f.uut.attentive());
  CHECK(f.set("a", 1, at(0s)) == at(50ms));
  SECTION("that of the first state while it waits") {
    CHECK(f.uut.acknowledge(id) == at(50ms));
    f.expire(at(50ms));
    CHECK(f.arrived == arrivals{{1, "a", 1}});
  }
  SECTION("that of the first state when it was due") {
    CHECK(f.expire(at(50ms)) == never);
    CHECK(f.arrived == arrivals{});
    CHECK(f.looks.empty());
    CHECK(f.set("a", 2, at(60ms)) == never);
    CHECK(f.uut.acknowledge(id) <= at(70ms));
    CHECK(f.uut.next_due() <= at(70ms));
    CHECK(f.expire(at(70ms)) == at(1070ms));
    CHECK(f.arrived == arrivals{{1, "a", 2}});
    CHECK(f.uut.acknowledge(id) == at(1070ms)); // the pacer still counts
    f.set("a", 3, at(80ms));
    CHECK(f.expire(at(1070ms)) == at(2070ms));
    CHECK(f.arrived == arrivals{{1, "a", 3}});
    f.set("a", 4, at(2s));
    CHECK(f.expire(at(2070ms)) == never);
    CHECK(f.arrived == arrivals{});
    CHECK_FALSE(f.uut.attentive());
    f.set("a", 3, at(3s));
    CHECK(f.uut.acknowledge(id) <= at(3s));
    CHECK(f.expire(at(3s)) == never);
    CHECK(f.arrived == arrivals{}); // it was taken back
    CHECK(f.uut.attentive());
  }
  SECTION("nor after it is gone") {
    f.expire(at(50ms));
    f.uut.remove(id);
    CHECK(f.uut.acknowledge(id) == never);
    CHECK(f.expire(at(50ms)) == never);
    CHECK(f.arrived == arrivals{});
    CHECK(f.uut.pristine());
  }
}

TEST_CASE("a new subscription replaces the old one") {
  fixture f;
  auto old = f.add(1, "a", {.limits = {1s, 50ms}, .acknowledged = true});
  f.add(2, "a", slow);
  f.set("a", 1, at(0s));
  auto id = f.add(1, "a", slow);
  CHECK(id != old);
  CHECK(f.uut.size() == 2);
  CHECK(f.uut.acknowledge(old) == never);
  CHECK(f.uut.remove(old).empty());
  f.expire(at(50ms));
  CHECK(f.arrived == arrivals{{2, "a", 1}}); // 1 has it already
  id = f.add(1, "a", slow);
  id = f.add(1, "a", slow); // the same cohort again
  CHECK(f.uut.size() == 2);
  f.expire(at(2s));
  f.set("a", 2, at(2s));
  f.expire(at(3s));
  CHECK(f.arrived == arrivals{{1, "a", 2}, {2, "a", 2}});
  CHECK(f.uut.remove(id).size() == 1);
  CHECK(f.uut.size() == 1);
}

TEST_CASE("nothing arrives after removal") {
  fixture f;
  std::vector<uint64_t> ids;
  for (auto i = 0; i < 9; ++i)
    ids.push_back(f.add(i, "a", slow));
  f.add(1, "b", slow);
  f.set("a", 1, at(0s));
  f.set("b", 1, at(0s));
  std::set<std::pair<uint64_t, int>> gone;
  auto note = [&](const uut_type::removed& xs) {
    xs.for_each([&](uint64_t id, int who) { gone.emplace(id, who); });
    return xs.size();
  };
  CHECK(note(f.uut.remove(ids[3])) == 1); // from the middle
  CHECK(note(f.uut.remove(ids[3])) == 0);
  CHECK(note(f.uut.remove(8, path("a"))) == 1); // the last one
  CHECK(note(f.uut.remove(8, path("a"))) == 0);
  CHECK(note(f.uut.remove(8, path("c"))) == 0);
  CHECK(note(f.uut.remove_all(1)) == 2);
  CHECK(note(f.uut.remove_all(1)) == 0);
  CHECK(note(f.uut.remove(0, path("a"))) == 1); // the first one
  CHECK(gone.size() == 5);
  CHECK(gone.count({ids[3], 3}) == 1);
  CHECK(gone.count({ids[8], 8}) == 1);
  CHECK(f.uut.size() == 5);
  f.expire(at(50ms));
  CHECK(f.arrived
        == arrivals{
          {2, "a", 1}, {4, "a", 1}, {5, "a", 1}, {6, "a", 1}, {7, "a", 1}});
  for (auto i : {5, 2, 7, 4})
    CHECK(f.uut.remove(ids[i]).size() == 1);
  CHECK_FALSE(f.uut.pristine());
  CHECK(f.uut.remove_all(6).size() == 1);
  CHECK(f.uut.pristine());
  CHECK(f.uut.next_due() == never);
  CHECK_FALSE(f.uut.attentive());
}

TEST_CASE("clear removes everything") {
  fixture f;
  f.add(1, "a", slow);
  f.add(2, "b", slow);
  f.add(2, "a.b.c", slow);
  f.add(3, {}, {.limits = {}, .acknowledged = true});
  f.set("a", 1, at(0s));
  CHECK(f.uut.clear().size() == 4);
  CHECK(f.uut.pristine());
  CHECK_FALSE(f.uut.attentive());
  CHECK(f.uut.next_due() == never);
  CHECK(f.expire(at(1s)) == never);
  f.add(1, "a", slow);
  CHECK(f.set("a", 1, at(1s)) == at(1050ms));
}

TEST_CASE("subscriptions are listed") {
  fixture f;
  auto x = f.add(1, "a", slow);
  auto y = f.add(2, {}, {.limits = {-1s, 0s}, .acknowledged = true});
  std::set<std::tuple<std::string, settings, uint64_t, int>> found;
  f.uut.for_each(
    [&](const path& where, const settings& how, uint64_t id, int who) {
      found.emplace(to_string(where), how, id, who);
    });
  CHECK(found.size() == 2);
  CHECK(found.count({"a", slow, x, 1}) == 1);
  CHECK(found.count({"", settings{{}, true}, y, 2}) == 1);
}

TEST_CASE("states are released by the caller") {
  fixture f;
  f.states["a"] = 1;
  std::weak_ptr<const int> first = f.states["a"].value;
  f.add(1, "a", slow);
  f.add(2, "a", slow);
  SECTION("when they are replaced") {
    f.set("a", 2, at(0s));
    f.expire(at(50ms));
    CHECK_FALSE(first.expired());
    CHECK(f.uut.take_retired().size() == 1);
    CHECK(first.expired());
    CHECK(f.uut.take_retired().empty());
  }
  SECTION("when they are replaced by equal ones") {
    f.set("a", 1, at(0s));
    f.expire(at(50ms));
    CHECK_FALSE(first.expired());
    f.uut.take_retired();
    CHECK(first.expired());
  }
  SECTION("unless he forgets to") {
    f.set("a", 2, at(0s));
    f.expire(at(50ms));
    f.expire(at(60ms));
    CHECK(first.expired());
  }
  SECTION("when nobody is left") {
    f.states.clear();
    f.uut.remove_all(1);
    {
      auto gone = f.uut.remove_all(2);
      CHECK_FALSE(first.expired());
    }
    CHECK(first.expired());
  }
}

TEST_CASE("of equal states the newest is kept") {
  fixture f;
  f.add(3, "a", slow);
  f.set("a", 1, at(0s));
  f.add(1, "a", slow);
  f.add(2, "a", slow); // these two rest
  f.expire(at(50ms));
  std::weak_ptr<const int> older = f.states["a"].value;
  f.states["a"] = 1;
  f.expire(at(1050ms));
  CHECK(f.uut.cohorts() == 1);
  f.uut.take_retired();
  CHECK(older.expired());
}

TEST_CASE("what waits for ever does so") {
  fixture f;
  auto huge = duration::max();
  f.add(1, "a", {.limits = {0s, huge}});
  f.add(2, "a", {.limits = {huge, 0s}});
  CHECK(f.set("a", 1, at(0s)) == at(0s));
  CHECK(f.expire(at(0s)) == never);
  CHECK(f.arrived == arrivals{{2, "a", 1}});
  f.set("a", 2, at(1s));
  CHECK(f.expire(at(100'000h)) == never);
  CHECK(f.arrived == arrivals{});
  CHECK(f.uut.remove_all(1).size() == 1);
  CHECK(f.uut.remove_all(2).size() == 1);
  CHECK(f.uut.pristine());
}

} // namespace audience_test
