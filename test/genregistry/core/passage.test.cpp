// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/passage.hpp"

#include "cafreg/detail/handover.hpp"
#include "catch.hpp"
#include "registry/effort.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

// Movable only, as messages are.
struct letter {
  int sender;
  int number;
  std::unique_ptr<int> seal = std::make_unique<int>(0);
};

using passage_type = cafreg::detail::passage<letter>;

using outcome = passage_type::outcome;

using handover_type = cafreg::detail::handover<int, letter, int>;

struct mailbox {
  std::vector<int> numbers;

  auto slot() {
    return [this](letter& x) {
      numbers.push_back(x.number);
      auto taken = std::move(x);
      return true;
    };
  }
};

outcome enter(passage_type& uut, mailbox& to, int number) {
  letter x{0, number};
  auto result = uut.enter(x, to.slot());
  // Whoever was refused has its message still.
  CHECK((x.seal != nullptr) == (result == outcome::refused));
  return result;
}

} // namespace

TEST_CASE("messages are kept until a worker is ready") {
  passage_type uut;
  mailbox box;
  CHECK(enter(uut, box, 2) == outcome::kept);
  CHECK(enter(uut, box, 3) == outcome::kept);
  CHECK_FALSE(uut.leave([] { return true; }));
  std::vector<letter> earlier;
  earlier.push_back({0, 1});
  CHECK(uut.open(earlier, box.slot()));
  CHECK(earlier.empty());
  CHECK(enter(uut, box, 4) == outcome::delivered);
  CHECK(box.numbers == std::vector<int>{1, 2, 3, 4});
  CHECK_FALSE(uut.open(earlier, box.slot()));
}

TEST_CASE("messages to a worker that leaves are kept for the next") {
  passage_type uut;
  mailbox box;
  std::vector<letter> none;
  uut.open(none, box.slot());
  enter(uut, box, 1);
  CHECK_FALSE(uut.leave([] { return false; }));
  CHECK_FALSE(uut.leaving());
  CHECK(uut.leave([] { return true; }));
  CHECK(uut.leaving());
  CHECK_FALSE(uut.leave([] { return true; }));
  CHECK(enter(uut, box, 2) == outcome::kept);
  CHECK_FALSE(uut.while_open([] { return true; }));
  auto kept = uut.vanish();
  REQUIRE(kept.size() == 1);
  CHECK(kept.front().number == 2);
  CHECK(enter(uut, box, 3) == outcome::refused);
  CHECK(box.numbers == std::vector<int>{1});
}

TEST_CASE("a worker that has gone takes nothing over") {
  passage_type uut;
  mailbox box;
  CHECK(uut.vanish().empty());
  std::vector<letter> earlier;
  earlier.push_back({0, 1});
  CHECK_FALSE(uut.open(earlier, box.slot()));
  CHECK(earlier.size() == 1);
}

TEST_CASE("a dead worker's message stays with its sender") {
  passage_type uut;
  std::vector<letter> none;
  mailbox box;
  uut.open(none, box.slot());
  letter x{0, 1};
  CHECK(uut.enter(x, [](letter&) { return false; }) == outcome::refused);
  CHECK(x.seal != nullptr);
}

TEST_CASE("messages wait for the next incarnation in order") {
  handover_type uut;
  using clock = handover_type::clock;
  auto now = clock::time_point{1h};
  auto letters = [](int first, int second) {
    std::vector<letter> result;
    result.push_back({0, first});
    result.push_back({0, second});
    return result;
  };
  uut.leave(7, {}, 0, now);
  CHECK_FALSE(uut.next());
  uut.leave(7, letters(1, 2), 10, now);
  uut.leave(7, letters(3, 4), 11, now);
  uut.leave(8, letters(5, 6), 12, now);
  CHECK(uut.size() == 6);
  CHECK(uut.next() == now);
  auto due = uut.due(now);
  CHECK(due.size() == 2);
  for (auto& x : due)
    CHECK(x.legacy == (x.key == 7 ? 11 : 12));
  // Starts may fail: then they are due again, at growing distances.
  CHECK(uut.due(now).empty());
  CHECK(uut.next() == now + 100ms);
  auto at = now;
  for (auto pause : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms}) {
    at += pause;
    CHECK(uut.due(at - 1ms).empty());
    CHECK(uut.due(at).size() == 2);
  }
  for (auto i = 0; i < 3; ++i) {
    at += 10s;
    CHECK(uut.due(at).size() == 2);
  }
  auto taken = uut.take(7);
  REQUIRE(taken.size() == 4);
  for (auto i = 0; i < 4; ++i)
    CHECK(taken[i].number == i + 1);
  CHECK(uut.take(7).empty());
  CHECK(uut.size() == 2);
  CHECK(uut.take_all().size() == 2);
  CHECK(uut.size() == 0);
}

namespace {

// One id whose workers leave all the time. A worker handles its mailbox to the
// end when it is told to leave, as actors do whose exit message comes last.
struct incarnation {
  passage_type way;
  std::mutex mutex;
  std::vector<letter> box;

  bool post(letter& x) {
    std::lock_guard guard{mutex};
    box.push_back(std::move(x));
    return true;
  }
};

using incarnation_ptr = std::shared_ptr<incarnation>;

struct world {
  std::mutex mutex;
  incarnation_ptr current;
  handover_type between;
  std::mutex handled_mutex;
  std::vector<std::pair<int, int>> handled;

  incarnation_ptr get() {
    std::lock_guard guard{mutex};
    return current;
  }

  // As the table of a registry does it: the old one vanishes and the new one
  // appears in one step, then the new one gets what waits.
  void replace() {
    auto next = std::make_shared<incarnation>();
    incarnation_ptr old;
    {
      std::lock_guard guard{mutex};
      old = std::exchange(current, next);
      if (old)
        between.leave(1, old->way.vanish(), 0, {});
    }
    if (old) {
      std::lock_guard guard{handled_mutex};
      for (auto& x : old->box)
        handled.emplace_back(x.sender, x.number);
    }
    auto waiting = between.take(1);
    next->way.open(waiting, [&next](letter& x) { return next->post(x); });
  }
};

} // namespace

TEST_CASE("each message is handled once, and in order for each sender") {
  for (unsigned seed = 0; seed < effort(40, 6); ++seed) {
    world w;
    w.replace();
    constexpr auto senders = 3;
    const auto letters = static_cast<int>(effort(2000, 400));
    std::atomic<int> busy{senders};
    std::vector<std::thread> threads;
    for (auto s = 0; s < senders; ++s)
      threads.emplace_back([&, s] {
        std::mt19937 rng{seed * 100 + static_cast<unsigned>(s)};
        for (auto i = 0; i < letters; ++i) {
          letter x{s, i};
          for (;;) {
            auto to = w.get();
            auto result
              = to->way.enter(x, [&to](letter& y) { return to->post(y); });
            if (result != outcome::refused)
              break;
          }
          if (rng() % 64 == 0)
            std::this_thread::yield();
        }
        --busy;
      });
    // Tells workers to leave, at random times, and replaces them.
    std::mt19937 rng{seed};
    while (busy > 0) {
      w.get()->way.leave([&rng] { return rng() % 4 != 0; });
      if (rng() % 2 == 0)
        std::this_thread::yield();
      w.replace();
    }
    for (auto& x : threads)
      x.join();
    w.replace();
    w.replace();
    std::map<int, int> next;
    for (auto [sender, number] : w.handled) {
      REQUIRE(number == next[sender]);
      ++next[sender];
    }
    for (auto s = 0; s < senders; ++s)
      REQUIRE(next[s] == letters);
  }
}
