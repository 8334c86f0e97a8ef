// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace cafreg::detail {

/// Actors that are about to become workers, so that none does so twice at a
/// time. Few: as many as threads start workers right now. Thread-safe.
template <class Actor>
class recruits {
public:
  /// One of them, as long as this object exists.
  class recruit {
  public:
    recruit(recruit&& other) noexcept
      : in_(std::exchange(other.in_, nullptr)), who_(other.who_) {
      // nop
    }

    recruit& operator=(recruit&&) = delete;

    ~recruit() {
      if (in_ != nullptr)
        in_->remove(who_);
    }

    /// Whether there was no other start with this actor.
    explicit operator bool() const noexcept {
      return in_ != nullptr;
    }

  private:
    friend class recruits;

    recruit(recruits* in, const Actor* who) noexcept : in_(in), who_(who) {
      // nop
    }

    recruits* in_;
    const Actor* who_;
  };

  /// Adds an actor, unless it is there.
  recruit add(const Actor* who) {
    std::lock_guard guard{mutex_};
    if (std::find(all_.begin(), all_.end(), who) != all_.end())
      return {nullptr, who};
    all_.push_back(who);
    return {this, who};
  }

private:
  void remove(const Actor* who) noexcept {
    std::lock_guard guard{mutex_};
    std::erase(all_, who);
  }

  std::mutex mutex_;
  std::vector<const Actor*> all_;
};

} // namespace cafreg::detail
