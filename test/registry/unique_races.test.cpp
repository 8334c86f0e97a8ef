// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <map>
#include <random>
#include <set>
#include <tuple>

namespace unique_races_test {

using namespace caf_test;

namespace {

// What became of a race: who says that he won, and whom the others name.
struct outcome {
  void add(const caf::expected<cafreg::registration<caf::actor>>& done) {
    std::lock_guard guard{mutex};
    ++total;
    if (!done) {
      ++errors;
    } else {
      winners += done->inserted ? 1 : 0;
      holders.insert(done->holder.id());
    }
  }

  std::mutex mutex;
  size_t total = 0;
  size_t errors = 0;
  size_t winners = 0;
  std::set<caf::actor_id> holders;
};

} // namespace

TEST_CASE("a thousand threads race for one name") {
  world w;
  names_type names{w.sys};
  const auto threads = effort(1000, 200);
  outcome seen;
  std::vector<caf::actor> candidates;
  for (size_t i = 0; i < threads; ++i)
    candidates.push_back(w.sys.spawn(idle));
  in_threads(threads, [&](size_t t) {
    seen.add(names.register_as(candidates[t], "x", static_cast<int>(t)));
  });
  CHECK(seen.total == threads);
  CHECK(seen.errors == 0);
  CHECK(seen.winners == 1);
  REQUIRE(seen.holders.size() == 1);
  CHECK(names.count() == 1);
  auto found = names.lookup("x");
  REQUIRE(found);
  CHECK(found->handle().id() == *seen.holders.begin());
  CHECK(candidates[static_cast<size_t>(found->value())] == found->handle());
  for (auto& x : candidates)
    kill(x);
}

TEST_CASE("a thousand actors race for one name") {
  world w;
  names_type names{w.sys};
  outcome seen;
  constexpr size_t actors = 1000;
  std::vector<caf::actor> candidates;
  for (size_t i = 0; i < actors; ++i)
    candidates.push_back(
      w.sys.spawn([&seen, ref = names.ref()](
                    caf::event_based_actor* self) -> caf::behavior {
        return {[&seen, ref, self](int x) {
          seen.add(ref.register_as(caf::actor{self}, "x", x));
        }};
      }));
  auto go = caf::make_message(1);
  for (auto& x : candidates)
    tell(x, 1);
  REQUIRE(eventually([&] {
    std::lock_guard guard{seen.mutex};
    return seen.total == actors;
  }));
  CHECK(seen.errors == 0);
  CHECK(seen.winners == 1);
  REQUIRE(seen.holders.size() == 1);
  CHECK(names.whereis("x")->id() == *seen.holders.begin());
  for (auto& x : candidates)
    kill(x);
}

namespace {

// Counts its objects and starts.
class counted : public caf::event_based_actor {
public:
  static inline std::atomic<size_t> made{0};
  static inline std::atomic<size_t> started{0};

  explicit counted(caf::actor_config& cfg) : caf::event_based_actor(cfg) {
    ++made;
  }

