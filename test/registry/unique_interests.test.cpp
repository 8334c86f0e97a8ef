// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/interests_fixture.hpp"

#include "catch.hpp"

#include <tuple>

namespace unique_interests_test {

using namespace interests_test;

using cafreg::errc;

// -- watch --------------------------------------------------------------------

TEST_CASE("a watcher is told the present state and each change") {
  fixture f;
  auto watching = f.names.watch("x", f.recorder);
  REQUIRE(watching);
  f.names.register_as(f.a, "x", 1);
  CHECK_FALSE(f.names.give_away("x", f.a, f.b));
  f.names.unregister(f.b, "x");
  f.names.register_as(f.c, "x", 2);
  kill(f.c);
  CHECK(f.states(6) == ids{0, f.a.id(), f.b.id(), 0, f.c.id(), 0});
  auto first = f.log->wait_for(6)[1];
  CHECK(first.registry == "app");
  CHECK(first.key == "x");
  CHECK(first.value == 1);
  CHECK_FALSE(f.log->wait_for(6)[0].value);
  SECTION("until it cancels") {
    CHECK(watching->cancel());
    CHECK_FALSE(watching->cancel());
    f.names.register_as(f.a, "x", 3);
    f.settle();
    CHECK(f.log->size() == 6);
  }
  SECTION("until it dies") {
    REQUIRE(kill_and_wait(f.recorder));
    CHECK(eventually([&] { return f.names.holders().empty(); }));
    f.names.register_as(f.a, "x", 3);
    CHECK(f.log->size() == 6);
  }
}

TEST_CASE("a watcher that comes later is told the holder") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  f.names.watch("x", f.recorder);
  CHECK(f.states(1) == ids{f.a.id()});
}

TEST_CASE("a watcher sees no gap when a standby takes over") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  f.names.watch("x", f.recorder);
  f.names.standby("x", f.b, 2);
  kill(f.a);
  CHECK(f.states(2) == ids{f.a.id(), f.b.id()});
}

TEST_CASE("a watcher sees no updates and no other names") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  f.names.watch("x", f.recorder);
  f.names.update_value(f.a, "x", [](int x) { return x + 1; });
  for (auto i = 0; i < 200; ++i)
    f.names.register_as(f.a, std::to_string(i));
  f.settle();
  CHECK(f.log->size() == 1);
}

TEST_CASE("changes that race with a watch are neither lost nor doubled") {
  fixture f;
  const auto rounds = effort(500, 100);
  size_t wrong = 0;
  for (size_t i = 0; i < rounds; ++i) {
    auto key = std::to_string(i);
    auto log = std::make_shared<journal>();
    auto watcher = spawn_recorder(f.sys, log);
    std::atomic<int> ready{0};
    std::thread writer{[&] {
      ++ready;
      while (ready < 2) {
        // nop
      }
      f.names.register_as(f.a, key);
    }};
    ++ready;
    while (ready < 2) {
      // nop
    }
    f.names.watch(key, watcher);
    writer.join();
    f.names.unregister(f.a, key);
    // Either {a, nobody} or {nobody, a, nobody}.
    REQUIRE(eventually([&] { return log->wait_for(2).back().holder == 0; }));
    auto events = log->events();
    size_t held = 0;
    for (size_t j = 0; j < events.size(); ++j) {
      if (events[j].holder == f.a.id())
        ++held;
      else if (j != 0 && j != events.size() - 1)
        ++wrong;
    }
    if (held != 1)
      ++wrong;
    kill(watcher);
  }
  CHECK(wrong == 0);
}

// -- await --------------------------------------------------------------------

TEST_CASE("an actor waits for a name") {
  fixture f;
  SECTION("that is there") {
    f.names.register_as(f.a, "x", 5);
    auto wait = f.names.await("x", f.recorder, 1h);
    REQUIRE(wait);
    auto events = f.log->wait_for(1);
    REQUIRE(events.size() == 1);
    CHECK(events[0].what == event::kind::awaited);
    CHECK(events[0].holder == f.a.id());
    CHECK(events[0].value == 5);
    CHECK(events[0].id == wait->id());
    CHECK_FALSE(events[0].reason);
    CHECK_FALSE(wait->cancel());
  }
  SECTION("that comes") {
    auto wait = f.names.await("x", f.recorder, 1h);
    REQUIRE(wait);
    CHECK(f.log->size() == 0);
    f.names.register_as(f.a, "y", 1);
    f.names.register_as(f.a, "x", 5);
    f.names.unregister(f.a, "x");
    f.names.register_as(f.b, "x", 6);
    auto events = f.log->wait_for(1);
    f.settle();
    CHECK(f.log->size() == 1); // once
    CHECK(events[0].holder == f.a.id());
    CHECK(events[0].id == wait->id());
  }
  SECTION("in vain") {
    f.names.await("x", f.recorder, 1ms);
    auto events = f.log->wait_for(1);
    REQUIRE(events.size() == 1);
    CHECK(code_of(events[0].reason) == "timeout");
    CHECK(cafreg::to_text(events[0].reason)
          == "registry app: key x: nobody registered it in time");
    CHECK(events[0].key == "x");
    CHECK(events[0].holder == 0);
    CHECK(f.names.holders().empty());
  }
  SECTION("that was not to be waited for") {
    f.names.await("x", f.recorder, 0s);
    CHECK(code_of(f.log->wait_for(1)[0].reason) == "timeout");
  }
  SECTION("until it gives up") {
    auto wait = f.names.await("x", f.recorder, 1h);
    CHECK(wait->cancel());
    CHECK_FALSE(wait->cancel());
    CHECK(code_of(f.log->wait_for(1)[0].reason) == "cancelled");
  }
  SECTION("until the registry closes") {
    f.names.await("x", f.recorder, 1h);
    f.names.close();
    CHECK(code_of(f.log->wait_for(1)[0].reason) == "closed");
  }
  SECTION("until it dies") {
    f.names.await("x", f.recorder, 1h);
    REQUIRE(kill_and_wait(f.recorder));
    CHECK(eventually([&] { return f.names.holders().empty(); }));
  }
  SECTION("held by a dead actor") {
    f.names.register_as(f.a, "x", 5);
    REQUIRE(kill_and_wait(f.a));
    f.names.await("x", f.recorder, 1h);
    f.names.register_as(f.b, "x", 6);
    CHECK(f.log->wait_for(1)[0].holder == f.b.id());
  }
}

