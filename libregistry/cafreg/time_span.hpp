// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <compare>
#include <type_traits>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// The type of `caf::infinite` where it is no duration, as in CAF 0.17.
template <class T>
concept infinite_time
  = !std::is_convertible_v<
      T,
      std::chrono::
        nanoseconds> && std::is_same_v<T, std::remove_const_t<decltype(caf::infinite)>>;

} // namespace cafreg::detail

namespace cafreg {

/// A length of time in any unit, or without limit: `caf::infinite`, as in CAF's
/// own requests. What is longer than `max()`, some 292 years, is without limit,
/// and nothing overflows: `std::chrono::hours::max()` is as good as infinite.
class time_span {
public:
  using duration = std::chrono::nanoseconds;

  constexpr time_span() noexcept = default;

  template <class Rep, class Period>
  constexpr time_span(std::chrono::duration<Rep, Period> x) noexcept
    : value_(saturated(x)) {
    // nop
  }

  /// Without limit.
  template <detail::infinite_time T>
  constexpr time_span(T) noexcept : value_(duration::max()) {
    // nop
  }

  static constexpr time_span max() noexcept {
    return duration::max();
  }

  constexpr bool infinite() const noexcept {
    return value_ == duration::max();
  }

  constexpr duration get() const noexcept {
    return value_;
  }

  constexpr operator duration() const noexcept {
    return value_;
  }

  friend constexpr auto operator<=>(time_span, time_span) noexcept = default;

private:
  template <class Rep, class Period>
  static constexpr duration
  saturated(std::chrono::duration<Rep, Period> x) noexcept {
    // Wide enough for all, exact enough to tell what is in range.
    using wide = std::chrono::duration<long double, std::nano>;
    wide all{x};
    if (all >= wide{duration::max()})
      return duration::max();
    if (all <= wide{duration::min()})
      return duration::min();
    if (all != all) // not a number
      return duration::zero();
    return std::chrono::duration_cast<duration>(x);
  }

  duration value_{0};
};

} // namespace cafreg
