// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

namespace cafreg::detail {

/// Finds subscriptions by their id, by member and scope, and by member: one for
/// each member and scope, which is known by its number. Not thread-safe. All
/// functions but `clear` are at most logarithmic.
/// @tparam Group What subscriptions are kept in.
template <class Member, class Group, class Less>
class roster {
public:
  struct key {
    Member who;
    uint64_t scope;
  };

  /// Where a subscription is.
  struct record {
    /// 0 as long as it is only reserved.
    uint64_t id = 0;
    Group* in = nullptr;
    size_t index = 0;
  };

private:
  struct key_view {
    const Member& who;
    uint64_t scope;
  };

  struct key_less {
    using is_transparent = void;

    template <class X, class Y>
    bool operator()(const X& x, const Y& y) const {
      Less less;
      if (less(x.who, y.who))
        return true;
      return !less(y.who, x.who) && x.scope < y.scope;
    }
  };

public:
  using map = std::map<key, record, key_less>;

  using position = typename map::iterator;

  /// Makes room for a subscription, which takes the place of another one if
  /// there is one for this member and scope.
  /// @throws std::bad_alloc without any change.
  position reserve(const Member& who, uint64_t scope, uint64_t id) {
    auto [pos, fresh] = records_.try_emplace(key{who, scope});
    try {
      ids_.emplace(id, pos);
    } catch (...) {
      if (fresh)
        records_.erase(pos);
      throw;
    }
    return pos;
  }

  /// Undoes `reserve`.
  void cancel(position pos, uint64_t id) noexcept {
    ids_.erase(id);
    if (pos->second.id == 0)
      records_.erase(pos);
  }

  /// Returns the position of a subscription, or `end()`.
  position find(uint64_t id) noexcept {
    auto pos = ids_.find(id);
    return pos == ids_.end() ? records_.end() : pos->second;
  }

  /// Returns the position of a subscription, or `end()`.
  position find(const Member& who, uint64_t scope) noexcept {
    return records_.find(key_view{who, scope});
  }

  /// Returns the position of a member's first subscription; the others follow.
  position find_first(const Member& who) noexcept {
    auto pos = records_.lower_bound(key_view{who, 0});
    return is_of(pos, who) ? pos : records_.end();
  }

  /// Whether there is a subscription at this position, and it is this member's.
  bool is_of(position pos, const Member& who) const noexcept {
    return pos != records_.end() && !Less{}(who, pos->first.who)
           && !Less{}(pos->first.who, who);
  }

  position end() noexcept {
    return records_.end();
  }

  /// Forgets the id that a subscription had before it was replaced.
  void forget(uint64_t id) noexcept {
    ids_.erase(id);
  }

  /// Moves a subscription to another roster's map.
  void remove(position pos, map& into) noexcept {
    ids_.erase(pos->second.id);
    into.insert(records_.extract(pos));
  }

  /// Moves all of them.
  void clear(map& into) noexcept {
    ids_.clear();
    into.swap(records_);
  }

  const map& all() const noexcept {
    return records_;
  }

  /// Whether it keeps nothing.
  bool empty() const noexcept {
    return records_.empty() && ids_.empty();
  }

private:
  map records_;
  std::unordered_map<uint64_t, position> ids_;
};

} // namespace cafreg::detail