TEST_CASE("deadlines pass in their order, whatever order they were set in") {
  fixture f;
  auto late = f.names.await("x", f.recorder, 60ms);
  auto early = f.names.await("y", f.recorder, 1ms);
  auto middle = f.names.await("z", f.recorder, 30ms);
  auto never = f.names.await("n", f.recorder, std::chrono::nanoseconds::max());
  REQUIRE(late);
  REQUIRE(early);
  REQUIRE(middle);
  REQUIRE(never);
  auto events = f.log->wait_for(3);
  REQUIRE(events.size() == 3);
  CHECK(events[0].id == early->id());
  CHECK(events[1].id == middle->id());
  CHECK(events[2].id == late->id());
  CHECK(never->cancel());
}

TEST_CASE("thousands wait for one name") {
  fixture f;
  const auto waiters = effort(5000, 500);
  for (size_t i = 0; i < waiters; ++i)
    f.names.await("x", f.recorder, 1h);
  f.names.register_as(f.a, "x", 1);
  CHECK(f.log->wait_for(waiters).size() == waiters);
  CHECK(eventually([&] { return f.names.holders().size() == 1; }));
}

TEST_CASE("a thread waits for a name") {
  fixture f;
  SECTION("that is there") {
    f.names.register_as(f.a, "x", 5);
    auto found = f.names.await("x", 0s);
    REQUIRE(found);
    CHECK(found->handle() == f.a);
  }
  SECTION("that comes") {
    std::thread other{[&] { f.names.register_as(f.a, "x", 5); }};
    auto found = f.names.await("x", patience);
    other.join();
    REQUIRE(found);
    CHECK(found->key() == "x");
    CHECK(found->value() == 5);
    CHECK(found->handle() == f.a);
  }
  SECTION("in vain") {
    auto found = f.names.await("x", 1ms);
    CHECK(code_of(found) == "timeout");
    CHECK(cafreg::to_text(found.error())
          == "registry app: key x: nobody registered it in time");
  }
  SECTION("until the registry closes") {
    std::thread other{[&] { f.names.close(); }};
    auto found = f.names.await("x", std::chrono::nanoseconds::max());
    other.join();
    CHECK(code_of(found) == "closed");
  }
}

TEST_CASE("a wait in vain leaves nothing behind") {
  fixture f;
  for (auto i = 0; i < 100; ++i)
    std::ignore = f.names.await("x", 10us);
  std::atomic<int> lost{0};
  // A wait that ends at the moment of the registration gets it or not.
  in_threads(2, [&](size_t t) {
    for (auto i = 0; i < 200; ++i) {
      auto key = std::to_string(i);
      if (t == 0) {
        f.names.register_as(f.a, key, i);
      } else {
        auto found = f.names.await(key, 50us);
        if (found ? found->handle() != f.a || found->value() != i
                  : !cafreg::is(found.error(), errc::timeout))
          ++lost;
      }
    }
  });
  CHECK(lost == 0);
  CHECK(f.names.unregister_all(f.a) == size_t{200});
}

TEST_CASE("blocking is refused where actors run") {
  fixture f;
  std::string there;
  std::string missing;
  std::string locked;
  f.names.register_as(f.a, "there");
  // A thread that holds the lock while an actor asks for it.
  auto inside = std::make_shared<gate>();
  std::thread holder{
    [&] { std::ignore = f.names.with_lock("l", [&] { inside->pass(); }); }};
  REQUIRE(inside->wait_for(1));
  auto body = [&, ref = f.names.ref()](caf::event_based_actor*) {
    there = code_of(ref.await("there", 1h));
    missing = code_of(ref.await("missing", 1h));
    locked = code_of(ref.with_lock("l", [] { return 1; }));
  };
  SECTION("in a scheduled actor") {
    run_in_actor(f.sys, body);
  }
  SECTION("in a detached actor") {
    run_in_actor<caf::detached>(f.sys, body);
  }
  inside->open();
  holder.join();
  CHECK(there == "no error");
  CHECK(missing == "would_block");
  CHECK(locked == "would_block");
}

TEST_CASE("a thread that uses a scoped actor may block") {
  fixture f;
  caf::scoped_actor self{f.sys};
  CHECK(code_of(f.names.await("x", 1ms)) == "timeout");
}

} // namespace unique_interests_test
