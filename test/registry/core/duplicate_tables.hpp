#pragma once

#include "cafreg/detail/duplicate_table.hpp"

#include "registry/core/fake_actors.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// What the tests of duplicate tables have in common.

namespace duplicate_tables {

using namespace std::literals;

using cafreg::detail::add_result;
using cafreg::detail::duplicate_table;

using string_table
  = duplicate_table<std::string, int, fake::actors, fake::observer>;

using int_table = duplicate_table<int, int, fake::actors, fake::observer>;

inline const fake::observer::cause by_call{"call"};

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

} // namespace duplicate_tables
