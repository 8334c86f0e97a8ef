// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "cafreg/detail/verdicts.hpp"
#include "catch.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>

namespace handover_test {

using namespace gen_test;

using cafreg::errc;

namespace {

using ids_type = cafreg::gen_registry<int>;

/// Numbers in the order in which they were handled.
class protocol {
public:
  void add(int number) {
    std::lock_guard guard{mutex_};
    numbers_.push_back(number);
  }

  std::vector<int> numbers() const {
    std::lock_guard guard{mutex_};
    return numbers_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<int> numbers_;
};

/// Runs a function when a listener of a registry would hear of something: once,
/// in the thread that does it, and before anything else happens there.
class listening_hook {
public:
  explicit listening_hook(world& w)
    : listener_(caf::actor_cast<caf::actor>(cafreg::detail::spawn_interceptor(
      w.sys, [this](const caf::mailbox_element_ptr&) { run(); }))) {
    // nop
  }

  listening_hook(const listening_hook&) = delete;

  listening_hook& operator=(const listening_hook&) = delete;

  std::vector<caf::actor> listeners() const {
    return {listener_};
  }

  /// To be called by a factory: the next event is that its worker has an entry,
  /// and has not been given anything yet.
  void at_next(std::function<void()> fn) {
    std::lock_guard guard{mutex_};
    fn_ = std::move(fn);
  }

private:
  void run() {
    std::function<void()> fn;
    {
      std::lock_guard guard{mutex_};
      fn = std::exchange(fn_, nullptr);
    }
    if (fn)
      fn();
  }

  std::mutex mutex_;
  std::function<void()> fn_;
  caf::actor listener_;
};

/// Workers that write numbers down, and stay at a gate when they get a text.
caf::behavior scribe(protocol& to, gate& at) {
  return {
    [&at](const std::string&) { at.pass(); },
    [&to](int number) {
      to.add(number);
      return number;
    },
  };
}

} // namespace

TEST_CASE("a successor that dies at once leaves all to the next") {
  world w;
  listening_hook hook{w};
  protocol handled;
  gate busy;
  std::atomic<int> born{0};
  std::atomic<bool> killed{false};
  std::function<void(int)> send;
  ids_type workers{
    w.sys,
    {.listeners = hook.listeners(), .max_workers = 1},
    [&](caf::actor_system& sys, int id) {
      auto who = sys.spawn([&](caf::event_based_actor*) -> caf::behavior {
        return scribe(handled, busy);
      });
      if (id == 0 && ++born == 2)
        hook.at_next([&, who] {
          send(4); // kept by one that was not given the others yet
          killed = kill_and_wait(who);
        });
      return who;
    }};
  send = [&](int number) { static_cast<void>(workers.send(0, number)); };
  workers.send(0, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1)); // 0 has to leave
  for (auto i : {1, 2, 3})
    send(i);
  busy.open();
  CHECK(eventually([&] { return handled.numbers().size() == 4; }));
  CHECK(handled.numbers() == std::vector<int>{1, 2, 3, 4});
  CHECK(killed);
  CHECK(born == 3);
  CHECK(eventually([&] { return workers.stats().waiting_messages == 0; }));
  CHECK(eventually([&] { return workers.stats().handed_over == 4; }));
}

TEST_CASE("with back-off only, what a worker was not given yet is kept") {
  world w;
  listening_hook hook{w};
  protocol handled;
  gate unused;
  std::atomic<int> born{0};
  std::function<void(int)> send;
  ids_type workers{w.sys,
                   {.listeners = hook.listeners(), .backoff = {.failures = 99}},
                   [&](caf::actor_system& sys, int) {
                     auto who = sys.spawn(
                       [&](caf::event_based_actor*) -> caf::behavior {
                         return scribe(handled, unused);
                       });
                     if (++born == 1)
                       hook.at_next([&, who] {
                         send(1);
                         static_cast<void>(kill_and_wait(who));
                       });
                     return who;
                   }};
  send = [&](int number) { static_cast<void>(workers.send(0, number)); };
  static_cast<void>(workers.lookup_or_start(0));
  CHECK(eventually([&] { return handled.numbers().size() == 1; }));
  CHECK(born == 2);
}

TEST_CASE("each request is answered however closing and a successor race") {
  world w;
  for (size_t round = 0; round < effort(100, 20); ++round) {
    protocol handled;
    gate busy;
    ids_type workers{
      w.sys, {.max_workers = 1}, [&](caf::event_based_actor*) -> caf::behavior {
        return scribe(handled, busy);
      }};
    workers.send(0, std::string{"wait"});
    REQUIRE(busy.wait_for(1));
    REQUIRE(workers.lookup_or_start(1));
    caf::scoped_actor self{w.sys};
    auto answer = workers.request(self, 0, patience, 1);
    std::thread closer{[&] {
      while (workers.stats().starts < 2 + round % 2)
        std::this_thread::yield();
      workers.close();
    }};
    busy.open();
    auto answered = false;
    std::move(answer).receive([&](int) { answered = true; },
                              [&](const caf::error& why) {
                                answered = why != caf::sec::request_timeout;
                              });
    CHECK(answered);
    closer.join();
    CHECK(workers.stats().waiting_messages == 0);
  }
}

namespace {

enum class trouble {
  none,
  copies,
  hashes,
};

std::atomic<trouble> current{trouble::none};

/// An id that cannot always be used.
struct brittle {
  int number = 0;

