// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "audiences.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <set>

#include "registry/effort.hpp"

namespace audience_model_test {

using namespace audiences;

namespace {

constexpr std::array leaves{"w", "a.d", "a.b.q", "a.b.c.p", "x.y.z"};

constexpr std::array scopes{"", "a", "a.b", "a.b.c", "a.b.c.p", "a.d", "x.y"};

// Small numbers that meet often, and extremes.
constexpr std::array<duration, 7> durations{
  0ns, 1ns, 3ns, 7ns, 20ns, -5ns, duration::max()};

// The leaves of a scope.
using view = std::vector<std::pair<std::string, int>>;

using audience_type = cafreg::detail::audience<int, view>;

duration clamped(duration x) {
  return std::max(x, duration{0});
}

time_point later(time_point x, duration y) {
  return y >= never - x ? never : x + y;
}

// What one subscriber of his own would do, written down once more, and what the
// outside may expect of it.
struct subscriber {
  enum class phase {
    idle,
    collecting,
    pausing
  };

  uint64_t id;
  int who;
  path where;
  settings how;
  view last;
  phase now = phase::idle;
  time_point due = never;
  bool awaited = false;

  // Since when somebody could see that something is missing.
  std::optional<time_point> stale = std::nullopt;
  std::optional<time_point> delivered = std::nullopt;
  time_point acknowledged = at(0s);

  duration interval() const {
    return clamped(how.limits.min_interval);
  }

  duration hysteresis() const {
    return clamped(how.limits.hysteresis);
  }

  void change(time_point t) {
    if (now == phase::idle) {
      now = phase::collecting;
      due = later(t, hysteresis());
    }
  }

  // Returns whether it delivers.
  bool expire(time_point t, const view& present) {
    if (now == phase::idle || awaited || t < due)
      return false;
    auto result = present != last;
    if (result && interval() > 0ns) {
      now = phase::pausing;
      due = later(t, interval());
    } else {
      now = phase::idle;
      due = never;
    }
    last = present;
    awaited = result && how.acknowledged;
    return result;
  }

  // When it must have got the present state, if nobody was late.
  time_point deadline() const {
    if (!stale || awaited)
      return never;
    return later(later(std::max(*stale, acknowledged), hysteresis()),
                 interval());
  }
};

// Random changes to a tree with subscribers, in virtual time, which jumps from
// event to event. All calls go to the audience and to one naive subscriber
// each; the audience is used as its protocol says.
struct world {
  // Whether calls may be late, as with slow threads.
  world(uint32_t seed, bool late) : rng(seed), late(late) {
    // nop
  }

  int pick(size_t n) {
    return std::uniform_int_distribution{0, static_cast<int>(n) - 1}(rng);
  }

  bool chance(int percent) {
    return pick(100) < percent;
  }

  view look(const path& where) const {
    view result;
    for (auto& [leaf, value] : tree)
      if (where.contains(path(leaf)))
        result.emplace_back(leaf, value);
    return result;
  }

  subscriber* find(uint64_t id) {
    auto pos = std::find_if(all.begin(), all.end(),
                            [&](const auto& x) { return x.id == id; });
    return pos == all.end() ? nullptr : &*pos;
  }

  // -- what happens -----------------------------------------------------------

  void subscribe() {
    path where = scopes[pick(scopes.size())];
    auto pace = [this] { return durations[pick(durations.size())]; };
    settings how{{pace(), pace()}, chance(30)};
    if (chance(60)) // many are equal
      how = {{7ns, 3ns}, false};
    auto who = pick(12);
    auto result = uut.add(where, how, who,
                          [this](const path& x) { return look(x); });
    std::erase_if(all, [&](const auto& x) {
      return x.who == who && x.where == where;
    });
    auto state = look(where);
    REQUIRE(result.state == state);
    REQUIRE(result.replaced.empty());
    all.push_back({result.id, who, where, how, state});
    all.back().awaited = how.acknowledged;
    all.back().acknowledged = now;
  }

  void unsubscribe() {
    if (all.empty())
      return;
    auto x = all[pick(all.size())];
    size_t removed = 0;
    if (chance(50)) {
      removed = uut.remove(x.id).size();
      std::erase_if(all, [&](const auto& y) { return y.id == x.id; });
    } else if (chance(50)) {
      removed = uut.remove(x.who, x.where).size();
      std::erase_if(all, [&](const auto& y) { return y.id == x.id; });
    } else {
      removed = uut.remove_all(x.who).size() + 1;
      removed -= std::erase_if(all,
                               [&](const auto& y) { return y.who == x.who; });
    }
    REQUIRE(removed == 1);
    REQUIRE(uut.remove(x.id).empty());
  }

  void acknowledge() {
    if (all.empty())
      return;
    auto& x = all[pick(all.size())];
    if (!x.how.acknowledged)
      return;
    alarm = std::min(alarm, uut.acknowledge(x.id));
    if (x.awaited)
      x.acknowledged = now;
    x.awaited = false;
  }

  // A transaction of some leaves.
  void commit() {
    std::set<std::string> changed;
    for (auto n = 1 + pick(3); n > 0; --n) {
      std::string leaf = leaves[pick(leaves.size())];
      auto value = pick(3);
      if (value == 0)
        tree.erase(leaf);
      else
        tree[leaf] = value;
      changed.insert(leaf);
    }
    for (auto& x : all)
      if (look(x.where) == x.last)
        x.stale.reset();
      else if (!x.stale)
        x.stale = now;
    if (!uut.attentive()) {
      ++unnoticed;
      return;
    }
    if (late && chance(30)) {
      for (auto& leaf : changed)
        untold.push_back(leaf);
      return;
    }
    for (auto& leaf : changed)
      tell(leaf);
  }

