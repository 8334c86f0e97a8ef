// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "catch.hpp"

#include <cstdlib>
#include <new>
#include <stdexcept>

namespace starts_test {

using namespace gen_test;
using namespace std::string_literals;

using cafreg::errc;

TEST_CASE("a factory that fails harms nobody") {
  world w;
  using result = caf::expected<caf::actor>;
  workers_type workers{
    w.sys,
    {.name = "uut"},
    [](caf::actor_system& sys, const std::string& id) -> result {
      if (id == "exception")
        throw std::runtime_error{"no line"};
      if (id == "anything")
        throw 42;
      if (id == "memory")
        throw std::bad_alloc{};
      if (id == "error")
        return cafreg::make_error(errc::bad_option, "no such number");
      if (id == "null")
        return caf::actor{};
      auto who = sys.spawn(idle);
      if (id == "dead" && !kill_and_wait(who))
        throw std::logic_error{"it lives on"};
      return who;
    }};
  auto fine = workers.lookup_or_start("fine");
  REQUIRE(fine);
  std::pair<std::string, std::string> cases[] = {
    {"exception", "no line"},
    {"anything", "it threw something"},
    {"memory", "std::bad_alloc"},
    {"error", "no such number"},
    {"null", "it returned a null handle"},
    {"dead", "its worker has terminated"},
  };
  for (auto& [id, why] : cases) {
    for (auto& failed : {workers.lookup_or_start(id), workers.start(id)}) {
      REQUIRE_FALSE(failed);
      CHECK(failed.error() == errc::factory_failed);
      CHECK(cafreg::to_text(failed.error())
            == std::string{"registry uut: id "}
                 .append(id)
                 .append(": factory failed: ")
                 .append(why));
    }
    CHECK(workers.lookup(id).error() == errc::no_such_name);
    CHECK(code_of(workers.send(id, 1)) == "factory_failed");
    CHECK(workers.whereis("fine") == *fine);
  }
  CHECK(workers.count() == 1);
  CHECK(workers.lookup_or_start("other"));
  CHECK(workers.stats().failed_starts == 18);
  CHECK(workers.count_children().starting == 0);
}

TEST_CASE("a slow factory delays only callers of its id") {
  world w;
  gate slow;
  workers_type workers{w.sys,
                       {.name = "workers"},
                       [&](caf::actor_system& sys, const std::string& id) {
                         if (id == "slow")
                           slow.pass();
                         return sys.spawn(idle);
                       }};
  caf::actor first;
  caf::actor second;
  std::thread starter{[&] { first = *workers.lookup_or_start("slow"); }};
  REQUIRE(slow.wait_for(1));
  std::thread follower{[&] { second = *workers.lookup_or_start("slow"); }};
  // While that one blocks, all others work.
  for (auto i = 0; i < 1000; ++i) {
    auto id = std::to_string(i);
    auto who = workers.lookup_or_start(id);
    REQUIRE(who);
    REQUIRE(workers.whereis(id) == *who);
  }
  CHECK(workers.lookup("slow").error() == errc::no_such_name);
  CHECK(workers.count_children().starting == 1);
  REQUIRE(workers.stop("7"));
  slow.open();
  starter.join();
  follower.join();
  CHECK(first);
  CHECK(first == second);
  CHECK(workers.stats().starts == 1001);
}

TEST_CASE("callers share the outcome of a start, failures too") {
  world w;
  gate slow;
  std::atomic<int> calls{0};
  workers_type workers{
    w.sys, {.name = "workers"}, [&](caf::actor_system&, const std::string&) {
      ++calls;
      slow.pass();
      return caf::actor{};
    }};
  std::atomic<int> failed{0};
  auto want = [&] {
    if (!workers.lookup_or_start("a"))
      ++failed;
  };
  std::thread first{want};
  REQUIRE(slow.wait_for(1));
  std::vector<std::thread> others;
  for (auto i = 0; i < 3; ++i)
    others.emplace_back(want);
  // Those who come later than the end of the start make one of their own.
  slow.open();
  first.join();
  for (auto& x : others)
    x.join();
  CHECK(failed == 4);
  CHECK(calls <= 4);
  CHECK(workers.stats().failed_starts + workers.stats().shared_starts == 4);
}

TEST_CASE("a factory may use its registry for other ids") {
  world w;
  std::optional<workers_ref> ref;
  workers_type workers{w.sys,
                       {.name = "workers"},
                       [&](caf::actor_system& sys, const std::string& id) {
                         if (id.size() < 10)
                           REQUIRE(ref->lookup_or_start(id + "x"));
                         return sys.spawn(idle);
                       }};
  ref = workers.ref();
  CHECK(workers.lookup_or_start("x"));
  CHECK(workers.count() == 10);
  ref.reset();
}

TEST_CASE("a factory cannot start its own id") {
  world w;
  std::optional<workers_ref> ref;
  std::vector<std::string> codes;
  workers_type workers{
    w.sys,
    {.name = "workers"},
    [&](caf::actor_system& sys, const std::string& id) {
      codes.push_back(code_of(ref->lookup_or_start(id)));
      codes.push_back(code_of(ref->start(id)));
      codes.push_back(code_of(ref->send(id, 1)));
      codes.push_back(ref->lookup(id) ? "found"
                                      : to_string(ref->lookup(id).error()));
      codes.push_back(code_of(ref->stop(id)));
      return sys.spawn(idle);
    }};
  ref = workers.ref();
  CHECK(workers.lookup_or_start("a"));
  CHECK(codes
        == std::vector<std::string>{"would_deadlock", "would_deadlock",
                                    "would_deadlock", "no_such_name",
                                    "no_such_name"});
  CHECK(workers.count() == 1);
  ref.reset();
}

TEST_CASE("two factories that want each other's workers both end") {
  world w;
  gate both;
  std::optional<workers_ref> ref;
  std::atomic<int> refused{0};
  workers_type workers{w.sys,
                       {.name = "workers"},
                       [&](caf::actor_system& sys, const std::string& id) {
                         both.pass();
                         auto other = ref->lookup_or_start(id == "a" ? "b"
                                                                     : "a");
                         if (!other && other.error() == errc::would_deadlock)
                           ++refused;
                         return sys.spawn(idle);
                       }};
  ref = workers.ref();
  std::atomic<int> started{0};
  auto start = [&](const char* id) {
    if (workers.lookup_or_start(id))
      ++started;
  };
  std::thread first{start, "a"};
  std::thread second{start, "b"};
  REQUIRE(both.wait_for(2));
  both.open();
  first.join();
  second.join();
  CHECK(started == 2);
  CHECK(refused == 1);
  CHECK(workers.count() == 2);
  ref.reset();
}

TEST_CASE("a factory may close its registry") {
  world w;
  auto all = std::make_shared<census>();
  std::optional<workers_ref> ref;
  workers_type workers{
    w.sys,
    {.name = "workers"},
    [&](caf::actor_system& sys, const std::string& id) {
      if (id == "closer") {
        CHECK(code_of(ref->close()) == "would_block");
        // Nor does it claim to be the last one.
        CHECK(eventually([&] { return all->living() == 0; }));
        CHECK(code_of(ref->close()) == "would_block");
      }
      return spawn_holding(sys, std::make_shared<citizen>(all));
    }};
  ref = workers.ref();
  REQUIRE(workers.lookup_or_start("a"));
  auto closer = workers.lookup_or_start("closer");
  REQUIRE_FALSE(closer);
  CHECK(closer.error() == errc::closed);
  CHECK(workers.closed());
  CHECK(workers.count() == 0);
  workers.close();
  CHECK(eventually([&] { return all->living() == 0; }));
  CHECK(all->born == 2);
  ref.reset();
}

TEST_CASE("of many who race for one id one starts it") {
  world w;
  auto all = std::make_shared<census>();
  cafreg::gen_registry<int> workers{w.sys, {}, counted(all)};
  constexpr auto ids = 2000;
  std::atomic<int> won{0};
  std::vector<std::vector<caf::actor>> seen(4);
  in_threads(4, [&](size_t t) {
    for (auto i = 0; i < ids; ++i) {
      if (t % 2 == 0) {
        seen[t].push_back(*workers.lookup_or_start(i));
        continue;
      }
      auto mine = workers.start(i);
      if (mine)
        ++won;
      seen[t].push_back(mine ? *mine : workers.started_worker(mine.error()));
    }
  });
  for (size_t t = 1; t < 4; ++t)
    CHECK(seen[t] == seen[0]);
  CHECK(all->born == ids);
  CHECK(won <= ids);
  CHECK(workers.count() == ids);
  seen.clear();
  workers.close();
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("actors start workers") {
  world w{1};
  cafreg::gen_registry<int> workers{w.sys, {}, idle};
  std::atomic<int> started{0};
  for (auto i = 0; i < 100; ++i)
    w.sys.spawn([&, ref = workers.ref(), i](caf::event_based_actor*) {
      if (ref.lookup_or_start(i % 10))
        ++started;
    });
  CHECK(eventually([&] { return started == 100; }));
  CHECK(workers.count() == 10);
}

#ifndef CAFREG_TEST_SANITIZED // the sanitizers have operators of their own

// Lets memory run out in one thread.
namespace {

thread_local int allocations_left = -1;

void* allocate(size_t size) {
  if (allocations_left == 0)
    throw std::bad_alloc{};
  if (allocations_left > 0)
    --allocations_left;
  if (auto* result = std::malloc(size))
    return result;
  throw std::bad_alloc{};
}

/// Memory as usual, for what is not ours.
class plenty {
public:
  plenty() = default;

  plenty(const plenty&) = delete;

  plenty& operator=(const plenty&) = delete;

  ~plenty() {
    allocations_left = before_;
  }

private:
  int before_ = std::exchange(allocations_left, -1);
};

} // namespace

} // namespace starts_test

void* operator new(size_t size) {
  return starts_test::allocate(size);
}

void operator delete(void* ptr) noexcept {
  std::free(ptr);
}

void operator delete(void* ptr, size_t) noexcept {
  std::free(ptr);
}

namespace starts_test {

TEST_CASE("a start without memory leaves nothing behind") {
  world w;
  auto all = std::make_shared<census>();
  // CAF needs memory to end an actor: none ends before there is some again.
  std::vector<caf::actor> kept;
  for (auto idle_after : {0h, 1h}) {
    workers_type workers{
      w.sys,
      {.name = "uut", .idle_after = idle_after},
      [&](caf::actor_system& sys, const std::string&) {
        plenty of_memory;
        kept.push_back(spawn_holding(sys, std::make_shared<citizen>(all)));
        return kept.back();
      }};
    auto failures = 0;
    for (auto budget = 0;; ++budget) {
      auto id = "a rather long id, longer than 23 bytes: "
                + std::to_string(budget);
      auto ok = false;
      allocations_left = budget;
      try {
        ok = static_cast<bool>(workers.lookup_or_start(id));
      } catch (const std::bad_alloc&) {
        ok = false;
      }
      allocations_left = -1;
      kept.clear();
      CHECK(static_cast<bool>(workers.whereis(id)) == ok);
      CHECK(workers.count_children().starting == 0);
      if (ok)
        break;
      ++failures;
      // The id can be started when there is memory again.
      REQUIRE(workers.lookup_or_start(id));
      REQUIRE(workers.stop(id));
    }
    CHECK(failures > 3);
    workers.close();
    CHECK(eventually([&] { return all->living() == 0; }));
  }
}

TEST_CASE("a stop without memory does not keep others from theirs") {
  world w;
  // Each with a thread of its own: CAF forgets to run an actor for which its
  // scheduler had no memory, and then nothing can end it.
  workers_type workers{w.sys,
                       {.name = "uut", .stop_timeout = 1ms},
                       [](caf::actor_system& sys, const std::string&) {
                         return sys.spawn<caf::detached>(stubborn);
                       }};
  auto stopped = false;
  for (auto budget = 0; !stopped; ++budget) {
    REQUIRE(budget < 1'000);
    auto id = std::to_string(budget);
    REQUIRE(workers.lookup_or_start(id));
    REQUIRE(workers.lookup_or_start("other"));
    allocations_left = budget;
    try {
      stopped = static_cast<bool>(workers.stop(id));
    } catch (const std::bad_alloc&) {
      // Its worker is killed later, or when the registry closes.
    }
    allocations_left = -1;
    // Is killed when its time is over, which somebody has to notice.
    CHECK(workers.stop("other"));
  }
}

#endif // CAFREG_TEST_SANITIZED

} // namespace starts_test
