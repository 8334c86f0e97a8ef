// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <limits>
#include <numeric>
#include <optional>

#include "catch.hpp"

namespace deliveries_test {

using namespace sys_test;

namespace {

using steady_clock = std::chrono::steady_clock;

struct fixture {
  explicit fixture(size_t workers = 0) : w(workers) {
    // nop
  }

  ~fixture() {
    kill(reader);
  }

  int last(const path& where) {
    return in->states().back().snapshot.get_or(where, -1);
  }

  void set(const path& where, int x) {
    REQUIRE(state.update(me, where, x));
  }

  sys_world w;
  system_registry state{w.sys};
  caf::actor me = w.someone();
  std::shared_ptr<inbox> in = std::make_shared<inbox>();
  caf::actor reader = spawn_reader(w.sys, in);
};

/// Whether no state comes after a newer one.
bool in_order(const std::vector<system_state>& xs) {
  return std::is_sorted(xs.begin(), xs.end(), [](auto& x, auto& y) {
    return x.snapshot.version() < y.snapshot.version();
  });
}

} // namespace

TEST_CASE("the first state starts no pacing, the second does") {
  fixture f;
  witness all{f.state};
  REQUIRE(f.state.subscribe(f.reader, {.min_interval = 1h}));
  REQUIRE(f.in->await_count(1));
  CHECK(f.in->states()[0].snapshot.empty());
  CHECK(f.in->states()[0].registry == "system");
  f.set("state.a", 1);
  REQUIRE(f.in->await_count(2)); // at once
  for (auto i = 2; i < 10; ++i)
    f.set("state.a", i);
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 2);
  // To subscribe anew is a way to have it at once.
  REQUIRE(f.state.subscribe(f.reader, {.min_interval = 1h}));
  REQUIRE(f.in->await_count(3));
  CHECK(f.last("state.a") == 9);
  CHECK(f.state.stats().subscriptions == 2);
}

TEST_CASE("changes are collected for a while") {
  fixture f;
  witness all{f.state};
  REQUIRE(f.state.subscribe(f.reader, {.hysteresis = 1h}));
  f.set("state.a", 1);
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 1);
  REQUIRE(f.state.subscribe(f.reader, {.hysteresis = 5ms}));
  f.set("state.a", 2);
  REQUIRE(f.in->await(
    [](const auto& x) { return x.snapshot.get_or("state.a", 0) == 2; }));
}

TEST_CASE("deliveries are never closer than wanted") {
  fixture f;
  constexpr auto interval = 10ms;
  auto begin = steady_clock::now();
  REQUIRE(f.state.subscribe(f.reader, {.min_interval = interval}));
  auto n = 0;
  while (f.in->size() < 6)
    f.set("state.a", ++n);
  REQUIRE(f.in->await(
    [n](const auto& x) { return x.snapshot.get_or("state.a", 0) == n; }));
  auto end = steady_clock::now();
  auto states = f.in->states();
  CHECK(in_order(states));
  // The first one is apart, then there is a pause after each but the last.
  CHECK(end - begin >= interval * (states.size() - 2));
}

TEST_CASE("without acknowledgement nothing follows") {
  fixture f;
  witness all{f.state};
  REQUIRE(
    f.state.subscribe(f.reader, {.scope = "state", .acknowledged = true}));
  REQUIRE(f.in->await_count(1));
  f.set("state.a", 1);
  f.set("state.a", 2);
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 1);
  f.state.acknowledge(f.reader, f.in->states().back());
  REQUIRE(f.in->await_count(2));
  CHECK(f.last("state.a") == 2);
  f.state.acknowledge(f.reader, path{"state"});
  f.state.acknowledge(f.reader, path{"elsewhere"});
  f.state.acknowledge(f.me, path{"state"});
  f.set("state.a", 3);
  REQUIRE(f.in->await_count(3));
  f.set("state.a", 4);
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 3);
}