  explicit brittle(int n) : number(n) {
    // nop
  }

  brittle(const brittle& other) : number(other.number) {
    if (current == trouble::copies)
      throw std::bad_alloc{};
  }

  brittle(brittle&&) noexcept = default;

  brittle& operator=(const brittle&) = default;

  bool operator==(const brittle&) const = default;
};

} // namespace

} // namespace handover_test

template <>
struct std::hash<handover_test::brittle> {
  size_t operator()(const handover_test::brittle& x) const {
    using namespace handover_test;
    if (current == trouble::hashes)
      throw std::runtime_error{"no hash"};
    return static_cast<size_t>(x.number);
  }
};

namespace handover_test {

TEST_CASE("a worker's end needs nothing that can fail") {
  for (auto what : {trouble::copies, trouble::hashes}) {
    world w;
    protocol handled;
    gate busy;
    cafreg::gen_registry<brittle> workers{
      w.sys, {.max_workers = 1}, [&](caf::event_based_actor*) -> caf::behavior {
        return scribe(handled, busy);
      }};
    workers.send(brittle{0}, std::string{"wait"});
    REQUIRE(busy.wait_for(1));
    REQUIRE(workers.lookup_or_start(brittle{1}));
    REQUIRE(workers.send(brittle{0}, 1));
    current = what;
    busy.open();
    CHECK(eventually([&] { return workers.stats().waiting_messages == 1; }));
    current = trouble::none;
    CHECK(eventually([&] { return handled.numbers().size() == 1; }));
  }
}

TEST_CASE("a message that cannot be kept stays with its sender") {
  world w;
  protocol handled;
  gate busy;
  cafreg::gen_registry<brittle> workers{
    w.sys, {.max_workers = 1}, [&](caf::event_based_actor*) -> caf::behavior {
      return scribe(handled, busy);
    }};
  workers.send(brittle{0}, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(brittle{1}));
  brittle zero{0};
  current = trouble::copies;
  CHECK_THROWS_AS(workers.send(zero, 1), std::bad_alloc);
  current = trouble::none;
  CHECK(workers.send(zero, 2));
  busy.open();
  CHECK(eventually([&] { return handled.numbers().size() == 1; }));
  CHECK(handled.numbers() == std::vector<int>{2});
}

TEST_CASE("messages to a worker with arguments wait for its successor") {
  world w;
  protocol handled;
  gate busy;
  gate building;
  std::atomic<int> starts{0};
  cafreg::gen_registry<int, caf::actor(int)> workers{
    w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, int id, int) {
      if (id == 0 && ++starts == 2)
        building.pass();
      return sys.spawn([&](caf::event_based_actor*) -> caf::behavior {
        return scribe(handled, busy);
      });
    }};
  CHECK(code_of(workers.send(0, 0)) == "no_such_name");
  REQUIRE(workers.lookup_or_start(0, 42));
  workers.send(0, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1, 7));
  CHECK(workers.send(0, 1));
  busy.open();
  REQUIRE(building.wait_for(1));
  REQUIRE_FALSE(workers.whereis(0));
  CHECK(workers.send(0, 2));
  caf::scoped_actor self{w.sys};
  auto answer = workers.request(self, 0, patience, 3);
  CHECK(workers.send(0, 4));
  building.open();
  auto number = 0;
  std::move(answer).receive([&](int x) { number = x; },
                            [](const caf::error&) {});
  CHECK(number == 3);
  CHECK(eventually([&] { return handled.numbers().size() == 4; }));
  CHECK(handled.numbers() == std::vector<int>{1, 2, 3, 4});
  CHECK(starts == 2);
}

