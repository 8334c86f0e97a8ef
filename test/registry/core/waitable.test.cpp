// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/waitable.hpp"

#include "catch.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace waitable_test {

using cafreg::detail::waitable;
using cafreg::seam::waited;

TEST_CASE("nobody waits for what is done, nor for oneself") {
  waitable mine;
  CHECK(mine.owner() == cafreg::seam::this_thread_id());
  CHECK_FALSE(mine.done());
  CHECK(mine.wait() == waited::deadlock);
  mine.finish();
  CHECK(mine.done());
  CHECK(mine.wait() == waited::done);
}

TEST_CASE("who waits sees what was written before the end") {
  for (auto round = 0; round < 200; ++round) {
    waitable mine;
    auto result = 0;
    auto seen = 0;
    std::thread other{[&] {
      if (mine.wait() == waited::done)
        seen = result;
    }};
    result = 42;
    mine.finish();
    other.join();
    REQUIRE(seen == 42);
  }
}

namespace {

constexpr size_t size = 4;

// Lets each thread wait for what another one does, `next(i)` for the i-th, or
// for nothing if there is no such thread. Returns how many were refused.
template <class Next>
size_t refusals(Next next) {
  std::array<std::unique_ptr<waitable>, size> all;
  std::atomic<size_t> ready{0};
  std::atomic<size_t> refused{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < size; ++i)
    threads.emplace_back([&, i] {
      all[i] = std::make_unique<waitable>();
      ++ready;
      while (ready < size)
        std::this_thread::yield();
      if (auto other = next(i);
          other < size && all[other]->wait() == waited::deadlock)
        ++refused;
      all[i]->finish();
    });
  for (auto& x : threads)
    x.join();
  return refused;
}

} // namespace

// One is refused, whichever would close the ring, and ends, and with it all
// others do.
TEST_CASE("a ring of waits is broken by one refusal") {
  for (auto round = 0; round < 200; ++round)
    REQUIRE(refusals([](size_t i) { return (i + 1) % size; }) == 1);
}

TEST_CASE("a chain of waits is none") {
  for (auto round = 0; round < 200; ++round)
    REQUIRE(refusals([](size_t i) { return i + 1; }) == 0);
}

} // namespace waitable_test
