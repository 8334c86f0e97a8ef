// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/page_pool.hpp"

#include "registry/effort.hpp"

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace page_pool_test {

using cafreg::detail::page_pool;

namespace {

// Pages that are counted, and run out.
struct supply {
  static inline std::atomic<ptrdiff_t> taken{0};
  static inline std::atomic<bool> exhausted{false};

  static void* take() noexcept {
    if (exhausted)
      return nullptr;
    void* result = nullptr;
    if (posix_memalign(&result, page_pool::page_size, page_pool::usable) != 0)
      return nullptr;
    ++taken;
    return result;
  }

  static void give_back(void* page) noexcept {
    --taken;
    std::free(page);
  }

  static constexpr page_pool::source source{take, give_back};
};

uintptr_t address(void* ptr) {
  return reinterpret_cast<uintptr_t>(ptr);
}

void release(page_pool& pool, std::vector<void*>& all) {
  for (auto* ptr : all)
    pool.deallocate(ptr);
  all.clear();
}

std::vector<void*> take(page_pool& pool, size_t count) {
  std::vector<void*> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(pool.allocate());
  return result;
}

template <class Fn>
void in_another_thread(Fn fn) {
  std::thread{fn}.join();
}

} // namespace

TEST_CASE("places of a page pool do not overlap") {
  for (size_t size : {1, 8, 12, 40, 64, 1000, 4000}) {
    page_pool pool{size};
    auto all = take(pool, 1000);
    for (auto* ptr : all) {
      CHECK(address(ptr) % page_pool::alignment == 0);
      std::memset(ptr, 0xff, size);
    }
    std::sort(all.begin(), all.end());
    for (size_t i = 1; i < all.size(); ++i)
      REQUIRE(address(all[i]) - address(all[i - 1]) >= size);
    release(pool, all);
  }
}

TEST_CASE("a page pool has no more pages than it needs") {
  page_pool pool{40};
  auto full = pool.places_in_a_page();
  CHECK(full > 99);
  auto all = take(pool, 10 * full);
  CHECK(pool.pages() == 10);
  // Every other place of each page is enough for half as many objects.
  std::vector<void*> half;
  for (size_t i = 0; i < all.size(); i += 2) {
    pool.deallocate(all[i]);
    half.push_back(all[i + 1]);
  }
  CHECK(pool.pages() == 10);
  for (auto* ptr : take(pool, 5 * full))
    half.push_back(ptr);
  CHECK(pool.pages() == 10);
  release(pool, half);
  CHECK(pool.pages() == 1);
}

TEST_CASE("who takes one place at a time does not ask for pages") {
  supply::taken = 0;
  page_pool pool{40, supply::source};
  pool.deallocate(pool.allocate());
  supply::exhausted = true;
  for (auto i = 0; i < 100; ++i)
    pool.deallocate(pool.allocate());
  supply::exhausted = false;
  CHECK(supply::taken == 1);
}

TEST_CASE("what one thread takes and others give back is taken again") {
  page_pool pool{24};
  std::vector<void*> all;
  for (auto round = 0; round < 20; ++round) {
    all = take(pool, 5000);
    in_another_thread([&] { release(pool, all); });
    // The page that is kept is in the part of this thread.
    CHECK(pool.pages() == 1);
  }
  for (size_t round = 0; round < 3 * page_pool::part_count; ++round) {
    in_another_thread([&] { all = take(pool, 5000); });
    release(pool, all);
    CHECK(pool.pages() <= page_pool::part_count);
  }
}

TEST_CASE("a page pool without memory changes nothing") {
  supply::taken = 0;
  {
    page_pool pool{40, supply::source};
    supply::exhausted = true;
    CHECK_THROWS_AS(pool.allocate(), std::bad_alloc);
    CHECK(pool.pages() == 0);
    supply::exhausted = false;
    auto all = take(pool, pool.places_in_a_page());
    supply::exhausted = true;
    CHECK_THROWS_AS(pool.allocate(), std::bad_alloc);
    CHECK_THROWS_AS(pool.allocate(), std::bad_alloc);
    // What comes back can be taken without memory.
    pool.deallocate(all.back());
    all.back() = pool.allocate();
    CHECK_THROWS_AS(pool.allocate(), std::bad_alloc);
    supply::exhausted = false;
    all.push_back(pool.allocate());
    CHECK(pool.pages() == 2);
    CHECK(std::set<void*>(all.begin(), all.end()).size() == all.size());
    release(pool, all);
    CHECK(supply::taken == 1);
  }
  CHECK(supply::taken == 0);
}

TEST_CASE("threads take from a page pool and give back to it at once") {
  constexpr size_t num_threads = 4;
  struct box {
    std::mutex mutex;
    std::vector<uint64_t*> content;
  };
  supply::taken = 0;
  {
    page_pool pool{sizeof(uint64_t) * 3, supply::source};
    // What is put into a box by one thread is taken out by another.
    box boxes[num_threads];
    std::atomic<size_t> damaged{0};
    std::vector<std::thread> threads;
    for (size_t t = 0; t < num_threads; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 rng{static_cast<unsigned>(t)};
        for (size_t i = 0; i < effort(60000, 8000); ++i) {
          auto* fresh = static_cast<uint64_t*>(pool.allocate());
          fresh[0] = fresh[1] = fresh[2] = address(fresh) + i;
          auto& to = boxes[rng() % num_threads];
          std::vector<uint64_t*> out;
          {
            std::lock_guard guard{to.mutex};
            to.content.push_back(fresh);
            // Some pages become empty now and then.
            if (to.content.size() > rng() % 1000)
              out.swap(to.content);
          }
          for (auto* ptr : out) {
            damaged += ptr[0] != ptr[1] || ptr[1] != ptr[2];
            pool.deallocate(ptr);
          }
        }
      });
    for (auto& x : threads)
      x.join();
    CHECK(damaged == 0);
    for (auto& x : boxes)
      for (auto* ptr : x.content)
        pool.deallocate(ptr);
    CHECK(pool.pages() <= num_threads);
    CHECK(static_cast<size_t>(supply::taken) == pool.pages());
  }
  CHECK(supply::taken == 0);
}

} // namespace page_pool_test
