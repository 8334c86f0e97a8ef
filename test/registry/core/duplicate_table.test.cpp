// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/duplicate_table.hpp"

#include "catch.hpp"
#include "registry/core/fake_actors.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::literals;

using cafreg::detail::add_result;
using cafreg::detail::duplicate_table;

namespace {

using string_table
  = duplicate_table<std::string, int, fake::actors, fake::observer>;

using int_table = duplicate_table<int, int, fake::actors, fake::observer>;

const fake::observer::cause by_call{"call"};

// All entries under a key, as (actor, value).
template <class Table, class Key>
std::vector<std::pair<int, int>> look(Table& table, const Key& key) {
  std::vector<std::pair<int, int>> result;
  for (size_t i = 0; i < table.partitions(); ++i) {
    typename Table::reader all{table, i, key, table.hash(key)};
    if (!all.empty())
      for (auto& x : all.entries())
        result.emplace_back(x.actor()->id, x.value());
  }
  std::sort(result.begin(), result.end());
  return result;
}

template <class Table>
auto everything(Table& table) {
  std::vector<std::tuple<int, int, int>> result;
  table.for_each([&](const auto& key, const auto& x) {
    result.emplace_back(key, x.actor()->id, x.value());
  });
  std::sort(result.begin(), result.end());
  return result;
}

template <class Table, class Key>
std::vector<int> values(Table& table, fake::actor& who, const Key& key) {
  std::vector<int> result;
  table.for_each_of(&who, key,
                    [&result](const auto& x) { result.push_back(x.value()); });
  std::sort(result.begin(), result.end());
  return result;
}

template <class Table>
add_result add(Table& table, fake::actor& who, const auto& key, int value) {
  return table.add(&who, key, int{value}, by_call);
}

// Some actors, which nobody holds in the end.
struct actors {
  explicit actors(size_t n) : all(n) {
    for (size_t i = 0; i < n; ++i)
      all[i].id = static_cast<int>(i);
  }

  fake::actor& operator[](size_t i) {
    return all[i];
  }

  bool unheld() const {
    return std::all_of(all.begin(), all.end(), [](const fake::actor& x) {
      return x.strong == 0 && x.weak == 0;
    });
  }

  std::deque<fake::actor> all;
};

using pairs = std::vector<std::pair<int, int>>;

} // namespace

TEST_CASE("many actors share a key, and one may have it twice") {
  auto partitions = GENERATE(size_t{1}, size_t{3});
  actors who{3};
  fake::observer observer;
  {
    string_table table{observer, true, partitions};
    CHECK(add(table, who[0], "a"sv, 1) == add_result::done);
    CHECK(add(table, who[1], "a"sv, 2) == add_result::done);
    CHECK(add(table, who[0], "a"sv, 3) == add_result::done);
    CHECK(add(table, who[0], "a"sv, 3) == add_result::done);
    CHECK(add(table, who[2], "b"sv, 4) == add_result::done);
    CHECK(look(table, "a"sv) == pairs{{0, 1}, {0, 3}, {0, 3}, {1, 2}});
    CHECK(look(table, "b"sv) == pairs{{2, 4}});
    CHECK(look(table, "c"sv).empty());
    CHECK(table.size() == 5);
    CHECK(table.size("a"sv) == 4);
    CHECK(table.size("c"sv) == 0);
    CHECK(table.key_count() == 2);
    CHECK(table.registrant_count() == 3);
    CHECK(observer.monitored.size() == 3);
    CHECK(values(table, who[0], "a"sv) == std::vector<int>{1, 3, 3});
    std::vector<std::string> keys;
    table.for_each_key_of(&who[0], [&keys](std::string_view key) {
      keys.emplace_back(key);
    });
    CHECK(keys == std::vector<std::string>{"a", "a", "a"});
    CHECK(table.erase(&who[0], "a"sv, by_call) == 3);
    CHECK(table.erase(&who[0], "a"sv, by_call) == 0);
    CHECK(look(table, "a"sv) == pairs{{1, 2}});
    CHECK(who[0].strong == 0);
    CHECK(who[1].strong == 1);
    CHECK(table.erase_all(&who[1], by_call, true) == 1);
    CHECK(table.registrant_count() == 2);
    CHECK(table.key_count() == 1);
    CHECK(table.removals() == 4);
  }
  CHECK(who.unheld());
}

TEST_CASE("actors are spread over the partitions") {
  actors who{100};
  fake::observer observer;
  int_table table{observer, true, 4};
  for (auto& x : who.all)
    add(table, x, 1, 0);
  for (size_t i = 0; i < 4; ++i) {
    int_table::reader part{table, i, 1, table.hash(1)};
    CHECK(part.size() > 5);
  }
  CHECK(table.key_count() == 1);
  CHECK(table.size(1) == 100);
}

