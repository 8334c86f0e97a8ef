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

namespace passage_test {

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
  CHECK((x.seal != nullptr)
        == (result == outcome::refused || result == outcome::unprepared));
  return result;
}

bool prepare(passage_type& uut) {
  return uut.prepare([] {});
}

passage_type::messages vanish(passage_type& uut) {
  passage_type::messages result;
  uut.vanish([&](passage_type::messages kept) { result = std::move(kept); });
  return result;
}

bool yes() {
  return true;
}

bool no() {
  return false;
}

passage_type::messages none() {
  return {};
}

template <class... Ts>
passage_type::messages letters(Ts... numbers) {
  passage_type::messages result;
  (result.push_back({0, numbers}), ...);
  return result;
}

} // namespace

TEST_CASE("messages are kept until a worker is ready") {
  passage_type uut;
  mailbox box;
  CHECK(enter(uut, box, 2) == outcome::unprepared);
  CHECK(prepare(uut));
  CHECK_FALSE(prepare(uut));
  CHECK(enter(uut, box, 2) == outcome::kept);
  CHECK(enter(uut, box, 3) == outcome::kept);
  CHECK_FALSE(uut.leave(yes));
  CHECK(uut.open(
    no, [] { return letters(1); }, box.slot()));
  CHECK(enter(uut, box, 4) == outcome::delivered);
  CHECK(box.numbers == std::vector<int>{1, 2, 3, 4});
  // What could not be had then is delivered later.
  CHECK(uut.open(
    no, [] { return letters(0); }, box.slot()));
  CHECK(box.numbers == std::vector<int>{1, 2, 3, 4, 0});
}

TEST_CASE("messages to a worker that leaves are kept for the next") {
  passage_type uut;
  mailbox box;
  uut.open(no, none, box.slot());
  enter(uut, box, 1);
  CHECK_FALSE(uut.leave(no));
  CHECK_FALSE(uut.leaving());
  CHECK(uut.leave(yes));
  CHECK(uut.leaving());
  CHECK_FALSE(uut.leave(yes));
  CHECK(enter(uut, box, 2) == outcome::unprepared);
  CHECK(prepare(uut));
  CHECK(enter(uut, box, 2) == outcome::kept);
  CHECK_FALSE(uut.while_open(yes));
  auto kept = vanish(uut);
  REQUIRE(kept.size() == 1);
  CHECK(kept.front().number == 2);
  CHECK(enter(uut, box, 3) == outcome::refused);
  CHECK_FALSE(prepare(uut));
  CHECK(box.numbers == std::vector<int>{1});
}

TEST_CASE("whoever is refused comes after what was kept") {
  for (size_t round = 0; round < effort(2000, 200); ++round) {
    passage_type uut;
    mailbox box;
    uut.open(no, none, box.slot());
    uut.leave(yes);
    prepare(uut);
    std::atomic<bool> left{false};
    auto in_order = true;
    std::thread sender{[&] {
      letter x{0, 1};
      while (uut.enter(x, box.slot()) != outcome::refused) {
        x = {0, 1};
        std::this_thread::yield();
      }
      in_order = left;
    }};
    uut.vanish([&](const passage_type::messages&) {
      std::this_thread::yield();
      left = true;
    });
    sender.join();
    CHECK(in_order);
  }
}

TEST_CASE("a worker that has gone takes nothing over") {
  passage_type uut;
  mailbox box;
  CHECK(vanish(uut).empty());
  auto taken = false;
  auto take = [&taken] {
    taken = true;
    return letters(1);
  };
  CHECK_FALSE(uut.open(no, take, box.slot()));
  CHECK_FALSE(taken);
}

TEST_CASE("a worker that is dead takes nothing over") {
  passage_type uut;
  mailbox box;
  prepare(uut);
  enter(uut, box, 2);
  auto taken = false;
  auto take = [&taken] {
    taken = true;
    return letters(1);
  };
  CHECK_FALSE(uut.open(yes, take, box.slot()));
  CHECK_FALSE(taken);
  CHECK(box.numbers.empty());
  CHECK(vanish(uut).size() == 1);
}

TEST_CASE("a dead worker's message stays with its sender") {
  passage_type uut;
  mailbox box;
  uut.open(no, none, box.slot());
  letter x{0, 1};
  CHECK(uut.enter(x, [](letter&) { return false; }) == outcome::refused);
  CHECK(x.seal != nullptr);
}

namespace {

using time_point = handover_type::time_point;

constexpr auto start_time = time_point{1h};

std::vector<int> numbers(const passage_type::messages& what) {
  std::vector<int> result;
  for (auto& x : what)
    result.push_back(x.number);
  return result;
}

} // namespace

