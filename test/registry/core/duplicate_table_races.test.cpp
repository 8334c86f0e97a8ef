// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "duplicate_tables.hpp"

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace duplicate_table_races_test {

using namespace duplicate_tables;

TEST_CASE("random operations agree with a plain multimap") {
  auto partitions = GENERATE(size_t{1}, size_t{2}, size_t{5});
  auto strong = GENERATE(true, false);
  auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(partitions, strong, seed);
  std::mt19937 random{seed};
  auto pick = [&random](int n) { return static_cast<int>(random() % n); };
  constexpr auto num_actors = 12;
  constexpr auto num_keys = 9;
  actors who{num_actors};
  fake::observer observer;
  {
    int_table table{observer, strong, partitions};
    using item = std::tuple<int, int, int>; // key, actor, value
    std::vector<item> model;
    auto drop = [&model](auto&& pred) {
      return static_cast<size_t>(std::erase_if(model, pred));
    };
    std::deque<std::pair<int_table::reader, pairs>> readers;
    auto failures = 0;
    auto expect = [&failures](bool ok) { failures += ok ? 0 : 1; };
    for (auto i = 0; i < 6'000; ++i) {
      auto key = pick(num_keys);
      auto actor = pick(num_actors);
      auto value = pick(4);
      auto& ptr = who[static_cast<size_t>(actor)];
      // Longer and longer lists, and then few entries again.
      auto growing = i / 500 % 2 == 0;
      switch (pick(growing ? 12 : 8)) {
        case 0:
          expect(table.erase(&ptr, key, by_call) == drop([&](const item& x) {
                   return std::get<0>(x) == key && std::get<1>(x) == actor;
                 }));
          break;
        case 1:
          expect(table.erase_if(
                   &ptr, key, [value](int x) { return x == value; }, by_call)
                 == drop([&](const item& x) {
                      return x == item{key, actor, value};
                    }));
          break;
        case 2:
          if (!growing || pick(8) == 0)
            expect(
              table.erase_all(&ptr, by_call, pick(2) == 0)
              == drop([&](const item& x) { return std::get<1>(x) == actor; }));
          break;
        case 3:
        case 4: {
          pairs expected;
          for (auto& [k, a, v] : model)
            if (k == key)
              expected.emplace_back(a, v);
          std::sort(expected.begin(), expected.end());
          expect(look(table, key) == expected);
          expect(table.size(key) == expected.size());
          break;
        }
        case 5: {
          std::vector<int> mine;
          size_t all = 0;
          for (auto& [k, a, v] : model) {
            if (k == key && a == actor)
              mine.push_back(v);
            if (a == actor)
              ++all;
          }
          std::sort(mine.begin(), mine.end());
          expect(values(table, ptr, key) == mine);
          table.for_each_key_of(&ptr, [&all](int) { --all; });
          expect(all == 0);
          break;
        }
        case 6: // a reader that stays for a while
          if (partitions == 1) {
            readers.emplace_back(std::piecewise_construct,
                                 std::forward_as_tuple(table, 0, key,
                                                       table.hash(key)),
                                 std::forward_as_tuple(look(table, key)));
            if (readers.size() > 5)
              readers.pop_front();
          }
          break;
        default:
          expect(add(table, ptr, key, value) == add_result::done);
          model.emplace_back(key, actor, value);
      }
      if (i % 100 == 0) {
        auto sorted = model;
        std::sort(sorted.begin(), sorted.end());
        expect(everything(table) == sorted);
        expect(table.size() == model.size());
        std::vector<int> keys;
        keys.reserve(model.size());
        for (auto& x : model)
          keys.push_back(std::get<0>(x));
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        expect(table.key_count() == keys.size());
        for (auto& [reader, expected] : readers) {
          pairs seen;
          if (!reader.empty())
            for (auto& x : reader.entries())
              seen.emplace_back(x.actor()->id, x.value());
          std::sort(seen.begin(), seen.end());
          expect(seen == expected);
        }
      }
    }
    CHECK(failures == 0);
    readers.clear();
    // Without readers nothing lingers.
    for (auto& x : who.all) {
      auto n = std::count_if(model.begin(), model.end(), [&x](const item& y) {
        return std::get<1>(y) == x.id;
      });
      CHECK((strong ? x.strong : x.weak) == n);
    }
  }
  CHECK(who.unheld());
}

TEST_CASE("stable entries are seen exactly once beside writers") {
  auto partitions = GENERATE(size_t{1}, size_t{2});
  constexpr auto num_stable = 300;
  constexpr auto num_moving = 40;
  actors who{num_stable + num_moving};
  fake::observer observer;
  std::atomic<int> failures{0};
  {
    int_table table{observer, true, partitions};
    for (size_t i = 0; i < num_stable; ++i)
      add(table, who[i], 0, -1);
    std::atomic<bool> stop{false};
    auto writer = [&](unsigned seed) {
      std::mt19937 random{seed};
      while (!stop) {
        auto& x = who[num_stable + random() % num_moving];
        auto key = static_cast<int>(random() % 3);
        switch (random() % 8) {
          case 0:
            table.erase(&x, key, by_call);
            break;
          case 1:
            table.erase_all(&x, by_call, random() % 2 == 0);
            break;
          case 2:
            table.erase_if(
              &x, key, [](int value) { return value % 2 == 0; }, by_call);
            break;
          case 3:
            table.for_each_key_of(&x, [&](int k) {
              if (k < 0 || k > 2)
                ++failures;
            });
            break;
          default:
            add(table, x, key, static_cast<int>(random() % 100));
        }
      }
    };
    std::vector<std::thread> threads;
    threads.emplace_back(writer, 1u);
    threads.emplace_back(writer, 2u);
    auto reading = [&](bool all) {
      for (auto round = 0; round < 60; ++round) {
        std::vector<int> seen(num_stable + num_moving);
        auto visit = [&](const int_table::entry_type& x) {
          if (x.value() == -1)
            ++seen[static_cast<size_t>(x.actor()->id)];
          if (x.actor()->strong < 1)
            ++failures;
        };
        if (all) {
          table.for_each([&](int, const auto& x) { visit(x); });
        } else {
          for (size_t i = 0; i < partitions; ++i) {
            int_table::reader entries{table, i, 0, table.hash(0)};
            if (entries.empty())
              continue;
            size_t n = 0;
            for (auto& x : entries.entries()) {
              visit(x);
              ++n;
            }
            if (n != entries.size())
              ++failures;
          }
        }
        for (size_t i = 0; i < num_stable; ++i)
          if (seen[i] != 1)
            ++failures;
      }
    };
    std::thread other{reading, true};
    reading(false);
    other.join();
    stop = true;
    for (auto& t : threads)
      t.join();
    for (size_t i = 0; i < num_stable; ++i)
      CHECK(table.erase(&who[i], 0, by_call) == 1);
    for (size_t i = 0; i < num_moving; ++i)
      table.erase_all(&who[num_stable + i], by_call, true);
    CHECK(table.size() == 0);
    CHECK(table.key_count() == 0);
    CHECK(who.unheld());
  }
  CHECK(failures == 0);
}

TEST_CASE("a table closes beside every other operation") {
  for (auto round = 0; round < 100; ++round) {
    actors who{8};
    fake::observer observer;
    observer.recording = true;
    {
      int_table table{observer, round % 3 != 0, size_t{1} + round % 2};
      for (auto& x : who.all)
        add(table, x, 0, 0);
      std::atomic<int> ready{0};
      auto work = [&](unsigned seed) {
        std::mt19937 random{seed};
        ++ready;
        while (!table.closed()) {
          auto& x = who[random() % 8];
          auto key = static_cast<int>(random() % 3);
          switch (random() % 9) {
            case 0:
              table.erase(&x, key, by_call);
              break;
            case 1:
              table.erase_all(&x, by_call, false);
              break;
            case 2:
              table.erase_if(
                &x, key, [](int) { return true; }, by_call);
              break;
            case 3:
              look(table, key);
              table.key_count();
              break;
            case 4:
              table.for_each_key_of(&x, [](int) {});
              break;
            default:
              add(table, x, key, 1);
          }
        }
      };
      std::thread first{work, 3u * round + 1};
      std::thread second{work, 3u * round + 2};
      while (ready < 2)
        std::this_thread::yield();
      table.close({"closed"}, [](fake::actor*) {});
      first.join();
      second.join();
      REQUIRE(table.size() == 0);
      REQUIRE(table.key_count() == 0);
      REQUIRE(who.unheld());
    }
    // Each entry came once and went once.
    std::map<std::tuple<std::string, int, int>, int> balance;
    for (auto& x : observer.events)
      balance[{x.key, x.who->id, x.value}] += x.registered ? 1 : -1;
    for (auto& [what, n] : balance)
      REQUIRE(n == 0);
  }
}

} // namespace duplicate_table_races_test