TEST_CASE("a late acknowledgement is not for the state after it") {
  fixture f;
  witness all{f.state};
  REQUIRE(f.state.subscribe(f.reader, {.acknowledged = true}));
  REQUIRE(f.in->await_count(1));
  f.set("state.a", 1);
  REQUIRE(f.state.subscribe(f.reader, {.acknowledged = true}));
  REQUIRE(f.in->await_count(2));
  f.state.acknowledge(f.reader, f.in->states().front());
  f.set("state.a", 2);
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 2);
  f.state.acknowledge(f.reader, f.in->states().back());
  CHECK(f.in->await_count(3));
}

TEST_CASE("what can never show has no subscribers") {
  fixture f;
  auto refused = f.state.subscribe(f.reader, {.scope = "sate.a"});
  CHECK(code_of(refused) == "bad_path");
  CHECK(to_text(refused.error())
        == "registry system: path sate.a: sate is no mount: what is there is"
           " private");
  CHECK(code_of(f.state.task("sate", [](auto&, auto&) {})) == "bad_path");
  CHECK(f.state.stats().subscriptions == 0);
}

TEST_CASE("never are two deliveries unacknowledged") {
  fixture f;
  REQUIRE(f.state.subscribe(f.reader, {.acknowledged = true}));
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    for (auto i = 0; !done; ++i)
      f.state.update(f.me, "state.a", i);
  }};
  auto never_two = true;
  for (size_t acknowledged = 0; acknowledged < 200; ++acknowledged) {
    never_two = f.in->await_count(acknowledged + 1) && never_two
                && f.in->size() == acknowledged + 1;
    f.state.acknowledge(f.reader);
  }
  done = true;
  writer.join();
  CHECK(never_two);
  auto last = f.state.get<int>("state.a").value();
  // The last one may be on its way already.
  CHECK(eventually([&] {
    f.state.acknowledge(f.reader);
    return f.last("state.a") == last;
  }));
  CHECK(in_order(f.in->states()));
}

TEST_CASE("a handler may unsubscribe, subscribe, and change the state") {
  fixture f;
  witness all{f.state};
  auto ref = f.state.ref();
  auto in = f.in;
  auto once
    = f.w.sys.spawn([ref, in](caf::event_based_actor* self) -> caf::behavior {
        return {[=](const system_state& x) {
                  in->add(x);
                  if (in->size() == 1) {
                    ref.update(self, "state.mine", 1);
                  } else {
                    ref.unsubscribe(self, x.scope);
                    ref.update(self, "state.mine", 2);
                  }
                },
                [in](int) { in->tick(); }};
      });
  REQUIRE(f.state.subscribe(once, {.scope = "state"}));
  REQUIRE(all.await(2));
  REQUIRE(drain(once, f.in));
  f.set("state.other", 1);
  REQUIRE(all.await());
  REQUIRE(drain(once, f.in));
  CHECK(f.in->size() == 2);
  CHECK(f.state.stats().subscriptions == 1);
  kill(once);
}

TEST_CASE("a subscriber that dies while something is due") {
  fixture f;
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> watched = held;
  auto mortal = spawn_keeping(f.w.sys, std::move(held));
  auto due = f.state.subscribe(mortal, {.hysteresis = 1h});
  REQUIRE(due);
  f.set("state.a", 1);
  SECTION("by being killed") {
    kill(mortal);
    mortal = nullptr;
    CHECK(eventually([&] { return f.state.stats().subscriptions == 0; }));
    CHECK(eventually([&] { return watched.expired(); }));
    CHECK_FALSE(due->cancel());
  }
  SECTION("is alive as long as it subscribes") {
    auto id = mortal.id();
    mortal = nullptr;
    auto holders = f.state.holders();
    CHECK(std::any_of(holders.begin(), holders.end(), [id](auto& x) {
      return x.id == id && x.role == cafreg::holder_role::subscriber;
    }));
    CHECK_FALSE(watched.expired());
    CHECK(due->cancel());
    CHECK(eventually([&] { return watched.expired(); }));
  }
}

