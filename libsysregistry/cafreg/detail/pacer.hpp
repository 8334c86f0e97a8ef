// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <tuple>

#include "cafreg/detail/deadline.hpp"

namespace cafreg::detail {

/// How often something may be delivered. Nothing is too long: what would be
/// due after the end of all time is never due.
struct pace {
  using duration = std::chrono::nanoseconds;

  /// Two deliveries are never closer than that.
  duration min_interval{0};

  /// How long changes are collected after a time of rest.
  duration hysteresis{0};

  /// Returns the same without negative durations, which count as zero.
  pace clamped() const noexcept {
    return {std::max(min_interval, duration{0}),
            std::max(hysteresis, duration{0})};
  }

  friend bool operator==(const pace&, const pace&) = default;

  friend auto operator<=>(const pace& x, const pace& y) noexcept {
    return std::tie(x.min_interval, x.hysteresis)
           <=> std::tie(y.min_interval, y.hysteresis);
  }
};

/// Decides when the changes of something are delivered. It knows neither clock
/// nor state: its owner says when something changed, comes back when it is due,
/// looks whether the state differs from the one delivered last, and says
/// whether it was delivered.
///
/// Deliveries are never closer than `min_interval` if the owner delivers when
/// it is due and not before. If it is never late, either, then the last state
/// arrives within `hysteresis + min_interval` of the change. Not thread-safe;
/// all functions are constant in time.
class pacer {
public:
  using time_point = std::chrono::steady_clock::time_point;

  enum class phase : uint8_t {
    /// Waits for a change.
    idle,
    /// There was a change after a time of rest, and more may follow.
    collecting,
    /// There was a delivery, and it is too early for the next one.
    pausing,
  };

  explicit pacer(pace limits) noexcept : limits_(limits.clamped()) {
    // nop
  }

  const pace& limits() const noexcept {
    return limits_;
  }

  phase current() const noexcept {
    return phase_;
  }

  bool idle() const noexcept {
    return phase_ == phase::idle;
  }

  /// When the owner is to look at the state, whatever happens until then: the
  /// end of all time while idle.
  time_point due() const noexcept {
    return due_;
  }

  /// The state changed. Only the first change after a time of rest matters.
  /// @returns whether it now collects, and did not before.
  bool change(time_point now) noexcept {
    if (!idle())
      return false;
    phase_ = phase::collecting;
    due_ = later(now, limits_.hysteresis);
    return true;
  }

  /// It was due, and the state was delivered at this time.
  void delivered(time_point now) noexcept {
    if (limits_.min_interval.count() == 0) {
      rest();
      return;
    }
    phase_ = phase::pausing;
    due_ = later(now, limits_.min_interval);
  }

  /// It was due, and there was nothing to deliver.
  void rest() noexcept {
    phase_ = phase::idle;
    due_ = time_point::max();
  }

private:
  pace limits_;
  phase phase_ = phase::idle;
  time_point due_ = time_point::max();
};

} // namespace cafreg::detail
