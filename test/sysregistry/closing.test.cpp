// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <limits>
#include <optional>

#include "catch.hpp"
#include "sysregistry/scratch.hpp"

namespace closing_test {

using namespace sys_test;

namespace {

/// Checks that a registry says that it is closed, and holds nothing.
void check_closed(const cafreg::system_registry_ref& state,
                  const caf::actor& who) {
  CHECK(state.closed());
  CHECK(code_of(state.update(who, "state.a", 1)) == "closed");
  CHECK(code_of(state.update_in(who, "state.a", [](const auto&) { return 1; }))
        == "closed");
  CHECK(code_of(state.transaction(who).commit()) == "closed");
  CHECK(code_of(state.remove(who, "state.a")) == "closed");
  CHECK(code_of(state.remove_all(who)) == "closed");
  CHECK(code_of(state.move(who, "state.a", "state.b")) == "closed");
  CHECK(code_of(state.subscribe(who)) == "closed");
  CHECK(code_of(state.task("state", [](auto&, auto&) {})) == "closed");
  CHECK(code_of(state.persist("state", "/nowhere")) == "closed");
  CHECK(code_of(state.get<int>("state.a")) == "closed");
  CHECK_FALSE(state.unsubscribe(who));
  state.acknowledge(who);
  CHECK(state.get_or("state.a", 7) == 7);
  CHECK(state.snapshot().empty());
  CHECK(state.private_snapshot(who).empty());
  CHECK(state.paths_of(who).empty());
  CHECK(state.owner_of("state.a") == nullptr);
  CHECK(state.count() == 0);
  CHECK(state.holders().empty());
  CHECK(state.stats().actors == 0);
  CHECK(state.stats().subscriptions == 0);
}

} // namespace

TEST_CASE("close against everything at once") {
  scratch dir;
  for (auto round = 0; round < 15; ++round) {
    auto held = std::make_shared<int>(0);
    std::weak_ptr<int> watched = held;
    sys_world w;
    auto sane = [](const cafreg::proposal&) -> caf::error {
      std::this_thread::yield();
      return {};
    };
    system_registry state{
      w.sys,
      {.mounts
       = {{.key = "state", .rule = cafreg::access::owned},
          {.key = "rule", .rule = cafreg::access::open, .validate = sane}}}};
    {
      std::vector<caf::actor> actors;
      for (auto i = 0; i < 8; ++i)
        actors.push_back(spawn_keeping(w.sys, held));
      held = nullptr;
      constexpr size_t threads = 8;
      in_threads(threads, [&](size_t t) {
        auto& me = actors[t];
        auto mine = path{"state", std::to_string(t)};
        for (auto i = 0; !state.closed(); ++i) {
          switch (t) {
            case 0:
              if (i == 20 + round * 5)
                state.close();
              else
                static_cast<void>(state.update(me, mine, i));
              break;
            case 1:
              state.update_in(me, mine, [&](const auto&) {
                std::this_thread::yield();
                return i;
              });
              break;
            case 2:
              state.update(me, "rule.x", i);
              break;
            case 3:
              if (auto x = state.subscribe(
                    me, {.hysteresis = std::chrono::microseconds{i % 3}});
                  x && i % 2 == 0)
                x->cancel();
              break;
            case 4: {
              auto x = state.task("state", [](auto&, auto&) {});
              if (x)
                x->cancel();
              break;
            }
            case 5:
              if (auto x
                  = state.persist("state", dir / "a",
                                  {.min_interval = 0ns, .hysteresis = 0ns}))
                x->stop();
              break;
            case 6: {
              auto now = state.snapshot();
              static_cast<void>(now.size() + state.holders().size());
              tell(state.actor(), cafreg::ask::update{}, me,
                   std::string{"state.m"}, caf::config_value{int64_t{i}});
              break;
            }
            default:
              if (i == 20 + round * 5)
                state.close();
              state.remove_all(me);
              break;
          }
        }
        state.close(); // waits for whoever does it
        must(state.closed());
        must(code_of(state.update(me, mine, 1)) == "closed");
      });
      check_closed(state, actors.front());
    }
    // Those that nobody knows any more are gone, those in a mailbox soon.
    CHECK(eventually([&] { return watched.expired(); }));
  }
}

TEST_CASE("closed from a callback") {
  sys_world w;
  caf::actor me = w.someone();
  system_registry* self = nullptr;
  auto closes = [&](const cafreg::proposal&) -> caf::error {
    self->close();
    CHECK(self->closed());
    return {};
  };
  SECTION("a task, a handler, while something is delivered") {
    system_registry state{w.sys};
    auto ref = state.ref();
    auto done = std::make_shared<gate>();
    SECTION("a task") {
      REQUIRE(state.task("state", [ref, done](auto&, auto&) {
        ref.close();
        done->open();
      }));
    }
    SECTION("a handler") {
      auto reader
        = w.sys.spawn([ref, done](caf::event_based_actor*) -> caf::behavior {
            return {[ref, done](const system_state& x) {
              if (x.snapshot.empty())
                return;
              ref.close();
              done->open();
            }};
          });
      REQUIRE(state.subscribe(reader));
    }
    REQUIRE(state.update(me, "state.a", 1));
    done->pass();
    check_closed(state, me);
  }
  SECTION("an update function") {
    system_registry state{w.sys};
    auto result = state.update_in(me, "state.a", [&](const auto&) {
      state.close();
      return 1;
    });
    CHECK(code_of(result) == "closed");
    check_closed(state, me);
  }
  SECTION("a rule") {
    system_registry state{w.sys,
                          {.mounts = {{.key = "state", .validate = closes}}}};
    self = &state;
    CHECK(code_of(state.update(me, "state.a", 1)) == "closed");
    check_closed(state, me);
  }
  SECTION("a rule about what is restored") {
    scratch dir;
    {
      system_registry before{w.sys};
      REQUIRE(before.update(me, "state.a", 1));
      REQUIRE(before.persist("state", dir / "a"));
    }
    system_registry state{w.sys,
                          {.mounts = {{.key = "state", .validate = closes}}}};
    self = &state;
    CHECK(code_of(state.persist("state", dir / "a")) == "closed");
    check_closed(state, me);
  }
}

TEST_CASE("a closed registry keeps nothing alive") {
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> watched = held;
  sys_world w;
  scratch dir;
  auto state = std::make_unique<system_registry>(w.sys);
  auto ref = state->ref();
  std::vector<snapshot> kept;
  // Everything has a reference to everything.
  auto owner = spawn_keeping(w.sys, held);
  REQUIRE(ref.update(owner, "state.a", 1));
  REQUIRE(ref.subscribe(owner, {.min_interval = 1h}));
  REQUIRE(ref.subscribe(owner, {.scope = "state", .acknowledged = true}));
  REQUIRE(ref.task("state", [ref, held](auto&, auto&) {}));
  REQUIRE(ref.persist("state", dir / "a"));
  auto open = ref.transaction(owner);
  open.update("state.b", 1);
  open.update_in("state.c", [ref, held](const auto&) { return 1; });
  auto front = ref.actor();
  kept.push_back(ref.snapshot());
  owner = nullptr;
  held = nullptr;
  CHECK_FALSE(watched.expired());
  state = nullptr;
  CHECK(code_of(open.commit()) == "closed");
  CHECK_FALSE(watched.expired()); // a transaction keeps its actor
  open = ref.transaction(caf::actor{});
  CHECK(eventually([&] { return watched.expired(); }));
  CHECK(kept[0].get<int>("state.a") == 1);
  CHECK(code_of(ref.update(front, "state.a", 1)) == "closed");
  CHECK(ref.actor());
}

TEST_CASE("nobody gets an empty state because a registry closes") {
  sys_world w;
  auto me = w.someone();
  for (auto round = 0; round < 100; ++round) {
    auto in = std::make_shared<inbox>();
    auto reader = spawn_reader(w.sys, in);
    system_registry state{w.sys};
    REQUIRE(state.update(me, "state.stays", 1));
    REQUIRE(state.subscribe(reader));
    in_threads(2, [&](size_t t) {
      if (t == 0) {
        for (auto i = 0; state.update(me, "state.a", i); ++i)
          ;
      } else {
        static_cast<void>(in->await_count(3));
        state.close();
      }
    });
    REQUIRE(drain(reader, in));
    for (auto& x : in->states())
      CHECK(x.snapshot.contains("state.stays"));
    kill(reader);
  }
}

} // namespace closing_test