  void tell(const path& leaf) {
    auto due = uut.changed(leaf, now);
    auto expected = never;
    for (auto& x : all)
      if (x.now == subscriber::phase::idle && x.where.contains(leaf)) {
        x.change(now);
        expected = std::min(expected, x.due);
      }
    REQUIRE(due == expected);
    alarm = std::min(alarm, due);
  }

  void tell() {
    for (auto& leaf : std::exchange(untold, {}))
      tell(leaf);
  }

  // In one turn or several.
  void expire() {
    std::multiset<uint64_t> reached;
    auto enough = chance(50) ? all.size() + 1 : 1 + pick(3);
    for (auto first = true; first || alarm <= now; first = false) {
      if (!first)
        ++more_turns;
      std::set<std::string> looks;
      auto before = reached.size();
      alarm = uut.expire(
        now,
        [&](const path& where) {
          REQUIRE(uut.attentive());
          REQUIRE(looks.insert(to_string(where)).second);
          return look(where);
        },
        [&](const path& where, const view& state,
            std::span<const audience_type::entry> members) {
          REQUIRE_FALSE(members.empty());
          REQUIRE(reached.size() - before < enough);
          ++calls;
          for (auto& member : members) {
            reached.insert(member.id);
            deliver(member, where, state);
          }
        },
        enough);
    }
    std::multiset<uint64_t> expected;
    auto next = never;
    auto idle = false;
    for (auto& x : all) {
      if (x.expire(now, look(x.where)))
        expected.insert(x.id);
      if (!x.awaited)
        next = std::min(next, x.due);
      idle = idle || x.now == subscriber::phase::idle;
    }
    REQUIRE(reached == expected);
    REQUIRE(alarm == uut.next_due());
    REQUIRE(alarm <= next);
    REQUIRE(uut.attentive() == idle);
    deliveries += reached.size();
  }

  // -- what may be expected, whatever the implementation ----------------------

  void deliver(const audience_type::entry& to, const path& where,
               const view& state) {
    auto* x = find(to.id);
    REQUIRE(x != nullptr); // or it is unsubscribed
    REQUIRE(x->who == to.who);
    REQUIRE(x->where == where);
    REQUIRE(state == look(where));
    REQUIRE(state != x->last);
    REQUIRE_FALSE(x->awaited);
    if (x->delivered)
      REQUIRE(now - *x->delivered >= x->interval());
    x->delivered = now;
    x->stale.reset();
  }

  void check_deadlines(bool inclusive) {
    if (late)
      return;
    for (auto& x : all) {
      auto deadline = x.deadline();
      if (deadline != never)
        REQUIRE((inclusive ? deadline > now : deadline >= now));
    }
  }

  // -- the course of time -----------------------------------------------------

  void run(size_t steps) {
    for (size_t i = 0; i < steps; ++i) {
      advance(now + duration{chance(40) ? 0 : pick(12)});
      auto dice = pick(100);
      if (dice < 55)
        commit();
      else if (dice < 75)
        subscribe();
      else if (dice < 85)
        unsubscribe();
      else
        acknowledge();
      if (chance(50))
        tell();
    }
    tell();
    advance(at(1s));
    REQUIRE(alarm > at(1s));
    for (auto& x : all)
      if (x.deadline() != never)
        REQUIRE(x.last == look(x.where));
    cohorts += uut.cohorts();
    size += uut.size();
    REQUIRE(uut.size() == all.size());
    while (!all.empty())
      unsubscribe();
    REQUIRE(uut.pristine());
    REQUIRE_FALSE(uut.attentive());
  }

  void advance(time_point until) {
    while (alarm <= until) {
      now = std::max(now, alarm);
      if (late && chance(30))
        now = std::min(until, now + duration{pick(5)});
      check_deadlines(false);
      expire();
      check_deadlines(true);
    }
    now = until;
    check_deadlines(false);
  }

  std::mt19937 rng;
  bool late;
  time_point now = at(0s);
  // When the keeper wakes up: it knows only what functions return.
  time_point alarm = never;
  audience_type uut;
  std::vector<subscriber> all;
  std::map<std::string, int> tree;
  std::vector<std::string> untold;
  // Statistics: whether all this happened.
  size_t deliveries = 0;
  size_t calls = 0;
  size_t more_turns = 0;
  size_t unnoticed = 0;
  size_t cohorts = 0;
  size_t size = 0;
};

void run(bool late) {
  size_t deliveries = 0;
  size_t calls = 0;
  size_t more_turns = 0;
  size_t unnoticed = 0;
  size_t cohorts = 0;
  size_t size = 0;
  auto runs = effort(200, 40);
  for (uint32_t seed = 0; seed < runs; ++seed) {
    CAPTURE(seed);
    world w{seed, late};
    w.run(400);
    deliveries += w.deliveries;
    calls += w.calls;
    more_turns += w.more_turns;
    unnoticed += w.unnoticed;
    cohorts += w.cohorts;
    size += w.size;
  }
  CHECK(deliveries > 50 * runs);
  CHECK(calls < deliveries);
  CHECK(more_turns > runs);
  CHECK(unnoticed > 0);
  CHECK(cohorts < size);
}

} // namespace

TEST_CASE("cohorts deliver what single subscribers would, and keep promises") {
  run(false);
}

TEST_CASE("they do so when writers and the keeper are late") {
  run(true);
}

} // namespace audience_model_test
