// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

/// A thread that waits for a name.
template <class Value>
class blocked_wait {
public:
  /// Ends the wait with a holder.
  void answer(caf::strong_actor_ptr holder, const Value& value) {
    std::lock_guard guard{mutex_};
    if (done_)
      return;
    holder_ = std::move(holder);
    value_.emplace(value);
    finish();
  }

  /// Ends the wait in vain.
  void fail(errc why) noexcept {
    std::lock_guard guard{mutex_};
    if (done_)
      return;
    why_ = why;
    finish();
  }

  /// Returns whether the wait ended before the deadline.
  bool wait_until(clock_type::time_point deadline) {
    std::unique_lock guard{mutex_};
    return ended_.wait_until(guard, deadline, [this] { return done_; });
  }

  // After the wait.

  const caf::strong_actor_ptr& holder() const noexcept {
    return holder_;
  }

  const std::optional<Value>& value() const noexcept {
    return value_;
  }

  errc why() const noexcept {
    return why_;
  }

private:
  void finish() noexcept {
    done_ = true;
    ended_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  errc why_ = errc::timeout;
  caf::strong_actor_ptr holder_;
  std::optional<Value> value_;
};

/// Who wants to know what becomes of a name.
template <class Key, class Value>
struct interest {
  enum class kind {
    /// Wants each change.
    watch,
    /// Wants the first holder, once.
    await,
    /// Wants to be the next holder.
    standby,
  };

  kind what;
  Key key;
  /// The interested actor; null for a thread that waits.
  caf::strong_actor_ptr who;
  std::shared_ptr<blocked_wait<Value>> blocked = nullptr;
  clock_type::time_point deadline = clock_type::time_point::max();
  /// With which value a standby takes over.
  std::optional<Value> value = std::nullopt;
  uint64_t id = 0;
};

/// The interests in the names of one registry. Rarely used, hence one mutex
/// for all; whether a shard has any is one relaxed load. Calls for one key are
/// made under the lock of its shard, so that nobody misses a change between
/// the look at the table and the note of the interest.
template <class Key, class Value>
class interests {
public:
  using value_type = interest<Key, Value>;

  using kind = typename value_type::kind;

  /// Whether a key of this shard may be of interest to anyone.
  bool any(size_t shard) const noexcept {
    return counts_[shard].load(std::memory_order_relaxed) > 0;
  }

  /// Whether anybody stands by for any key.
  bool any_standby() const noexcept {
    return standbys_.load(std::memory_order_acquire) > 0;
  }

  /// Makes room for an id, so that it can be told before the interest counts.
  uint64_t next_id() noexcept {
    return last_id_.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  /// Returns false when closed.
  bool add(size_t shard, value_type x) {
    std::lock_guard guard{mutex_};
    if (closed_)
      return false;
    auto id = x.id;
    auto what = x.what;
    auto [pos, added] = by_id_.try_emplace(id, item{std::move(x), shard});
    auto& stored = pos->second.what;
    by_key_[stored.key].push_back(id);
    if (stored.who)
      by_actor_.emplace(stored.who.get(), id);
    if (stored.deadline != clock_type::time_point::max())
      deadlines_.emplace(stored.deadline, id);
    if (what == kind::standby)
      standbys_.fetch_add(1);
    counts_[shard].fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  /// Calls `fn(const value_type&)` for the watchers of a key.
  template <class Fn>
  void for_each_watch(const Key& key, Fn&& fn) {
    std::lock_guard guard{mutex_};
    auto pos = by_key_.find(key);
    if (pos == by_key_.end())
      return;
    for (auto id : pos->second)
      if (auto& x = by_id_.find(id)->second.what; x.what == kind::watch)
        fn(std::as_const(x));
  }

  /// Takes the interests of one kind in a key, oldest first.
  std::vector<value_type> take(const Key& key, kind what,
                               size_t limit = static_cast<size_t>(-1)) {
    std::vector<value_type> result;
    std::lock_guard guard{mutex_};
    auto pos = by_key_.find(key);
    if (pos == by_key_.end())
      return result;
    std::vector<uint64_t> ids;
    for (auto id : pos->second)
      if (ids.size() < limit && by_id_.find(id)->second.what.what == what)
        ids.push_back(id);
    for (auto id : ids)
      result.push_back(extract(id));
    return result;
  }

  std::optional<value_type> take(uint64_t id) {
    std::lock_guard guard{mutex_};
    if (by_id_.count(id) == 0)
      return std::nullopt;
    return extract(id);
  }

  std::vector<value_type> take_of(const caf::actor_control_block* who) {
    std::vector<value_type> result;
    std::lock_guard guard{mutex_};
    for (auto pos = by_actor_.find(who); pos != by_actor_.end();
         pos = by_actor_.find(who))
      result.push_back(extract(pos->second));
    return result;
  }

  /// Takes all interests whose deadline has passed.
  /// @param next Set to the earliest deadline of the others.
  std::vector<value_type> take_expired(clock_type::time_point now,
                                       clock_type::time_point& next) {
    std::vector<value_type> result;
    std::lock_guard guard{mutex_};
    while (!deadlines_.empty() && deadlines_.begin()->first <= now)
      result.push_back(extract(deadlines_.begin()->second));
    next = deadlines_.empty() ? clock_type::time_point::max()
                              : deadlines_.begin()->first;
    return result;
  }

  /// Takes all interests and refuses new ones.
  std::vector<value_type> close() {
    std::vector<value_type> result;
    std::lock_guard guard{mutex_};
    closed_ = true;
    while (!by_id_.empty())
      result.push_back(extract(by_id_.begin()->first));
    return result;
  }

  /// Calls `fn(const value_type&)` for all interests.
  template <class Fn>
  void for_each(Fn&& fn) {
    std::lock_guard guard{mutex_};
    for (auto& [id, x] : by_id_)
      fn(std::as_const(x.what));
  }

private:
  struct item {
    value_type what;
    size_t shard;
  };

  value_type extract(uint64_t id) {
    auto pos = by_id_.find(id);
    auto result = std::move(pos->second.what);
    auto keyed = by_key_.find(result.key);
    std::erase(keyed->second, id);
    if (keyed->second.empty())
      by_key_.erase(keyed);
    if (result.who) {
      auto [first, last] = by_actor_.equal_range(result.who.get());
      by_actor_.erase(std::find_if(first, last, [id](const auto& x) {
        return x.second == id;
      }));
    }
    deadlines_.erase({result.deadline, id});
    if (result.what == kind::standby)
      standbys_.fetch_sub(1);
    counts_[pos->second.shard].fetch_sub(1, std::memory_order_relaxed);
    by_id_.erase(pos);
    return result;
  }

  std::array<std::atomic<uint32_t>, shard_count> counts_{};
  std::atomic<uint32_t> standbys_{0};
  std::atomic<uint64_t> last_id_{0};
  std::mutex mutex_;
  bool closed_ = false;
  // Ids grow, so that each list is in the order of arrival.
  std::unordered_map<uint64_t, item> by_id_;
  std::unordered_map<Key, std::vector<uint64_t>> by_key_;
  std::unordered_multimap<const caf::actor_control_block*, uint64_t> by_actor_;
  std::set<std::pair<clock_type::time_point, uint64_t>> deadlines_;
};

} // namespace cafreg::detail