TEST_CASE("an observer learns of each entry, in order") {
  actors who{2};
  fake::observer observer;
  observer.recording = true;
  {
    string_table table{observer, true, 2};
    add(table, who[0], "a"sv, 1);
    add(table, who[0], "a"sv, 2);
    add(table, who[1], "a"sv, 3);
    table.erase(&who[0], "a"sv, {"gone"});
    table.close({"closed"}, [](fake::actor*) {});
  }
  std::vector<std::tuple<bool, int, std::string>> seen;
  for (auto& x : observer.events)
    seen.emplace_back(x.registered, x.value, x.why);
  CHECK(seen
        == decltype(seen){{true, 1, "call"},
                          {true, 2, "call"},
                          {true, 3, "call"},
                          {false, 1, "gone"},
                          {false, 2, "gone"},
                          {false, 3, "closed"}});
}

TEST_CASE("a predicate selects what is unregistered") {
  actors who{2};
  fake::observer observer;
  int_table table{observer, true, 1};
  for (auto i = 0; i < 10; ++i)
    add(table, who[0], 7, i);
  add(table, who[1], 7, 2);
  SECTION("by value") {
    CHECK(table.erase_if(
            &who[0], 7, [](int x) { return x % 2 == 0; }, by_call)
          == 5);
    CHECK(values(table, who[0], 7) == std::vector<int>{1, 3, 5, 7, 9});
    CHECK(table.size() == 6);
  }
  SECTION("it may change the table") {
    auto calls = 0;
    auto removed = table.erase_if(
      &who[0], 7,
      [&](int) {
        if (++calls == 1) {
          // The same records come back for other entries: those must stay.
          table.erase(&who[0], 7, by_call);
          for (auto i = 0; i < 10; ++i)
            add(table, who[0], 7, 100 + i);
        }
        return true;
      },
      by_call);
    CHECK(calls == 10);
    CHECK(removed == 0);
    CHECK(values(table, who[0], 7).size() == 10);
    CHECK(values(table, who[0], 7).front() == 100);
  }
  SECTION("it may throw, and nothing happens") {
    CHECK_THROWS_AS(table.erase_if(
                      &who[0], 7,
                      [](int x) -> bool {
                        if (x == 9)
                          throw std::runtime_error{"no"};
                        return true;
                      },
                      by_call),
                    std::runtime_error);
    CHECK(table.size() == 11);
  }
  SECTION("it may close the table") {
    auto removed = table.erase_if(
      &who[0], 7,
      [&](int) {
        table.close(by_call, [](fake::actor*) {});
        return true;
      },
      by_call);
    CHECK(removed == 0);
    CHECK(table.size() == 0);
    CHECK(who.unheld());
    CHECK(!table.erase_if(
      &who[0], 7, [](int) { return true; }, by_call));
  }
}

TEST_CASE("unregistering is bounded by the smaller one of two numbers") {
  actors who{3};
  fake::observer observer;
  int_table table{observer, true, 1};
  constexpr auto many = 20'000;
  SECTION("an actor with many keys of one entry each") {
    for (auto i = 0; i < many; ++i)
      add(table, who[0], i, i);
    for (auto i : {0, many / 2, many - 1}) {
      auto before = table.search_steps();
      CHECK(table.erase(&who[0], i, by_call) == 1);
      CHECK(table.search_steps() - before < 20);
    }
    auto before = table.search_steps();
    CHECK(table.erase(&who[0], many, by_call) == 0);
    CHECK(table.erase_if(
            &who[0], 17, [](int) { return true; }, by_call)
          == 1);
    CHECK(values(table, who[0], 18) == std::vector<int>{18});
    CHECK(table.search_steps() - before < 60);
  }
  SECTION("a key with many entries, one of which is the actor's") {
    for (auto i = 0; i < many; ++i)
      add(table, who[0], 1, i);
    add(table, who[1], 1, 5);
    for (auto i = 0; i < many; ++i)
      add(table, who[0], 1, i);
    auto before = table.search_steps();
    CHECK(values(table, who[1], 1) == std::vector<int>{5});
    CHECK(table.erase(&who[1], 1, by_call) == 1);
    CHECK(table.erase(&who[2], 1, by_call) == 0);
    CHECK(table.search_steps() - before < 10);
    CHECK(table.size() == 2 * many);
  }
  SECTION("both: all of them go") {
    for (auto i = 0; i < many; ++i) {
      add(table, who[0], 1, i);
      add(table, who[0], 2, i);
      add(table, who[1], 1, i);
    }
    CHECK(table.erase(&who[0], 1, by_call) == many);
    CHECK(table.size() == 2 * many);
    CHECK(who[0].strong == many);
    CHECK(table.search_steps() < 5 * many);
  }
}