TEST_CASE("a few successors are started at a time") {
  world w;
  constexpr auto ids = 40;
  constexpr size_t limit = 8;
  gate building;
  std::array<std::atomic<int>, ids> born{};
  std::atomic<size_t> inside{0};
  std::atomic<size_t> most{0};
  std::atomic<int> handled{0};
  auto factory = [&](caf::actor_system& sys, int id) {
    auto first = born[static_cast<size_t>(id)]++ == 0;
    if (!first) {
      auto now = ++inside;
      auto before = most.load();
      while (before < now && !most.compare_exchange_weak(before, now)) {
        // again
      }
      building.pass();
      --inside;
    }
    return sys.spawn([&, first](caf::event_based_actor* self) {
      caf::behavior body{
        [self](const std::string&) { self->quit(); },
        [&](int) { ++handled; },
      };
      if (first) // stays until it is told to go by its handle
        body = cafreg::detail::ignoring_exits(self, std::move(body));
      return body;
    });
  };
  ids_type workers{w.sys, {.stop_timeout = 1h, .idle_after = 1us}, factory};
  std::vector<caf::actor> first;
  for (auto id = 0; id < ids; ++id)
    first.push_back(*workers.lookup_or_start(id));
  CHECK(eventually([&] { return workers.count_children().leaving == ids; }));
  for (auto id = 0; id < ids; ++id)
    CHECK(workers.send(id, 1));
  for (auto& x : first)
    tell(x, std::string{"go"});
  CHECK(building.wait_for(limit));
  CHECK(eventually([&] { return workers.stats().waiting_messages == ids; }));
  CHECK(inside == limit);
  building.open();
  CHECK(eventually([&] { return handled == ids; }));
  CHECK(most == limit);
  for (auto& x : born)
    CHECK(x == 2);
}

TEST_CASE("what could not be given to a worker is given to it later") {
  world w;
  protocol handled;
  gate busy;
  std::atomic<bool> works{true};
  std::atomic<bool> armed{false};
  std::atomic<bool> tripped{false};
  cafreg::gen_registry<brittle> workers{
    w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, const brittle& id) {
      if (id.number == 0 && !works)
        throw std::runtime_error{"not yet"};
      return sys.spawn([&](caf::event_based_actor*) -> caf::behavior {
        return scribe(handled, busy);
      });
    }};
  auto trap = caf::actor_cast<caf::actor>(cafreg::detail::spawn_interceptor(
    w.sys, [&](const caf::mailbox_element_ptr&) {
      if (armed.exchange(false)) {
        current = trouble::hashes;
        tripped = true;
      }
    }));
  workers.send(brittle{0}, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(brittle{1}));
  REQUIRE(workers.send(brittle{0}, 1));
  works = false;
  busy.open();
  REQUIRE(eventually([&] { return workers.stats().failed_starts > 0; }));
  REQUIRE_FALSE(workers.add_listener(trap));
  armed = true;
  works = true;
  REQUIRE(eventually(
    [&] { return tripped && workers.count_children().starting == 0; }));
  CHECK(workers.stats().waiting_messages == 1);
  current = trouble::none;
  CHECK(eventually([&] { return handled.numbers().size() == 1; }));
  CHECK(workers.stats().starts == 3);
}

TEST_CASE("verdicts that come late are not left over") {
  using cafreg::detail::verdicts;
  world w;
  auto who = w.sys.spawn(idle);
  auto* ptr = caf::actor_cast<caf::actor_control_block*>(who);
  verdicts<int> uut;
  std::vector<int> judged;
  auto judge = [&](int id) { judged.push_back(id); };
  auto barriers = 0;
  uut.pass(
    ptr, [&] { ++barriers; }, judge);
  CHECK(barriers == 0);
  CHECK(judged.empty());
  uut.anticipate();
  // Somebody is just about to suspend it; whoever passes waits for that.
  uut.pass(
    ptr,
    [&] {
      ++barriers;
      uut.suspend(ptr, 7);
    },
    judge);
  CHECK(barriers == 1);
  CHECK(judged == std::vector<int>{7});
  CHECK(uut.size() == 0);
  uut.anticipate();
  uut.suspend(ptr, 8);
  CHECK(uut.size() == 1);
  uut.pass(
    ptr, [&] { ++barriers; }, judge);
  CHECK(barriers == 1);
  CHECK(judged == std::vector<int>{7, 8});
}

} // namespace handover_test