TEST_CASE("messages wait for the next incarnation in order") {
  handover_type uut;
  CHECK(uut.find(7) == nullptr);
  auto* first = uut.claim(7, 10);
  auto* second = uut.claim(7, 11);
  CHECK(first == second);
  CHECK(uut.claim(8, 12) != first);
  CHECK_FALSE(uut.leave(first, {}, start_time));
  CHECK_FALSE(uut.next());
  CHECK(uut.leave(second, letters(1, 2), start_time));
  letter third{0, 3};
  CHECK(uut.append(7, third));
  letter lost{0, 4};
  CHECK_FALSE(uut.append(8, lost)); // none waits
  CHECK(lost.seal);
  CHECK(uut.leave(uut.claim(7, 13), letters(4, 5), start_time));
  CHECK(uut.size() == 5);
  auto* found = uut.find(7);
  REQUIRE(found == first);
  CHECK(numbers(uut.take(found)) == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(uut.size() == 0);
  CHECK_FALSE(uut.next());
  CHECK(uut.take(found).empty());
  CHECK_FALSE(uut.append(7, lost));
  CHECK(uut.leave(found, letters(6), start_time));
  CHECK(numbers(uut.close()) == std::vector<int>{6});
  CHECK_FALSE(uut.append(7, lost));
  CHECK(uut.size() == 0);
}

TEST_CASE("starts that fail are tried again, at growing distances") {
  handover_type uut;
  uut.leave(uut.claim(7, 11), letters(1), start_time);
  CHECK(uut.next() == start_time);
  auto at = start_time;
  CHECK_FALSE(uut.begin_start(at - 1ms));
  auto attempt = [&] {
    auto x = uut.begin_start(at);
    REQUIRE(x);
    CHECK(x->key() == 7);
    CHECK(x->legacy() == 11);
    // However long it takes, there is no other.
    CHECK_FALSE(uut.begin_start(at + 1h));
    CHECK_FALSE(uut.next());
    x->end(at);
  };
  attempt();
  for (auto pause :
       {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10000ms, 10000ms}) {
    CHECK(uut.next() == at + pause);
    CHECK_FALSE(uut.begin_start(at + pause - 1ms));
    at += pause;
    attempt();
  }
  // What comes after a start has taken all is no failure of that one.
  {
    auto x = uut.begin_start(at + 1h);
    REQUIRE(x);
    auto* place = uut.find(7);
    CHECK(uut.take(place).size() == 1);
    uut.leave(place, letters(2), at);
    CHECK_FALSE(uut.next());
    x->end(at);
  }
  CHECK(uut.next() == at);
}

TEST_CASE("few starts are under way at a time") {
  handover_type uut;
  constexpr auto all = 3 * static_cast<int>(handover_type::max_starts);
  for (auto i = 0; i < all; ++i)
    uut.leave(uut.claim(i, 0), letters(i), start_time + 1ms * i);
  std::vector<handover_type::errand> errands;
  auto next = 0;
  while (auto x = uut.begin_start(start_time + 1h)) {
    CHECK(x->key() == next++); // who waits longest is first
    errands.push_back(std::move(*x));
  }
  CHECK(errands.size() == handover_type::max_starts);
  CHECK_FALSE(uut.next());
  auto* place = uut.find(0);
  uut.take(place);
  uut.release(place);
  errands.back().end(start_time + 1h);
  errands.pop_back();
  CHECK(uut.next() == start_time + 1ms * next);
  CHECK(uut.begin_start(start_time + 1h)->key() == next);
}

TEST_CASE("places that nobody needs are forgotten") {
  handover_type uut;
  for (auto i = 0; i < 100000; ++i)
    uut.release(uut.claim(i, 0));
  CHECK(uut.places() < 200);
}

namespace {

// One id whose workers leave all the time. A worker handles its mailbox to the
// end when it is told to leave, as actors do whose exit message comes last.
struct incarnation {
  passage_type way;
  handover_type::place* place = nullptr;
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
      if (old) {
        old->way.vanish([&](passage_type::messages kept) {
          if (old->place != nullptr)
            between.leave(old->place, std::move(kept), {});
        });
      }
    }
    if (old) {
      std::lock_guard guard{handled_mutex};
      for (auto& x : old->box)
        handled.emplace_back(x.sender, x.number);
    }
    auto* left = between.find(1);
    next->way.open(
      no,
      [this, left] {
        return left != nullptr ? between.take(left) : passage_type::messages{};
      },
      [&next](letter& x) { return next->post(x); });
    if (left != nullptr)
      between.release(left);
  }

  void prepare(incarnation& x) {
    auto* fresh = between.claim(1, 0);
    if (!x.way.prepare([&] { x.place = fresh; }))
      between.release(fresh);
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
            if (result == outcome::unprepared)
              w.prepare(*to);
            else if (result != outcome::refused)
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

} // namespace passage_test
