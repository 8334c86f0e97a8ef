// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "duplicate_tables.hpp"

#include "catch.hpp"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace duplicate_table_test {

using namespace duplicate_tables;

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

} // namespace duplicate_table_test
