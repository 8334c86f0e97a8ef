// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

using namespace caf_test;

using cafreg::errc;

namespace {

struct fixture : world {
  explicit fixture(size_t workers = 0) : world(workers) {
    // nop
  }

  names_type names{sys, {.name = "app"}};
  journal_ptr log = std::make_shared<journal>();
  caf::actor recorder = spawn_recorder(sys, log);
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);
  caf::actor c = sys.spawn(idle);

  ~fixture() {
    names.close();
    for (auto& x : {recorder, a, b, c})
      kill(x);
  }

  // The holders that a watcher was told of, 0 for nobody.
  std::vector<caf::actor_id> states(size_t count) {
    std::vector<caf::actor_id> result;
    for (auto& x : log->wait_for(count))
      if (x.what == event::kind::state)
        result.push_back(x.holder);
    return result;
  }

  // Comes back when the recorder has handled all that was sent to it before.
  void settle() {
    caf::scoped_actor self{sys};
    cafreg::detail::request(self.ptr(), recorder, patience, 1)
      .receive([](int) {}, [](const caf::error&) {});
  }
};

using ids = std::vector<caf::actor_id>;

} // namespace

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

// -- standby ------------------------------------------------------------------

TEST_CASE("a standby gets a free name at once") {
  fixture f;
  auto queued = f.names.standby("x", f.a, 5);
  REQUIRE(queued);
  CHECK(f.names.lookup("x")->handle() == f.a);
  CHECK(f.names.lookup("x")->value() == 5);
  CHECK_FALSE(queued->cancel());
  CHECK(f.names.holders().size() == 1);
}

TEST_CASE("standbys take over in their order") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  auto first = f.names.standby("x", f.b, 2);
  auto second = f.names.standby("x", f.c, 3);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(f.names.whereis("x") == f.a);
  SECTION("when the holder dies, before any lookup misses") {
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.lookup("x")->handle() == f.b);
    CHECK(f.names.lookup("x")->value() == 2);
    REQUIRE(kill_and_wait(f.b));
    CHECK(f.names.lookup("x")->handle() == f.c);
    REQUIRE(kill_and_wait(f.c));
    CHECK_FALSE(f.names.lookup("x"));
  }
  SECTION("when the holder unregisters") {
    CHECK(f.names.unregister(f.a, "x") == size_t{1});
    CHECK(f.names.whereis("x") == f.b);
    CHECK(f.names.unregister_all(f.b) == size_t{1});
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("before newcomers") {
    REQUIRE(kill_and_wait(f.a));
    auto late = f.sys.spawn(idle);
    auto done = f.names.register_as(late, "x", 9);
    REQUIRE(done);
    CHECK_FALSE(done->inserted);
    CHECK(done->holder == f.b);
    CHECK(code_of(f.names.spawn_as("x", 1, idle)) == "already_registered");
    kill(late);
  }
  SECTION("but for those who left the queue") {
    CHECK(first->cancel());
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("but for the dead") {
    REQUIRE(kill_and_wait(f.b));
    REQUIRE(kill_and_wait(f.a));
    CHECK(f.names.whereis("x") == f.c);
  }
  SECTION("and not when the name is given away") {
    auto other = f.sys.spawn(idle);
    CHECK_FALSE(f.names.give_away("x", f.a, other));
    CHECK(f.names.whereis("x") == other);
    REQUIRE(kill_and_wait(other));
    CHECK(f.names.whereis("x") == f.b);
  }
}

TEST_CASE("no lookup misses a name that has standbys") {
  fixture f;
  const auto rounds = effort(300, 50);
  std::vector<caf::actor> line;
  for (size_t i = 0; i <= rounds; ++i) {
    line.push_back(f.sys.spawn(idle));
    f.names.standby("x", line.back(), static_cast<int>(i));
  }
  std::atomic<bool> done{false};
  std::atomic<int> missed{0};
  std::atomic<int> found{0};
  std::vector<std::thread> readers;
  for (auto t = 0; t < 2; ++t)
    readers.emplace_back([&] {
      while (!done) {
        if (f.names.lookup("x"))
          ++found;
        else
          ++missed;
      }
    });
  REQUIRE(eventually([&] { return found > 0; }));
  for (size_t i = 0; i < rounds; ++i) {
    if (i % 3 == 0)
      f.names.unregister(line[i], "x");
    REQUIRE(kill_and_wait(line[i]));
  }
  done = true;
  for (auto& x : readers)
    x.join();
  CHECK(missed == 0);
  CHECK(f.names.whereis("x") == line.back());
  kill(line.back());
}

TEST_CASE("who gives a name up does not stand by for it") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  REQUIRE(f.names.standby("x", f.a, 2));
  CHECK(f.names.unregister(f.a, "x") == size_t{1});
  CHECK_FALSE(f.names.lookup("x"));
}

namespace {

// A key that runs a function when it is copied.
struct hooked_key {
  static inline std::function<void()> on_copy;

  explicit hooked_key(int id) : id(id) {
    // nop
  }

  hooked_key(const hooked_key& other) : id(other.id) {
    if (on_copy)
      on_copy();
  }

