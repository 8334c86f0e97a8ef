// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>
#include <utility>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Workers whose places were taken before it was known why they died. Few, and
/// not for long: their down messages are under way. Thread-safe.
template <class Key>
class verdicts {
public:
  /// Announces a call of `suspend`. To be called before the worker loses its
  /// place: then whoever sees that, and calls `pass`, knows that there is one
  /// to come.
  void anticipate() noexcept {
    expected_.fetch_add(1);
  }

  /// Notes a dead worker that was expected. Without memory for it, it counts as
  /// one that did well.
  void suspend(caf::actor_control_block* who, const Key& key) noexcept {
    try {
      std::list<entry> fresh;
      fresh.emplace_back(who, key);
      std::lock_guard guard{mutex_};
      suspended_.splice(suspended_.end(), fresh);
    } catch (...) {
      // nop
    }
    acquit();
  }

  /// Forgets that one was expected.
  void acquit() noexcept {
    expected_.fetch_sub(1);
  }

  /// Calls `fn(const Key&)` for each id of a dead worker, and forgets it.
  /// @param barrier `barrier()` is called first if there may be one that is
  ///                only about to be suspended, and waits for that.
  template <class Barrier, class Fn>
  void pass(const caf::actor_control_block* who, Barrier&& barrier, Fn&& fn) {
    if (expected_.load() > 0)
      barrier();
    std::list<entry> passed;
    {
      std::lock_guard guard{mutex_};
      for (auto pos = suspended_.begin(); pos != suspended_.end();) {
        auto here = pos++;
        if (here->first == who)
          passed.splice(passed.end(), suspended_, here);
      }
    }
    for (auto& x : passed)
      fn(x.second);
  }

  /// Number of those who are suspended.
  size_t size() const {
    std::lock_guard guard{mutex_};
    return suspended_.size();
  }

private:
  using entry = std::pair<caf::actor_control_block*, Key>;

  std::atomic<size_t> expected_{0};
  mutable std::mutex mutex_;
  // The registrants of the table keep addresses from being used again.
  std::list<entry> suspended_;
};

} // namespace cafreg::detail
