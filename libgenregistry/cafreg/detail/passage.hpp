// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <list>
#include <mutex>
#include <utility>

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
///
/// Nothing is kept before `prepare`: it makes the place where `vanish`, which
/// must not fail, will put it. Thread-safe.
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
    /// Nothing: the sender calls `prepare` and tries again.
    unprepared,
  };

  using messages = std::list<Message>;

  /// Sends a message.
  /// @param msg Moved from if the outcome is `delivered` or `kept`.
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
        if (!prepared_)
          return outcome::unprepared;
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

  /// Lets messages be kept, unless that was done before or it is too late.
  /// @param fn `fn()` is called if so; must not throw.
  template <class Fn>
  bool prepare(Fn&& fn) {
    std::lock_guard guard{mutex_};
    if (prepared_ || state_ == state::gone)
      return false;
    fn();
    prepared_ = true;
    return true;
  }

  /// Delivers what earlier incarnations have left and what came since, then
  /// lets messages through. If that was done before, it delivers what was left
  /// over then.
  /// @param dead `dead()`: whether the worker is.
  /// @param earlier `earlier()` takes what was left; not called if the result
  ///                is false. Must not throw.
  /// @returns false, without any change, if the worker has gone already.
  template <class Dead, class Earlier, class Deliver>
  bool open(Dead&& dead, Earlier&& earlier, Deliver&& deliver) {
    std::lock_guard guard{mutex_};
    if ((state_ != state::filling && state_ != state::open) || dead())
      return false;
    state_ = state::open;
    kept_.splice(kept_.begin(), earlier());
    for (; !kept_.empty(); kept_.pop_front())
      deliver(kept_.front());
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
  /// @param leave `leave(messages)` gets those that were kept. Whoever is
  /// refused
  ///              from here on comes after it. Must not throw.
  template <class Leave>
  void vanish(Leave&& leave) noexcept {
    std::lock_guard guard{mutex_};
    state_ = state::gone;
    leave(std::exchange(kept_, {}));
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
  bool prepared_ = false;
  messages kept_;
};

} // namespace cafreg::detail
