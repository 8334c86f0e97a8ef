// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cafreg::detail {

/// Stands for an actor. Never used twice.
using owner_id = uint64_t;

/// Owns what came back from a file: anyone may take that over.
constexpr owner_id restorer = 1;

/// Says whether an owner has died: what it has left is there until somebody
/// clears it away, but nobody need respect it. Any thread may ask.
using gone_function = std::function<bool(owner_id)>;

/// The first id of an actor.
constexpr owner_id first_owner = 2;

/// Whether a change from one value to the other is none. To be specialised for
/// values that need not be equal to themselves.
template <class Value>
struct value_equality : std::equal_to<Value> {};

template <class Value>
bool same_value(const Value& x, const Value& y) {
  return value_equality<Value>{}(x, y);
}

template <class Value>
bool same_value(const std::optional<Value>& x, const std::optional<Value>& y) {
  return x && y ? same_value(*x, *y) : x.has_value() == y.has_value();
}

/// What one owner says at a leaf.
template <class Value>
struct contribution {
  owner_id owner = 0;
  /// How many priorities are higher.
  size_t rank = 0;
  Value value;
};

/// What a leaf holds: the contribution that shows, and at layered mounts those
/// behind it.
template <class Value>
struct leaf_content {
  using part = contribution<Value>;
  using parts = std::vector<part>;

  part shown;
  /// In the order in which they would show; null if there are none, as in most
  /// leaves.
  std::shared_ptr<const parts> behind = nullptr;

  /// Calls `fn(owner_id)` for each owner.
  template <class Fn>
  void for_each_owner(Fn&& fn) const {
    fn(shown.owner);
    if (behind)
      for (auto& x : *behind)
        fn(x.owner);
  }

  /// The contribution of one owner: null if there is none.
  const part* of(owner_id who) const noexcept {
    if (shown.owner == who)
      return &shown;
    if (behind)
      for (auto& x : *behind)
        if (x.owner == who)
          return &x;
    return nullptr;
  }

  /// Returns the content with one more contribution, or with another one of the
  /// same owner. Complexity: linear in their number.
  static leaf_content with(const leaf_content* old, part fresh) {
    parts all;
    if (old != nullptr)
      all = old->all();
    auto mine = std::find_if(all.begin(), all.end(), [&](const part& x) {
      return x.owner == fresh.owner;
    });
    if (mine != all.end() && mine->rank == fresh.rank) {
      mine->value = std::move(fresh.value);
    } else {
      if (mine != all.end())
        all.erase(mine);
      auto pos = std::upper_bound(all.begin(), all.end(), fresh.rank,
                                  [](size_t rank, const part& x) {
                                    return rank < x.rank;
                                  });
      all.insert(pos, std::move(fresh));
    }
    return from(std::move(all));
  }

  /// Returns the content without the contribution of an owner: nothing if it
  /// was the only one. Complexity: as above.
  std::optional<leaf_content> without(owner_id who) const {
    if (!behind && shown.owner == who)
      return std::nullopt;
    auto all = this->all();
    std::erase_if(all, [who](const part& x) { return x.owner == who; });
    return from(std::move(all));
  }

private:
  parts all() const {
    parts result;
    result.push_back(shown);
    if (behind)
      result.insert(result.end(), behind->begin(), behind->end());
    return result;
  }

  static leaf_content from(parts all) {
    leaf_content result{std::move(all.front())};
    all.erase(all.begin());
    if (!all.empty())
      result.behind = std::make_shared<const parts>(std::move(all));
    return result;
  }
};

} // namespace cafreg::detail
