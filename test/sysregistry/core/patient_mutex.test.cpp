// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/patient_mutex.hpp"

#include "registry/effort.hpp"

#include "catch.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace patient_mutex_test {

using cafreg::detail::patient_mutex;

TEST_CASE("a patient mutex has one owner at a time") {
  patient_mutex uut;
  size_t count = 0;
  std::atomic<size_t> refused{0};
  const auto each = effort(100'000, 10'000);
  std::vector<std::thread> threads;
  for (auto i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (size_t j = 0; j < each; ++j)
        if (i > 0 || j % 2 == 0) {
          std::lock_guard guard{uut};
          ++count;
        } else if (std::unique_lock guard{uut, std::try_to_lock}) {
          ++count;
        } else {
          ++refused;
        }
    });
  for (auto& x : threads)
    x.join();
  CHECK(count + refused == 4 * each);
}

TEST_CASE("a patient mutex wakes all who sleep, one after the other") {
  for (size_t round = 0; round < effort(50, 10); ++round) {
    patient_mutex uut;
    size_t count = 0;
    std::atomic<size_t> waiting{0};
    std::vector<std::thread> threads;
    {
      std::lock_guard guard{uut};
      CHECK_FALSE(uut.try_lock());
      for (auto i = 0; i < 4; ++i)
        threads.emplace_back([&] {
          ++waiting;
          std::lock_guard inner{uut};
          ++count;
        });
      while (waiting < 4)
        std::this_thread::yield();
      // Long enough for all to run out of patience, in general.
      for (auto i = 0; i < 2'000; ++i)
        std::this_thread::yield();
      CHECK(count == 0);
    }
    for (auto& x : threads)
      x.join();
    CHECK(count == 4);
    CHECK(uut.try_lock());
    uut.unlock();
  }
}

} // namespace patient_mutex_test
