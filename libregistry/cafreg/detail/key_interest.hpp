// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/interests.hpp"
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
    if (deadline == clock_type::time_point::max()) {
      // The latest point in time overflows inside some implementations.
      ended_.wait(guard, [this] { return done_; });
      return true;
    }
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

/// An interest in a key of a certain type.
template <class Key, class Value>
class key_interest final : public interest {
public:
  key_interest(kind what, size_t shard, uint64_t hash,
               caf::strong_actor_ptr who, Key key)
    : interest(what, shard, hash, std::move(who)), key(std::move(key)) {
    // nop
  }

  bool about(const void* other) const noexcept override {
    return key == *static_cast<const Key*>(other);
  }

  const Key key;
  /// The waiting thread, if it is one.
  std::shared_ptr<blocked_wait<Value>> blocked;
  /// With which value a standby takes over.
  std::optional<Value> value;
};

} // namespace cafreg::detail