TEST_CASE("the dead do not subscribe") {
  fixture f;
  auto mortal = f.w.someone();
  REQUIRE(kill_and_wait(mortal));
  CHECK(code_of(f.state.subscribe(mortal)) == "dead_actor");
  CHECK(code_of(f.state.subscribe(caf::actor{})) == "null_handle");
  CHECK(code_of(f.state.subscribe(f.reader, {.scope = path{"a", ""}}))
        == "bad_path");
  CHECK(f.state.stats().subscriptions == 0);
  // Death and subscription at once.
  for (auto i = 0; i < 200; ++i) {
    auto who = f.w.someone();
    kill(who);
    f.state.subscribe(who, {.hysteresis = 1h});
  }
  CHECK(eventually([&] { return f.state.stats().subscriptions == 0; }));
  CHECK(eventually([&] { return f.state.stats().actors == 0; }));
}

TEST_CASE("after a subscription was cancelled nothing comes") {
  fixture f;
  witness all{f.state};
  for (auto i = 0; i < 100; ++i) {
    auto mine = f.state.subscribe(f.reader, {.scope = "state"});
    REQUIRE(mine);
    std::thread other{[&] { mine->cancel(); }};
    f.set("state.a", 2 * i);
    other.join();
    REQUIRE(drain(f.reader, f.in));
    auto before = f.in->size();
    f.set("state.a", 2 * i + 1);
    REQUIRE(all.await());
    REQUIRE(drain(f.reader, f.in));
    CHECK(f.in->size() == before);
  }
}

TEST_CASE("a scope may be a leaf, and come and go") {
  fixture f;
  witness all{f.state};
  REQUIRE(f.state.subscribe(f.reader, {.scope = "state.a"}));
  REQUIRE(f.in->await_count(1));
  CHECK(f.in->states()[0].snapshot.empty());
  auto step = [&](size_t count) {
    REQUIRE(f.in->await_count(count));
    return to_string(f.in->states().back().snapshot);
  };
  f.set("state.a", 1);
  CHECK(step(2) == "version 1\nstate.a = 1");
  f.set("state.b", 1); // elsewhere
  f.set("state.ab", 1);
  REQUIRE(f.state.remove(f.me, "state.a"));
  CHECK(step(3) == "version 4");
  f.set("state.a.x.y", 1);
  CHECK(step(4) == "version 5\nstate.a.x.y = 1");
  kill(f.me);
  CHECK(step(5) == "version 6");
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 5);
}

TEST_CASE("what is as it was is not sent") {
  fixture f{1};
  witness all{f.state};
  f.set("state.a", 1);
  REQUIRE(all.await());
  REQUIRE(f.state.subscribe(f.reader, {.scope = "state.a"}));
  REQUIRE(f.in->await_count(1));
  {
    busy nobody_delivers{f.w.sys};
    f.set("state.a", 2);
    f.set("state.a", 1);
    f.set("state.b", 1);
  }
  REQUIRE(all.await());
  REQUIRE(all.await());
  REQUIRE(drain(f.reader, f.in));
  CHECK(f.in->size() == 1);
  f.set("state.a", 3);
  REQUIRE(f.in->await_count(2));
  CHECK(f.last("state.a") == 3);
}

TEST_CASE("ten thousand subscribers get the last state") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  constexpr size_t count = effort(10000, 1000);
  auto seen = std::make_shared<std::vector<std::atomic<int>>>(count);
  for (size_t i = 0; i < count; ++i) {
    auto reader = w.sys.spawn([=](caf::event_based_actor*) -> caf::behavior {
      return {[=](const system_state& x) {
        (*seen)[i] = x.snapshot.get_or("state.a", 0);
      }};
    });
    REQUIRE(state.subscribe(
      reader,
      {.scope = "state", .min_interval = std::chrono::milliseconds{i % 3}}));
  }
  for (auto i = 1; i <= 100; ++i)
    REQUIRE(state.update(me, "state.a", i));
  CHECK(eventually([&] {
    return std::all_of(seen->begin(), seen->end(),
                       [](auto& x) { return x == 100; });
  }));
  CHECK(state.stats().subscriptions == count);
}

