// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/epoch.hpp"

#include "cafreg/detail/limbo.hpp"

#include "catch.hpp"
#include "registry/effort.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace epoch_test {

namespace epoch = cafreg::detail::epoch;

using cafreg::detail::chain;
using cafreg::detail::limbo;

namespace {

struct node {
  node* next = nullptr;
  int id = 0;
};

std::vector<int> drain(chain<node>& from) {
  std::vector<int> result;
  while (auto* ptr = from.pop())
    result.push_back(ptr->id);
  return result;
}

// No other thread runs in these tests, hence no try is in vain.
void advance(int times) {
  for (auto i = 0; i < times; ++i)
    REQUIRE(epoch::try_advance());
}

} // namespace

TEST_CASE("memory expires when the epoch has advanced twice") {
  auto stamp = epoch::stamp();
  CHECK_FALSE(epoch::expired(stamp));
  advance(1);
  CHECK_FALSE(epoch::expired(stamp));
  advance(1);
  CHECK(epoch::expired(stamp));
}

TEST_CASE("a pin lets the epoch advance once and no further") {
  auto stamp = epoch::stamp();
  {
    epoch::pin pin;
    CHECK(epoch::pinned());
    CHECK(epoch::try_advance());
    for (auto i = 0; i < 10; ++i)
      CHECK_FALSE(epoch::try_advance());
    CHECK_FALSE(epoch::expired(stamp));
  }
  CHECK_FALSE(epoch::pinned());
  CHECK(epoch::try_advance());
  CHECK(epoch::expired(stamp));
}

TEST_CASE("pins nest and the outermost counts") {
  auto outer = std::make_unique<epoch::pin>();
  auto stamp = epoch::stamp();
  advance(1);
  {
    // Must not refresh the pinned epoch.
    epoch::pin inner;
    CHECK_FALSE(epoch::try_advance());
  }
  CHECK(epoch::pinned());
  CHECK_FALSE(epoch::try_advance());
  CHECK_FALSE(epoch::expired(stamp));
  outer.reset();
  CHECK_FALSE(epoch::pinned());
  CHECK(epoch::try_advance());
}

TEST_CASE("a pin of another thread counts until it ends") {
  std::atomic<int> step{0};
  std::thread other{[&step] {
    epoch::pin pin;
    step = 1;
    step.notify_all();
    step.wait(1);
  }};
  step.wait(0);
  auto stamp = epoch::stamp();
  while (epoch::try_advance()) {
    // nop
  }
  CHECK_FALSE(epoch::expired(stamp));
  step = 2;
  step.notify_all();
  other.join();
  advance(2);
  CHECK(epoch::expired(stamp));
}

TEST_CASE("one pin in 1024 is a sample") {
  auto samples = 0;
  for (auto i = 0; i < 10 * 1024; ++i) {
    epoch::pin pin;
    if (pin.sample())
      ++samples;
  }
  CHECK(samples == 10);
}

TEST_CASE("a thread that ends leaves its reader to another") {
  std::set<epoch::reader*> readers;
  for (auto i = 0; i < 100; ++i) {
    epoch::reader* mine = nullptr;
    std::thread{[&mine] {
      epoch::pin pin;
      mine = cafreg::seam::this_thread.reader;
    }}.join();
    CHECK(mine->pinned == 0);
    readers.insert(mine);
  }
  CHECK(readers.size() == 1);
}

namespace {

// Pins the epoch when its thread ends, after the thread's reader was given
// back: the reader is older, but was made later.
struct latecomer {
  ~latecomer() {
    epoch::pin pin;
    seen->store(cafreg::seam::this_thread.reader);
  }

  std::atomic<epoch::reader*>* seen = nullptr;
};

} // namespace

TEST_CASE("a pin in a destructor at the end of a thread is no leak") {
  std::set<epoch::reader*> readers;
  std::atomic<epoch::reader*> seen{nullptr};
  for (auto i = 0; i < 100; ++i) {
    std::thread{[&seen] {
      thread_local latecomer last;
      last.seen = &seen;
      epoch::pin pin;
    }}.join();
    readers.insert(seen.load());
  }
  CHECK(readers.size() == 1);
  CHECK(epoch::try_advance());
}

