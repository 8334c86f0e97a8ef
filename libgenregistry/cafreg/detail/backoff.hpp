// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cafreg/detail/deadline.hpp"

namespace cafreg::detail {

/// Which ids fail too often to be started again at once. Time is an argument.
/// Thread-safe.
template <class Key>
class backoff {
public:
  using clock = std::chrono::steady_clock;

  using time_point = clock::time_point;

  /// @param failures How many failures are too many; 0: any number is fine.
  /// @param within The time that they are counted in.
  /// @param cool_down How long an id is then refused, from its last failure on.
  backoff(size_t failures, clock::duration within, clock::duration cool_down)
    : failures_(failures), within_(within), cool_down_(cool_down) {
    // nop
  }

  bool enabled() const noexcept {
    return failures_ > 0;
  }

  /// Notes a failure. Complexity: linear in the number of failures that are
  /// too many, and amortised constant in the number of ids.
  void failed(const Key& key, time_point now) {
    if (!enabled())
      return;
    std::lock_guard guard{mutex_};
    if (records_.size() >= purge_at_) {
      std::erase_if(records_,
                    [&](const auto& x) { return stale(x.second, now); });
      purge_at_ = std::max<size_t>(64, 2 * records_.size());
    }
    auto& times = records_[key];
    if (over(times, now))
      times.clear(); // it has cooled down, and begins anew
    std::erase_if(times,
                  [&](time_point x) { return later(x, within_) <= now; });
    times.push_back(now);
    if (times.size() > failures_)
      times.erase(times.begin());
  }

  /// Returns until when an id must not be started; none if it may be.
  /// Complexity: constant.
  std::optional<time_point> refused_until(const Key& key, time_point now) {
    if (!enabled())
      return std::nullopt;
    std::lock_guard guard{mutex_};
    auto pos = records_.find(key);
    if (pos == records_.end() || pos->second.size() < failures_)
      return std::nullopt;
    if (over(pos->second, now)) {
      records_.erase(pos);
      return std::nullopt;
    }
    return later(pos->second.back(), cool_down_);
  }

  /// Number of ids that it remembers.
  size_t size() const {
    std::lock_guard guard{mutex_};
    return records_.size();
  }

private:
  // Whether an id was refused and is so no more.
  bool over(const std::vector<time_point>& times, time_point now) const {
    return times.size() >= failures_ && later(times.back(), cool_down_) <= now;
  }

  bool stale(const std::vector<time_point>& times, time_point now) const {
    return times.size() >= failures_ ? over(times, now)
                                     : later(times.back(), within_) <= now;
  }

  const size_t failures_;
  const clock::duration within_;
  const clock::duration cool_down_;
  mutable std::mutex mutex_;
  // The latest failures of each id, oldest first.
  std::unordered_map<Key, std::vector<time_point>> records_;
  size_t purge_at_ = 64;
};

} // namespace cafreg::detail
