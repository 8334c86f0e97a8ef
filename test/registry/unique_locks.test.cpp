// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/interests_fixture.hpp"

#include "catch.hpp"

#include <stdexcept>
#include <tuple>

namespace unique_locks_test {

using namespace interests_test;

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

} // namespace unique_locks_test