TEST_CASE("the last state arrives, whoever writes") {
  sys_world w;
  system_registry state{w.sys};
  constexpr size_t writers = 4;
  std::vector<std::shared_ptr<inbox>> boxes;
  std::vector<caf::actor> readers;
  for (auto i = 0; i < 8; ++i) {
    boxes.push_back(std::make_shared<inbox>());
    readers.push_back(spawn_reader(w.sys, boxes.back()));
    REQUIRE(state.subscribe(
      readers.back(),
      {.scope = i % 2 == 0 ? path{} : path{"state"},
       .min_interval = std::chrono::microseconds{i * 200},
       .hysteresis = std::chrono::microseconds{(i % 3) * 100}}));
  }
  in_threads(writers, [&](size_t t) {
    auto me = w.someone();
    auto mine = path{"state", std::to_string(t)};
    for (auto i = 0; i < 500; ++i)
      if (i % 7 == 6)
        must(state.remove(me, mine));
      else
        must(state.update(me, mine, i));
    // Stays alive with what it owns.
    must(state.update(me, mine, "end"));
  });
  auto now = state.snapshot("state");
  for (auto& box : boxes) {
    CHECK(box->await([&](const auto& x) { return x.snapshot == now; }));
    CHECK(in_order(box->states()));
  }
}

TEST_CASE("a system may end with subscriptions open") {
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> watched = held;
  {
    fixture f;
    auto reader = spawn_keeping(f.w.sys, std::move(held));
    REQUIRE(f.state.subscribe(reader, {.min_interval = 1h}));
    REQUIRE(f.state.subscribe(f.reader, {.hysteresis = 1h}));
    REQUIRE(f.state.subscribe(f.me, {.acknowledged = true}));
    REQUIRE(f.state.task("state", [](auto&, auto&) {}));
    f.set("state.a", 1);
    f.set("state.a", 2);
    kill(f.me);
  }
  CHECK(watched.expired());
}

TEST_CASE("changes during a task are in one call after it") {
  fixture f;
  witness all{f.state};
  gate door;
  std::mutex mutex;
  std::vector<int> seen;
  auto running = f.state.task("state.a", [&](auto&, const snapshot& now) {
    {
      std::lock_guard guard{mutex};
      seen.push_back(now.get_or("state.a", 0));
    }
    door.pass();
  });
  REQUIRE(running);
  f.set("state.a", 1);
  REQUIRE(door.wait_for(1));
  for (auto i = 2; i < 6; ++i) {
    f.set("state.a", i);
    REQUIRE(all.await());
  }
  door.open();
  auto last = [&] {
    std::lock_guard guard{mutex};
    return seen.back();
  };
  REQUIRE(eventually([&] { return last() == 5; }));
  CHECK(seen == std::vector<int>{1, 5});
  CHECK(running->cancel());
}

namespace {

/// Counts how often its keeper wakes up: every millisecond for some time.
class sleeper : public cafreg::detail::core_base {
public:
  using time_point = steady_clock::time_point;

  explicit sleeper(caf::actor_system& sys) : core_base(sys, {}) {
    // nop
  }

  void actor_down(caf::actor_control_block*, const caf::error&) override {
    // nop
  }

  void enroll(caf::actor_control_block*) override {
    // nop
  }

  bool flush() noexcept override {
    return false;
  }

  time_point expire(time_point now) override {
    ++calls;
    if (next <= now) {
      ++periods;
      next = periods < 50 ? now + 1ms : time_point::max();
    }
    return next;
  }

  bool cancel(uint64_t) override {
    return false;
  }

  time_point next;
  std::atomic<size_t> periods{0};
  std::atomic<size_t> calls{0};
};

} // namespace

TEST_CASE("a keeper that wakes up late wakes up no more often after that") {
  sys_world w{1};
  auto core = std::make_shared<sleeper>(w.sys);
  core->start();
  {
    // Several alarms pass before it wakes up.
    busy nobody_runs{w.sys};
    auto now = steady_clock::now();
    core->next = now;
    constexpr auto alarms = 8;
    for (auto i = alarms; i > 0; --i)
      core->wake_at(now + i * 1ms);
    auto end = now + (alarms + 1) * 1ms;
    REQUIRE(eventually([&] { return steady_clock::now() > end; }));
  }
  REQUIRE(eventually([&] { return core->periods == 50; }));
  REQUIRE(eventually([&] { return core->alarms() == 0; }));
  // Once for each alarm, and each period.
  CHECK(core->calls <= 8 + 50 + 2);
  core->stop();
}

} // namespace deliveries_test
