// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <type_traits>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Whether it is the type of `caf::infinite`, where that is no duration, as in
/// CAF 0.17.
template <class T>
constexpr bool is_infinite_time
  = std::is_same_v<
      T,
      std::remove_const_t<
        decltype(caf::
                   infinite)>> && !std::is_convertible_v<T, std::chrono::nanoseconds>;

/// The same as a concept.
template <class T>
concept infinite_time = is_infinite_time<T>;

/// Returns a duration in nanoseconds, or the longest one in its direction.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds
saturated(std::chrono::duration<Rep, Period> x) noexcept {
  using result = std::chrono::nanoseconds;
  // Wide enough for all, exact enough to tell what is in range.
  using wide = std::chrono::duration<long double, std::nano>;
  wide all{x};
  if (all >= wide{result::max()})
    return result::max();
  if (all <= wide{result::min()})
    return result::min();
  if (all != all) // not a number
    return result::zero();
  return std::chrono::duration_cast<result>(x);
}

} // namespace cafreg::detail

namespace cafreg {

/// A length of time in any unit, or without limit: `caf::infinite`, as in CAF's
/// own requests. What is longer than `max()`, some 292 years, is without limit,
/// and nothing overflows: `std::chrono::hours::max()` is as good as infinite.
class time_span {
public:
  /// What it is made of.
  using duration = std::chrono::nanoseconds;

  /// None at all.
  constexpr time_span() noexcept = default;

  /// So long, or without limit.
  template <class Rep, class Period>
  constexpr time_span(std::chrono::duration<Rep, Period> x) noexcept
    : value_(detail::saturated(x)) {
    // nop
  }

  /// Without limit.
  template <detail::infinite_time T>
  constexpr time_span(T) noexcept : value_(duration::max()) {
    // nop
  }

  /// Without limit.
  static constexpr time_span max() noexcept {
    return duration::max();
  }

  /// Whether it is without limit.
  constexpr bool infinite() const noexcept {
    return value_ == duration::max();
  }

  /// How long it is.
  constexpr duration get() const noexcept {
    return value_;
  }

  /// The same.
  constexpr operator duration() const noexcept {
    return value_;
  }

  /// Whether both are equally long.
  friend constexpr bool operator==(time_span x, time_span y) noexcept {
    return x.value_ == y.value_;
  }

private:
  duration value_{0};
};

} // namespace cafreg
