// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Workers whose places were taken before it was known why they died. Few, and
/// not for long: their down messages are under way. Thread-safe.
template <class Key>
class verdicts {
public:
  /// Notes a dead worker. Without memory for it, it counts as one that did
  /// well.
  void suspend(caf::actor_control_block* who, const Key& key) noexcept {
    try {
      std::lock_guard guard{mutex_};
      suspended_.emplace_back(who, key);
    } catch (...) {
      // nop
    }
  }

  /// Calls `fn(const Key&)` for each id of a dead worker, and forgets it.
  template <class Fn>
  void pass(const caf::actor_control_block* who, Fn&& fn) {
    std::vector<Key> keys;
    {
      std::lock_guard guard{mutex_};
      std::erase_if(suspended_, [&](const auto& x) {
        if (x.first != who)
          return false;
        keys.push_back(x.second);
        return true;
      });
    }
    for (auto& key : keys)
      fn(key);
  }

private:
  std::mutex mutex_;
  // The registrants of the table keep addresses from being used again.
  std::vector<std::pair<caf::actor_control_block*, Key>> suspended_;
};

} // namespace cafreg::detail
