// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/waiting.hpp"

#include "catch.hpp"

#include <chrono>
#include <functional>
#include <thread>

#include "cafreg/detail/keyed_mutex.hpp"
#include "cafreg/detail/spin_mutex.hpp"
#include "cafreg/detail/waitable.hpp"
#include "cafreg/seam/who.hpp"

namespace waiting_test {

using namespace std::chrono_literals;

using cafreg::seam::time_point;
using cafreg::seam::waited;

namespace {

// Lets a second pass with each step, and does something at some of them.
class by_hand : public cafreg::seam::driver {
public:
  explicit by_hand(std::function<bool(int)> fn) : fn_(std::move(fn)) {
    // nop
  }

  bool step() override {
    now_ += 1s;
    return fn_(++steps);
  }

  time_point now() override {
    return now_;
  }

  int steps = 0;

private:
  time_point now_{1h};
  std::function<bool(int)> fn_;
};

struct door {
  waited wait(cafreg::seam::driver* by, time_point deadline) {
    std::unique_lock guard{mutex};
    return cafreg::seam::wait(by, guard, changed, deadline,
                              [this] { return open; });
  }

  void set_open() {
    std::lock_guard guard{mutex};
    open = true;
    changed.notify_all();
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
};

// As long as it exists, all waits of this thread are driven.
class driven_thread {
public:
  explicit driven_thread(cafreg::seam::driver& by) {
    cafreg::seam::this_thread.driven_by = &by;
  }

  driven_thread(const driven_thread&) = delete;

  driven_thread& operator=(const driven_thread&) = delete;

  ~driven_thread() {
    cafreg::seam::this_thread.driven_by = nullptr;
  }
};

} // namespace

TEST_CASE("a wait that is driven makes steps until it is over") {
  door x;
  by_hand by{[&](int step) {
    if (step == 5)
      x.set_open();
    return true;
  }};
  CHECK(x.wait(&by, cafreg::seam::never) == waited::done);
  CHECK(by.steps == 5);
  CHECK(x.wait(&by, cafreg::seam::never) == waited::done);
  CHECK(by.steps == 5);
}

TEST_CASE("a wait that is driven ends in the driver's time") {
  door x;
  by_hand by{[](int) { return true; }};
  CHECK(x.wait(&by, by.now() + 1min) == waited::timeout);
  CHECK(by.steps == 60);
  // What was done too late was done.
  by_hand late{[&](int) {
    x.set_open();
    return true;
  }};
  CHECK(x.wait(&late, late.now() + 1ms) == waited::done);
}

TEST_CASE("a wait whose driver has nothing to do is stuck") {
  door x;
  by_hand by{[](int) { return false; }};
  CHECK(x.wait(&by, cafreg::seam::never) == waited::stuck);
}

TEST_CASE("a wait whose driver has nothing to do sees what threads do") {
  door x;
  std::thread other;
  by_hand by{[&](int step) {
    if (step == 2)
      other = std::thread{[&] { x.set_open(); }};
    return false;
  }};
  CHECK(x.wait(&by, cafreg::seam::never) == waited::done);
  other.join();
}

TEST_CASE("a wait of a thread that is driven needs no driver of its own") {
  door x;
  by_hand by{[&](int step) {
    if (step == 3)
      x.set_open();
    return true;
  }};
  driven_thread here{by};
  CHECK(x.wait(nullptr, cafreg::seam::never) == waited::done);
  CHECK(by.steps == 3);
}

TEST_CASE("a lock that a driven thread waits for is given back by a step") {
  cafreg::detail::spin_mutex mutex;
  mutex.lock();
  by_hand by{[&](int step) {
    if (step == 2)
      mutex.unlock();
    return true;
  }};
  driven_thread here{by};
  mutex.lock();
  CHECK(by.steps >= 2);
  mutex.unlock();
}

// Many logical threads in one: their states are exchanged at each switch.
TEST_CASE("the locks of logical threads are told apart") {
  using uut_type = cafreg::detail::keyed_mutex<int>;
  using outcome = uut_type::outcome;
  uut_type uut;
  auto& here = cafreg::seam::this_thread;
  const auto outside = here;
  cafreg::seam::thread_state other;
  by_hand by{[&](int step) {
    auto mine = std::exchange(here, other);
    if (step == 1)
      CHECK(uut.lock(1) == outcome::would_deadlock);
    else
      uut.unlock(2);
    other = std::exchange(here, mine);
    return true;
  }};
  auto mine = std::exchange(here, other);
  REQUIRE(uut.lock(2) == outcome::locked);
  other = std::exchange(here, mine);
  CHECK(other.id != cafreg::seam::this_thread_id());
  REQUIRE(uut.lock(1) == outcome::locked);
  CHECK(uut.lock(2, &by) == outcome::locked);
  CHECK(by.steps == 2);
  uut.unlock(2);
  uut.unlock(1);
  CHECK(here.changing == outside.changing);
}

} // namespace waiting_test
