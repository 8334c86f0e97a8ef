// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/keyed_mutex.hpp"

#include "catch.hpp"

#include <array>
#include <atomic>
#include <latch>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace keyed_mutex_test {

namespace {

using uut_type = cafreg::detail::keyed_mutex<int>;

using outcome = uut_type::outcome;

} // namespace

TEST_CASE("a thread is told that it has a lock already") {
  uut_type uut;
  REQUIRE(uut.lock(1) == outcome::locked);
  CHECK(uut.lock(1) == outcome::would_deadlock);
  CHECK(uut.lock(2) == outcome::locked);
  uut.unlock(2);
  uut.unlock(1);
  CHECK(uut.lock(1) == outcome::locked);
  uut.unlock(1);
}

// Each thread has the lock of its own and wants that of the next one: one of
// them is refused, and all others get theirs.
TEST_CASE("a ring of locks is broken by one refusal") {
  constexpr size_t most = 5;
  for (size_t size = 2; size <= most; ++size)
    for (auto round = 0; round < 40; ++round) {
      // As if each were a lock of another registry.
      std::array<uut_type, most> locks;
      std::latch held{static_cast<std::ptrdiff_t>(size)};
      std::atomic<int> refused{0};
      std::vector<std::thread> threads;
      for (size_t i = 0; i < size; ++i)
        threads.emplace_back([&, i] {
          auto next = (i + 1) % size;
          if (locks[i].lock(7) != outcome::locked)
            ++refused;
          held.arrive_and_wait();
          if (locks[next].lock(7) == outcome::locked)
            locks[next].unlock(7);
          else
            ++refused;
          locks[i].unlock(7);
        });
      for (auto& x : threads)
        x.join();
      REQUIRE(refused == 1);
    }
}

TEST_CASE("locks that are taken in one order are never refused") {
  constexpr size_t keys = 4;
  uut_type uut;
  std::array<int, keys> inside{};
  std::atomic<int> refused{0};
  std::atomic<int> crowded{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 rng{t};
      for (auto round = 0; round < 500; ++round) {
        std::vector<int> taken;
        for (size_t key = 0; key < keys; ++key)
          if (rng() % 2 == 0) {
            if (uut.lock(static_cast<int>(key)) != outcome::locked) {
              ++refused;
              continue;
            }
            taken.push_back(static_cast<int>(key));
            if (++inside[key] > 1)
              ++crowded;
          }
        for (auto key : taken) {
          --inside[static_cast<size_t>(key)];
          uut.unlock(key);
        }
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(refused == 0);
  CHECK(crowded == 0);
}

// In any order: whoever is refused gives back what it has, and nobody hangs.
TEST_CASE("locks that are taken in any order end") {
  constexpr int keys = 4;
  uut_type uut;
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 rng{t};
      for (auto round = 0; round < 500; ++round) {
        std::vector<int> taken;
        for (auto i = 0; i < 3; ++i) {
          auto key = static_cast<int>(rng() % keys);
          if (uut.lock(key) == outcome::locked) {
            taken.push_back(key);
          } else {
            ++refused;
            break;
          }
        }
        for (auto key : taken)
          uut.unlock(key);
      }
    });
  for (auto& x : threads)
    x.join();
  CHECK(refused > 0);
}

} // namespace keyed_mutex_test
