// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cafreg::detail {

/// Orders items by their last use, which the items themselves know: using one
/// touches nothing here. An item's place is where it was when somebody looked
/// last, never later than its last use, and is corrected when it comes to the
/// front: so the front is always exact. Not thread-safe; time is an argument.
template <class Item>
class usage_order {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Adds an item.
  /// @pre it is not there
  void add(Item* item, time_point last_use) {
    auto pos = order_.emplace(last_use, item).first;
    try {
      places_.emplace(item, last_use);
    } catch (...) {
      order_.erase(pos);
      throw;
    }
  }

  /// Returns whether the item was there. Complexity: logarithmic.
  bool remove(Item* item) noexcept {
    auto pos = places_.find(item);
    if (pos == places_.end())
      return false;
    order_.erase({pos->second, item});
    places_.erase(pos);
    return true;
  }

  bool contains(Item* item) const noexcept {
    return places_.count(item) > 0;
  }

  /// Takes the item that was used longest ago, or null.
  /// @param last_use `last_use(const Item&)`: when an item was really used.
  template <class LastUse>
  Item* take_oldest(LastUse&& last_use) {
    auto* result = settle(last_use);
    if (result != nullptr)
      remove(result);
    return result;
  }

  /// Takes all items that were not used since `limit`, oldest first.
  template <class LastUse>
  std::vector<Item*> take_until(time_point limit, LastUse&& last_use) {
    std::vector<Item*> result;
    for (auto* item = settle(last_use);
         item != nullptr && order_.begin()->first <= limit;
         item = settle(last_use)) {
      result.push_back(item);
      remove(item);
    }
    return result;
  }

  /// Returns a time at which no item is idle longer than since then: the place
  /// of the first one.
  std::optional<time_point> front() const {
    if (order_.empty())
      return std::nullopt;
    return order_.begin()->first;
  }

  size_t size() const noexcept {
    return order_.size();
  }

private:
  // Corrects places until that of the first item is right.
  template <class LastUse>
  Item* settle(LastUse& last_use) {
    while (!order_.empty()) {
      auto pos = order_.begin();
      auto* item = pos->second;
      time_point used = last_use(*item);
      if (used <= pos->first)
        return item;
      auto place = order_.extract(pos);
      place.value().first = used;
      order_.insert(std::move(place));
      places_[item] = used;
    }
    return nullptr;
  }

  std::set<std::pair<time_point, Item*>> order_;
  std::unordered_map<Item*, time_point> places_;
};

} // namespace cafreg::detail
