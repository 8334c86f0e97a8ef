// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace cafreg::detail {

/// Orders items by their last use, which the items themselves know: using one
/// touches nothing here. An item's place is where it was when somebody looked
/// last, never later than its last use, and is corrected when it comes to the
/// front: so the front is always exact. Not thread-safe; time is an argument.
template <class Item>
class usage_order {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Adds an item, or puts one back that was taken.
  /// @pre it is not there
  void add(Item* item, time_point last_use) {
    auto [pos, fresh] = places_.try_emplace(item);
    if (!fresh) {
      put_back(item, last_use);
      return;
    }
    try {
      pos->second.at = order_.emplace(last_use, item).first->first;
    } catch (...) {
      places_.erase(pos);
      throw;
    }
  }

  /// Puts an item back that was taken and not removed since: that needs no
  /// memory.
  void put_back(Item* item, time_point last_use) noexcept {
    auto pos = places_.find(item);
    if (pos == places_.end() || !pos->second.taken)
      return;
    pos->second.at = last_use;
    pos->second.taken.value().first = last_use;
    order_.insert(std::move(pos->second.taken));
  }

  /// Removes an item, also one that was taken.
  /// @returns whether it was there.
  bool remove(Item* item) noexcept {
    auto pos = places_.find(item);
    if (pos == places_.end())
      return false;
    auto present = !pos->second.taken;
    if (present)
      order_.erase({pos->second.at, item});
    places_.erase(pos);
    return present;
  }

  bool contains(Item* item) const noexcept {
    auto pos = places_.find(item);
    return pos != places_.end() && !pos->second.taken;
  }

  /// Takes the item that was used longest ago, or null.
  /// @param last_use `last_use(const Item&)`: when an item was really used.
  template <class LastUse>
  Item* take_oldest(LastUse&& last_use) noexcept {
    auto* result = settle(last_use);
    if (result != nullptr)
      take(result);
    return result;
  }

  /// The same if it was not used since `limit`.
  template <class LastUse>
  Item* take_oldest_until(time_point limit, LastUse&& last_use) noexcept {
    auto* result = settle(last_use);
    if (result == nullptr || order_.begin()->first > limit)
      return nullptr;
    take(result);
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
  using order = std::set<std::pair<time_point, Item*>>;

  struct place {
    time_point at;
    // Its node of the order, while it is not in there.
    typename order::node_type taken;
  };

  void take(Item* item) noexcept {
    auto& x = places_.find(item)->second;
    x.taken = order_.extract({x.at, item});
  }

  // Corrects places until that of the first item is right.
  template <class LastUse>
  Item* settle(LastUse& last_use) noexcept {
    while (!order_.empty()) {
      auto pos = order_.begin();
      auto* item = pos->second;
      time_point used = last_use(*item);
      if (used <= pos->first)
        return item;
      take(item);
      put_back(item, used);
    }
    return nullptr;
  }

  order order_;
  std::unordered_map<Item*, place> places_;
};

} // namespace cafreg::detail