  hooked_key& operator=(const hooked_key&) = default;

  bool operator==(const hooked_key& other) const {
    return id == other.id;
  }

  int id;
};

} // namespace

template <>
struct std::hash<hooked_key> {
  size_t operator()(const hooked_key& x) const noexcept {
    return static_cast<size_t>(x.id);
  }
};

// Between the queue and the table somebody must hold the heir.
TEST_CASE("a standby that nobody else holds takes over alive") {
  world w;
  cafreg::unique_registry<hooked_key, int> names{w.sys};
  auto holder = w.sys.spawn(idle);
  auto token = std::make_shared<int>(1);
  std::weak_ptr<int> alive = token;
  names.register_as(holder, hooked_key{1}, 1);
  names.standby(hooked_key{1}, spawn_holding(w.sys, std::move(token)), 2);
  // The keeper drops what waits to be dropped while the heir is on its way.
  // Each copy gives it the time to, as long as there is something to drop.
  auto copies = 0;
  hooked_key::on_copy = [&] {
    ++copies;
    auto until = std::chrono::steady_clock::now() + 20ms;
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  };
  names.unregister(holder, hooked_key{1});
  hooked_key::on_copy = nullptr;
  CHECK(copies > 0);
  CHECK_FALSE(alive.expired());
  auto found = names.lookup(hooked_key{1});
  REQUIRE(found);
  CHECK(found->value() == 2);
  CHECK(found->alive());
  kill(holder);
  names.close();
}

// -- locks --------------------------------------------------------------------

TEST_CASE("a lock excludes others with the same key") {
  fixture f;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  auto sum = 0;
  const auto rounds = effort(2000, 300);
  in_threads(4, [&](size_t) {
    for (size_t i = 0; i < rounds; ++i)
      std::ignore = f.names.with_lock("x", [&] {
        if (++inside > 1)
          ++most;
        ++sum;
        --inside;
      });
  });
  CHECK(most == 0);
  CHECK(static_cast<size_t>(sum) == 4 * rounds);
}

TEST_CASE("locks of other keys do not wait") {
  fixture f;
  auto held = std::make_shared<gate>();
  std::thread other{
    [&] { std::ignore = f.names.with_lock("x", [&] { held->pass(); }); }};
  REQUIRE(held->wait_for(1));
  CHECK(f.names.with_lock("y", [] { return 5; }) == 5);
  held->open();
  other.join();
  CHECK(f.names.with_lock("x", [] { return 6; }) == 6);
}

TEST_CASE("a lock tells its owner that it has it") {
  fixture f;
  auto inner = f.names.with_lock("x", [&] {
    auto other = f.names.with_lock("y", [] { return 1; });
    return code_of(other) + " "
           + code_of(f.names.with_lock("x", [] { return 1; }));
  });
  REQUIRE(inner);
  CHECK(*inner == "no error would_deadlock");
}

TEST_CASE("a lock is given back by an exception") {
  fixture f;
  auto fail = []() -> int { throw std::runtime_error{"no"}; };
  CHECK_THROWS_AS(f.names.with_lock("x", fail), std::runtime_error);
  CHECK(f.names.with_lock("x", [] { return 1; }) == 1);
}

TEST_CASE("actors wait for the locks of actors") {
  fixture f;
  std::atomic<int> inside{0};
  std::atomic<int> bad{0};
  std::atomic<int> done{0};
  constexpr auto actors = 4;
  for (auto i = 0; i < actors; ++i)
    f.sys.spawn<caf::detached>(
      [&, ref = f.names.ref()](caf::event_based_actor*) {
        for (auto round = 0; round < 200; ++round) {
          auto outcome = ref.with_lock("x", [&] {
            if (++inside > 1)
              ++bad;
            --inside;
          });
          if (!outcome)
            ++bad;
        }
        ++done;
      });
  CHECK(eventually([&] { return done == actors; }));
  CHECK(bad == 0);
}

TEST_CASE("waiters that run actors give up on a thread that gets the lock") {
  fixture f;
  // A detached actor has it, a thread waits, another actor waits behind.
  auto held = std::make_shared<gate>();
  auto thread_held = std::make_shared<gate>();
  auto waiting = std::make_shared<gate>();
  std::string first;
  std::string last;
  f.sys.spawn<caf::detached>([&, ref = f.names.ref()](caf::event_based_actor*) {
    first = code_of(ref.with_lock("x", [&] {
      held->pass();
      return 1;
    }));
  });
  REQUIRE(held->wait_for(1));
  std::thread other{[&] {
    std::ignore = f.names.with_lock("x", [&] { thread_held->pass(); });
  }};
  auto done = std::make_shared<gate>();
  f.sys.spawn<caf::detached>([&, ref = f.names.ref()](caf::event_based_actor*) {
    waiting->open();
    last = code_of(ref.with_lock("x", [] { return 1; }));
    done->open();
  });
  waiting->pass();
  held->open();
  // Whichever of both was first: neither waits for ever.
  REQUIRE(thread_held->wait_for(1));
  done->pass();
  thread_held->open();
  other.join();
  CHECK((last == "would_block" || last == "no error"));
}
