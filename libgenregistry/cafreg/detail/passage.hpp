// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace cafreg::detail {

/// The way that messages take to one incarnation of a worker, so that none is
/// lost when one incarnation leaves and another comes:
///
///     filling --open--> open --leave--> leaving --vanish--> gone
///
/// While it is open a message goes straight to the worker. Before and after
/// that it is kept, in the order of arrival; `vanish` gives out what was kept,
/// for the next incarnation, whose `open` delivers it before all else. As all
/// of it happens under one lock, what one sender sends stays in order.
/// Thread-safe.
template <class Message>
class passage {
public:
  /// What became of a message.
  enum class outcome {
    /// The worker has it.
    delivered,
    /// It is kept for the next incarnation, or until this one is ready.
    kept,
    /// Nothing: this incarnation is gone, the sender tries the next one.
    refused,
  };

  /// Sends a message.
  /// @param msg Moved from unless the outcome is `refused`.
  /// @param deliver `deliver(Message&)` hands it to the worker; returns false,
  ///                without moving from it, if the worker is dead.
  template <class Deliver>
  outcome enter(Message& msg, Deliver&& deliver) {
    std::lock_guard guard{mutex_};
    switch (state_) {
      case state::open:
        return deliver(msg) ? outcome::delivered : outcome::refused;
      case state::filling:
      case state::leaving:
        kept_.push_back(std::move(msg));
        return outcome::kept;
      default:
        return outcome::refused;
    }
  }

  /// Calls `fn()` while it is open and cannot cease to be so.
  /// @returns whether it was open, and what `fn` said.
  template <class Fn>
  bool while_open(Fn&& fn) {
    std::lock_guard guard{mutex_};
    return state_ == state::open && fn();
  }

  /// Delivers what `earlier` incarnations have left and what came since, then
  /// lets messages through.
  /// @returns false, with `earlier` as it was, if the worker has gone already.
  template <class Deliver>
  bool open(std::vector<Message>& earlier, Deliver&& deliver) {
    std::lock_guard guard{mutex_};
    if (state_ != state::filling)
      return false;
    for (auto& msg : earlier)
      deliver(msg);
    for (auto& msg : kept_)
      deliver(msg);
    earlier.clear();
    kept_.clear();
    state_ = state::open;
    return true;
  }

  /// Keeps all later messages, if it was open and `last()`, which tells the
  /// worker to go, says so.
  template <class Last>
  bool leave(Last&& last) {
    std::lock_guard guard{mutex_};
    if (state_ != state::open || !last())
      return false;
    state_ = state::leaving;
    return true;
  }

  /// Ends it: the worker is gone, or no longer the one for its id.
  /// @returns the messages that were kept.
  std::vector<Message> vanish() noexcept {
    std::lock_guard guard{mutex_};
    state_ = state::gone;
    return std::exchange(kept_, {});
  }

  /// Whether the worker was told to go and has not gone yet.
  bool leaving() const {
    std::lock_guard guard{mutex_};
    return state_ == state::leaving;
  }

private:
  enum class state {
    filling,
    open,
    leaving,
    gone,
  };

  mutable std::mutex mutex_;
  state state_ = state::filling;
  std::vector<Message> kept_;
};

} // namespace cafreg::detail