  caf::behavior make_behavior() override {
    ++started;
    return idle(this);
  }
};

} // namespace

TEST_CASE("a thousand threads spawn under one name, and one actor starts") {
  world w;
  names_type names{w.sys};
  const auto threads = effort(1000, 200);
  std::mutex mutex;
  size_t won = 0;
  std::map<std::string, size_t> texts;
  caf::actor winner;
  auto note = [&](const caf::expected<caf::actor>& done) {
    std::lock_guard guard{mutex};
    if (done) {
      ++won;
      winner = *done;
    } else if (cafreg::is(done.error(), cafreg::errc::already_registered)) {
      ++texts[cafreg::to_text(done.error())];
    }
  };
  SECTION("of a class") {
    counted::made = 0;
    counted::started = 0;
    in_threads(threads, [&](size_t) { note(names.spawn_as<counted>("x", 1)); });
    CHECK(eventually([] { return counted::started == 1; }));
    CHECK(counted::made == 1);
  }
  SECTION("from a function") {
    std::atomic<size_t> started{0};
    in_threads(threads, [&](size_t) {
      note(names.spawn_as("x", 1, [&started](caf::event_based_actor* self) {
        ++started;
        return idle(self);
      }));
    });
    CHECK(eventually([&] { return started == 1; }));
    // Whoever would still be on its way: none was spawned.
    CHECK(eventually(
      [&] { return running_actors(w.sys) == (dead(winner) ? 0u : 1u); }));
    CHECK(started == 1);
  }
  CHECK(won == 1);
  // Every loser learned the winner.
  REQUIRE(texts.size() == 1);
  CHECK(texts.begin()->second == threads - 1);
  CHECK(texts.begin()->first.find(std::to_string(winner.id()))
        != std::string::npos);
  CHECK(names.whereis("x") == winner);
  kill(winner);
}

TEST_CASE("a name passes from one dead actor to the next, never to two") {
  world w;
  names_type names{w.sys};
  const auto rounds = effort(500, 50);
  std::atomic<int> alive{0};
  std::atomic<int> most{0};
  std::atomic<size_t> starts{0};
  // A holder counts itself while it can be found.
  auto body = [&](caf::event_based_actor* self) -> caf::behavior {
    auto now = ++alive;
    ++starts;
    if (now > most)
      most = now;
    return {[&, self](int) {
      --alive;
      self->quit();
    }};
  };
  in_threads(3, [&](size_t) {
    for (size_t i = 0; i < rounds; ++i) {
      auto done = names.spawn_as("x", 1, body);
      names.via("x").send(1);
    }
  });
  // The last one may not even have started.
  CHECK(eventually([&] {
    names.via("x").send(1);
    return names.count() == 0;
  }));
  CHECK(most == 1);
  CHECK(starts >= 1);
  CHECK(alive == 0);
}

TEST_CASE("everything at once leaves a consistent registry") {
  world w;
  auto log = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, log);
  names_type names{w.sys, {.partitions = 2, .listeners = {listener}}};
  const auto rounds = effort(4000, 500);
  in_threads(3, [&](size_t t) {
    std::mt19937_64 random{t};
    std::vector<caf::actor> mine;
    for (size_t i = 0; i < rounds; ++i) {
      auto key = std::to_string(random() % 8);
      if (mine.size() < 4)
        mine.push_back(w.sys.spawn(idle));
      auto& who = mine[random() % mine.size()];
      switch (random() % 10) {
        default:
          names.register_as(who, key, static_cast<int>(i));
          break;
        case 4:
          names.unregister(who, key);
          break;
        case 5:
          kill(who);
          who = w.sys.spawn(idle);
          break;
        case 6:
          if (auto holder = names.whereis(key))
            std::ignore = names.give_away(key, *holder, who);
          break;
        case 7:
          names.standby(key, who, -1);
          break;
        case 8:
          if (auto spawned = names.spawn_as(key, 5, idle))
            mine.push_back(*spawned);
          break;
        case 9:
          names.update_value(who, key, [](int x) { return x + 1; });
          break;
      }
    }
    for (auto& x : mine)
      kill(x);
  });
  names.for_each([](const names_type::view_type& x) { kill(x.handle()); });
  CHECK(eventually([&] {
    names.for_each([](const names_type::view_type& x) { kill(x.handle()); });
    return names.count() == 0;
  }));
  // What the listener was told makes a story.
  auto total = names.stats().events;
  auto events = log->wait_for(total);
  CHECK(events.size() == total);
  std::map<std::string, caf::actor_id> holders;
  size_t wrong = 0;
  for (auto& x : events) {
    auto& holder = holders[x.key];
    if (x.what == event::kind::registered) {
      if (holder != 0)
        ++wrong;
      holder = x.holder;
    } else {
      if (holder != x.holder)
        ++wrong;
      holder = 0;
    }
  }
  for (auto& [key, holder] : holders)
    if (holder != 0)
      ++wrong;
  CHECK(wrong == 0);
  names.close();
  kill(listener);
}

} // namespace unique_races_test
