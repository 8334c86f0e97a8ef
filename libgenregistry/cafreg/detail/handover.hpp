// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cafreg::detail {

/// Messages between two incarnations of a worker: left by one that is gone,
/// until the next one takes them. Also knows when to try to start that one.
/// Time is an argument. Thread-safe.
/// @tparam Legacy What else the next incarnation needs to know.
template <class Key, class Message, class Legacy>
class handover {
public:
  using clock = std::chrono::steady_clock;

  using time_point = clock::time_point;

  /// An id whose messages wait.
  struct orphan {
    Key key;
    Legacy legacy;
  };

  /// The pause after the first failed start; each further one doubles it.
  static constexpr auto first_pause = std::chrono::milliseconds{100};

  static constexpr auto longest_pause = std::chrono::seconds{10};

  /// Keeps messages behind those that wait already.
  void leave(const Key& key, std::vector<Message> messages, Legacy legacy,
             time_point now) {
    if (messages.empty())
      return;
    std::lock_guard guard{mutex_};
    auto& x = estates_[key];
    if (x.messages.empty())
      x.next_try = now;
    count_.fetch_add(messages.size(), std::memory_order_relaxed);
    x.messages.insert(x.messages.end(),
                      std::make_move_iterator(messages.begin()),
                      std::make_move_iterator(messages.end()));
    x.legacy = std::move(legacy);
  }

  /// Takes the messages for an id, oldest first.
  std::vector<Message> take(const Key& key) {
    if (size() == 0)
      return {};
    std::lock_guard guard{mutex_};
    auto pos = estates_.find(key);
    if (pos == estates_.end())
      return {};
    auto result = std::move(pos->second.messages);
    estates_.erase(pos);
    count_.fetch_sub(result.size(), std::memory_order_relaxed);
    return result;
  }

  /// Takes all messages.
  std::vector<Message> take_all() {
    std::vector<Message> result;
    std::lock_guard guard{mutex_};
    for (auto& [key, x] : estates_)
      std::move(x.messages.begin(), x.messages.end(),
                std::back_inserter(result));
    estates_.clear();
    count_.store(0, std::memory_order_relaxed);
    return result;
  }

  /// Returns the ids to be started now. Each of them will come again, after a
  /// pause, unless its messages are taken.
  std::vector<orphan> due(time_point now) {
    std::vector<orphan> result;
    std::lock_guard guard{mutex_};
    for (auto& [key, x] : estates_) {
      if (x.next_try > now)
        continue;
      result.push_back({key, x.legacy});
      x.next_try = now + x.pause;
      x.pause = std::min<clock::duration>(2 * x.pause, longest_pause);
    }
    return result;
  }

  /// Returns when the next id is due.
  std::optional<time_point> next() const {
    std::optional<time_point> result;
    std::lock_guard guard{mutex_};
    for (auto& [key, x] : estates_)
      if (!result || x.next_try < *result)
        result = x.next_try;
    return result;
  }

  /// Number of messages.
  size_t size() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

private:
  struct estate {
    std::vector<Message> messages;
    Legacy legacy{};
    time_point next_try;
    clock::duration pause = first_pause;
  };

  mutable std::mutex mutex_;
  std::unordered_map<Key, estate> estates_;
  std::atomic<size_t> count_{0};
};

} // namespace cafreg::detail
