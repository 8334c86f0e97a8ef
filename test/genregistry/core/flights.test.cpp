// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/flights.hpp"

#include "catch.hpp"
#include "registry/effort.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace flights_test {

namespace {

using message = std::unique_ptr<int>;

using flights_type = cafreg::detail::flights<int, int, message>;

uint64_t hash_of(int id) {
  return std::hash<int>{}(id) *0x9e3779b97f4a7c15u;
}

flights_type::boarding board(flights_type& uut, int id) {
  return uut.board(hash_of(id), id);
}

/// Waits until a condition is true that others make so.
template <class Condition>
void until(Condition&& condition) {
  while (!condition())
    std::this_thread::yield();
}

// Returns whether a wait for a start was possible.
bool waits(const flights_type::boarding& x) {
  return x.what->wait() == cafreg::seam::waited::done;
}

} // namespace

TEST_CASE("a start is made by the first who wants it") {
  flights_type uut;
  auto first = board(uut, 7);
  CHECK(first.mine);
  CHECK_FALSE(first.what->done());
  auto second = board(uut, 7);
  CHECK_FALSE(second.mine);
  CHECK(second.what == first.what);
  auto other = board(uut, 8);
  CHECK(other.mine);
  CHECK(uut.size() == 2);
  CHECK(uut.all().size() == 2);
  uut.land(first.what, 42);
  CHECK(second.what->done());
  CHECK(waits(second));
  CHECK(second.what->outcome() == 42);
  CHECK(uut.size() == 1);
  CHECK(board(uut, 7).mine);
}

TEST_CASE("ids with the same hash have nothing to do with one another") {
  cafreg::detail::flights<std::string, int, message> uut;
  auto a = uut.board(1, "a");
  auto b = uut.board(1, "b");
  CHECK(a.mine);
  CHECK(b.mine);
  uut.land(a.what, 1);
  CHECK_FALSE(uut.board(1, "b").mine);
  CHECK(uut.board(1, "a").mine);
}

TEST_CASE("a thread does not wait for its own start") {
  flights_type uut;
  auto mine = board(uut, 7);
  CHECK_FALSE(waits(board(uut, 7)));
  uut.land(mine.what, 1);
}

TEST_CASE("a start is not begun for what is there") {
  flights_type uut;
  auto msg = std::make_unique<int>(1);
  auto seat = uut.board(
    hash_of(7), 7, [] { return true; }, &msg);
  CHECK_FALSE(seat.what);
  CHECK_FALSE(seat.mine);
  CHECK(msg);
  CHECK(uut.size() == 0);
}

TEST_CASE("messages wait for a start in order, until they are taken") {
  flights_type uut;
  auto send = [&](int x) {
    auto msg = std::make_unique<int>(x);
    auto seat = uut.board(
      hash_of(7), 7, [] { return false; }, &msg);
    return std::pair{seat, msg == nullptr};
  };
  auto [first, kept] = send(1);
  CHECK(first.mine);
  CHECK(kept);
  CHECK_FALSE(board(uut, 7).mine);
  CHECK(send(2).second);
  CHECK(send(3).second);
  std::vector<int> taken;
  for (auto& x : uut.take_early(first.what))
    taken.push_back(*x);
  CHECK(taken == std::vector<int>{1, 2, 3});
  CHECK_FALSE(send(4).second);
  CHECK(uut.take_early(first.what).empty());
  uut.land(first.what, 0);
  CHECK(send(5).second);
}

TEST_CASE("who waits gets the outcome") {
  flights_type uut;
  auto mine = board(uut, 7);
  std::vector<std::thread> threads;
  std::latch boarded{4};
  std::atomic<int> sum{0};
  for (auto i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      auto seat = board(uut, 7);
      boarded.count_down();
      if (!seat.mine && waits(seat))
        sum += seat.what->outcome();
    });
  boarded.wait();
  uut.land(mine.what, 10);
  for (auto& x : threads)
    x.join();
  CHECK(sum == 40);
}

namespace {

// Thread i makes the start of id i and then wants that of id i + 1, in a ring
// that is open or closed. Returns who was refused.
std::set<size_t> ring(size_t size, bool closed) {
  flights_type uut;
  std::latch boarded{static_cast<std::ptrdiff_t>(size)};
  std::vector<std::thread> threads;
  std::vector<char> refused(size, 0);
  for (size_t i = 0; i < size; ++i)
    threads.emplace_back([&, i] {
      auto mine = board(uut, static_cast<int>(i));
      boarded.arrive_and_wait();
      if (i + 1 < size || closed) {
        auto next = static_cast<int>((i + 1) % size);
        auto wanted = board(uut, next);
        if (wanted.mine)
          uut.land(wanted.what, 0); // it has ended in the meantime
        else if (!waits(wanted))
          refused[i] = 1;
      }
      uut.land(mine.what, 0);
    });
  for (auto& x : threads)
    x.join();
  std::set<size_t> result;
  for (size_t i = 0; i < size; ++i)
    if (refused[i] != 0)
      result.insert(i);
  return result;
}

} // namespace

TEST_CASE("a chain of waits is no cycle") {
  for (auto round = 0; round < 20; ++round)
    for (size_t size : {2, 3, 8})
      CHECK(ring(size, false).empty());
}

TEST_CASE("of a cycle of waits one is refused") {
  for (auto round = 0; round < 20; ++round)
    for (size_t size : {2, 3, 8})
      CHECK(ring(size, true).size() == 1);
}

TEST_CASE("a cycle through several tables is found") {
  flights_type first;
  flights_type second;
  auto mine = board(first, 1);
  std::atomic<bool> boarded{false};
  std::atomic<bool> got_it{false};
  std::thread other{[&] {
    auto theirs = board(second, 1);
    boarded = true;
    got_it = waits(board(first, 1));
    second.land(theirs.what, 0);
  }};
  until([&] { return boarded.load(); });
  // Either the other one waits already, and this one is refused, or this one
  // waits, and the other one is refused.
  auto seat = board(second, 1);
  auto waited = seat.mine || waits(seat);
  if (seat.mine)
    second.land(seat.what, 0);
  first.land(mine.what, 0);
  other.join();
  CHECK(waited != got_it);
}

TEST_CASE("nested starts end, and an order is never refused") {
  // Each thread starts random ids, each start wants others: greater ones only,
  // so that no cycle is possible, or any ones.
  for (auto ordered : {true, false}) {
    flights_type uut;
    std::atomic<size_t> refused{0};
    std::array<std::atomic<int>, 16> under_way{};
    std::atomic<bool> twice{false};
    auto want = [&](auto& self, std::mt19937& rng, int id, int depth) -> void {
      auto seat = board(uut, id);
      if (!seat.mine) {
        if (!waits(seat))
          ++refused;
        return;
      }
      if (under_way[id]++ != 0)
        twice = true;
      if (depth < 4)
        for (auto i = 0; i < 2; ++i) {
          auto from = ordered ? id + 1 : 0;
          if (from < 16)
            self(self, rng, from + static_cast<int>(rng() % (16 - from)),
                 depth + 1);
        }
      --under_way[id];
      uut.land(seat.what, id);
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 rng{t};
        for (size_t i = 0; i < effort(2000, 200); ++i)
          want(want, rng, static_cast<int>(rng() % 16), 0);
      });
    for (auto& x : threads)
      x.join();
    CHECK_FALSE(twice);
    CHECK(uut.size() == 0);
    if (ordered)
      CHECK(refused == 0);
  }
}

} // namespace flights_test