TEST_CASE("what a reader sees stays until it ends") {
  auto strong = GENERATE(true, false);
  actors who{100};
  fake::observer observer;
  auto refs = [&](size_t i) {
    return (strong ? who[i].strong : who[i].weak).load();
  };
  string_table table{observer, strong, 1};
  for (auto& x : who.all)
    add(table, x, "a"sv, x.id);
  {
    std::optional<string_table::reader> first;
    first.emplace(table, 0, "a"sv, table.hash("a"sv));
    string_table::reader second{table, 0, "a"sv, table.hash("a"sv)};
    CHECK(first->size() == 100);
    SECTION("its actors unregister") {
      for (auto& x : who.all)
        CHECK(table.erase(&x, "a"sv, by_call) == 1);
    }
    SECTION("its actors die") {
      for (auto& x : who.all) {
        x.terminated = true;
        table.erase_all(&x, by_call, true);
      }
      CHECK(table.registrant_count() == 0);
    }
    SECTION("the table closes") {
      table.close(by_call, [](fake::actor*) {});
      CHECK(add(table, who[1], "a"sv, 1) == add_result::closed);
    }
    CHECK(table.size() == 0);
    CHECK(table.size("a"sv) == 0);
    CHECK(table.key_count() == 0);
    CHECK(look(table, "a"sv).empty());
    CHECK(refs(7) == 1);
    auto next = 0;
    for (auto& x : first->entries())
      CHECK(x.value() == next++);
    CHECK(next == 100);
    first.reset();
    CHECK(refs(7) == 1);
    next = 0;
    for (auto& x : second.entries())
      CHECK(x.value() == next++);
    CHECK(second.key() == "a");
  }
  CHECK(who.unheld());
}

TEST_CASE("a full walk sees what exists all the time exactly once") {
  actors who{64};
  fake::observer observer;
  int_table table{observer, true, GENERATE(size_t{1}, size_t{2})};
  for (auto key = 0; key < 50; ++key)
    for (auto& x : who.all)
      add(table, x, key, 0);
  std::map<std::pair<int, int>, int> seen;
  auto changes = 0;
  table.for_each([&](int key, const auto& x) {
    if (x.value() == 0)
      ++seen[{key, x.actor()->id}];
    // Every odd key is emptied on the way, new ones come.
    if (++changes % 10 == 0) {
      auto at = changes / 10;
      table.erase(&who[at % 64], 2 * (at % 25) + 1, by_call);
      add(table, who[at % 64], 1000 + at % 100, 1);
    }
  });
  for (auto key = 0; key < 50; key += 2)
    for (auto i = 0; i < 64; ++i)
      CHECK(seen[{key, i}] == 1);
  for (auto& [what, count] : seen)
    CHECK(count <= 1);
}

TEST_CASE("the dead cannot register, and are told from the living") {
  actors who{2};
  fake::observer observer;
  int_table table{observer, true, 2};
  who[0].terminated = true;
  CHECK(add(table, who[0], 1, 1) == add_result::dead);
  add(table, who[1], 1, 5);
  auto living = [&] {
    return table.locked(1, [](size_t, const int_table::entry_type* x) {
      return x != nullptr ? x->value() : 0;
    });
  };
  CHECK(living() == 5);
  who[1].terminated = true;
  CHECK(living() == 0);
  CHECK(table.size(1) == 1);
}

TEST_CASE("keys that are long, or hashed alike, are told apart") {
  actors who{1};
  fake::observer observer;
  string_table table{observer, true, 1};
  std::vector<std::string> keys;
  for (auto i = 0; i < 100; ++i) {
    keys.emplace_back(static_cast<size_t>(20 + i), 'x');
    keys.push_back(std::to_string(i));
    keys.push_back(std::string(1 << 16, 'y') + std::to_string(i));
  }
  for (auto round = 0; round < 3; ++round) {
    for (auto& key : keys)
      CHECK(add(table, who[0], key, static_cast<int>(key.size()))
            == add_result::done);
    CHECK(table.key_count() == keys.size());
    for (auto& key : keys)
      CHECK(look(table, key) == pairs{{0, static_cast<int>(key.size())}});
    for (auto& key : keys)
      CHECK(table.erase(&who[0], key, by_call) == 1);
    CHECK(table.key_count() == 0);
  }
}

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