TEST_CASE("a chain keeps its order") {
  std::array<node, 6> nodes;
  for (auto i = 0; i < 6; ++i)
    nodes[i].id = i;
  chain<node> one;
  chain<node> two;
  CHECK(one.empty());
  CHECK(one.pop() == nullptr);
  one.splice(two);
  CHECK(one.empty());
  one.push(nodes.data());
  one.push(&nodes[1]);
  two.push(&nodes[2]);
  two.push(&nodes[3]);
  one.splice(two);
  CHECK(two.empty());
  one.push(&nodes[4]);
  two.push(&nodes[5]);
  chain<node> moved{std::move(one)};
  CHECK(drain(moved) == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(drain(two) == std::vector<int>{5});
}

TEST_CASE("limbo gives nodes back when nobody can see them") {
  std::array<node, 8> nodes;
  for (auto i = 0; i < 8; ++i)
    nodes[i].id = i;
  limbo<node> uut;
  chain<node> expired;
  CHECK(uut.empty());
  uut.retire(nodes.data(), expired);
  CHECK_FALSE(uut.empty());
  advance(1);
  uut.retire(&nodes[1], expired);
  uut.collect(expired);
  CHECK(expired.empty());
  advance(1);
  uut.collect(expired);
  CHECK(drain(expired) == std::vector<int>{0});
  SECTION("also when only retiring") {
    advance(2);
    // The bag of this epoch is that of the first node, hence another is due.
    advance(1);
    uut.retire(&nodes[2], expired);
    uut.retire(&nodes[3], expired);
    uut.collect(expired);
    CHECK(drain(expired) == std::vector<int>{1});
    advance(3);
    uut.retire(&nodes[4], expired);
    CHECK(drain(expired) == std::vector<int>{2, 3});
    chain<node> rest;
    uut.surrender(rest);
    CHECK(drain(rest) == std::vector<int>{4});
    CHECK(uut.empty());
  }
  SECTION("and all of them in the end") {
    chain<node> rest;
    uut.surrender(rest);
    CHECK(drain(rest) == std::vector<int>{1});
    CHECK(uut.empty());
  }
}

TEST_CASE("retirements advance the epoch now and then") {
  auto before = epoch::stamp();
  for (auto i = 0; i < 10'000; ++i)
    epoch::note_retired();
  CHECK(epoch::stamp() >= before + 5);
  CHECK(epoch::stamp() <= before + 1000);
}

namespace {

struct cell {
  static constexpr uint64_t alive = 0x5EED;

  cell* next = nullptr;
  uint64_t magic = alive;
  uint64_t twin = 0;
  uint64_t number = 0;

  ~cell() {
    magic = 0;
  }
};

} // namespace

// Readers follow links that writers replace; what a writer frees is really
// deleted, so that sanitizers see a mistake, too.
TEST_CASE("no reader ever sees freed memory") {
  constexpr size_t slots = 8;
  const auto rounds = effort(300'000, 30'000);
  std::array<std::atomic<cell*>, slots> links;
  for (auto& x : links)
    x = new cell;
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  auto read = [&](size_t first) {
    auto i = first;
    while (!done) {
      epoch::pin pin;
      auto* ptr = links[i++ % slots].load(std::memory_order_seq_cst);
      if (ptr->magic != cell::alive || ptr->number != ptr->twin)
        ++bad;
    }
  };
  std::mutex mutex;
  limbo<cell> retired;
  auto write = [&](size_t first) {
    for (size_t i = 0; i < rounds; ++i) {
      auto* fresh = new cell;
      fresh->number = i;
      fresh->twin = i;
      auto* old = links[(first + i) % slots].exchange(fresh);
      chain<cell> expired;
      {
        std::lock_guard guard{mutex};
        retired.retire(old, expired);
      }
      epoch::note_retired();
      while (auto* ptr = expired.pop())
        delete ptr;
    }
  };
  std::vector<std::thread> readers;
  for (size_t i = 0; i < 2; ++i)
    readers.emplace_back(read, i);
  std::vector<std::thread> writers;
  for (size_t i = 0; i < 2; ++i)
    writers.emplace_back(write, i * 3);
  for (auto& x : writers)
    x.join();
  done = true;
  for (auto& x : readers)
    x.join();
  CHECK(bad == 0);
  chain<cell> rest;
  retired.surrender(rest);
  while (auto* ptr = rest.pop())
    delete ptr;
  for (auto& x : links)
    delete x.load();
}

} // namespace epoch_test
