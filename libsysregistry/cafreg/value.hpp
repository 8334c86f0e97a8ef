// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

/// Integers, but neither bool nor characters: whether 'a' is a number or a text
/// is for the caller to say.
template <class T>
concept value_integer
  = std::integral<T> && !std::same_as<
      T,
      bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept value_real = std::same_as<T, float> || std::same_as<T, double>;

template <class T>
struct is_duration : std::false_type {};

template <class Rep, class Period>
struct is_duration<std::chrono::duration<Rep, Period>> : std::true_type {};

/// Durations that are a whole number of nanoseconds.
template <class T>
concept value_duration
  = is_duration<T>::value && std::is_convertible_v<T, caf::timespan>;

template <class T>
concept textual_value
  = std::convertible_to<const T&,
                        std::string_view> && !std::same_as<T, std::nullptr_t>;

/// Creates the error for a value that is not what was asked for.
caf::error not_a(std::string_view asked_for, const caf::config_value& x);

/// Adds to an error in which element of a list or dictionary it was found.
caf::error in_element(const std::string& which, const caf::error& err);

/// Returns "an integer from LOW to HIGH".
std::string range_text(int64_t low, uint64_t high);

/// Whether two values are the same: of the same type and equal, where not a
/// number equals itself. Complexity: linear. Does not recurse.
bool same_value(const caf::config_value& x, const caf::config_value& y);

} // namespace cafreg::detail

namespace cafreg {

// -- values to C++ types ------------------------------------------------------

/// Converts a value to a C++ type without losing anything:
///
/// - `bool` and `std::string` from nothing else
/// - integers from integers in their range
/// - `double` and `float` from reals, and from integers that they can say
///   exactly; a real becomes the nearest `float`, if it is not too large for
///   one
/// - `std::chrono::duration` from a timespan that it can say exactly
/// - `caf::uri` from nothing else; `caf::config_value` from anything
/// - `std::vector<T>` from a list and `std::map<std::string, T>` from a
///   dictionary, whose elements are converted in turn
/// @returns `errc::bad_value` otherwise, with a text that says what was asked
/// for and what there is.
template <class T>
[[nodiscard]] caf::expected<T> value_as(const caf::config_value& x);

} // namespace cafreg

namespace cafreg::detail {

/// Specialised for each kind of type; a type without has no conversion.
template <class T>
struct value_reader {
  static_assert(!std::is_same_v<T, T>,
                "a value cannot be converted to this type: see"
                " cafreg::value_as");
  static caf::expected<T> read(const caf::config_value& x);
};

template <>
struct value_reader<caf::config_value> {
  static caf::expected<caf::config_value> read(const caf::config_value& x) {
    return x;
  }
};

/// For what a value can hold as it is.
template <class T>
struct plain_reader {
  static caf::expected<T> read(const caf::config_value& x,
                               std::string_view name) {
    if (auto* y = caf::get_if<T>(&x))
      return *y;
    return failure(not_a(name, x));
  }
};

template <>
struct value_reader<bool> {
  static caf::expected<bool> read(const caf::config_value& x) {
    return plain_reader<bool>::read(x, "a boolean");
  }
};

template <>
struct value_reader<std::string> {
  static caf::expected<std::string> read(const caf::config_value& x) {
    return plain_reader<std::string>::read(x, "a string");
  }
};

template <>
struct value_reader<caf::uri> {
  static caf::expected<caf::uri> read(const caf::config_value& x) {
    return plain_reader<caf::uri>::read(x, "a URI");
  }
};

template <value_integer T>
struct value_reader<T> {
  static caf::expected<T> read(const caf::config_value& x) {
    if (auto* y = caf::get_if<int64_t>(&x); y && std::in_range<T>(*y))
      return static_cast<T>(*y);
    using limits = std::numeric_limits<T>;
    return failure(not_a(range_text(limits::min(), limits::max()), x));
  }
};

template <value_real T>
struct value_reader<T> {
  static caf::expected<T> read(const caf::config_value& x) {
    if (auto* y = caf::get_if<double>(&x)) {
      auto result = static_cast<T>(*y);
      if (std::isinf(result) == std::isinf(*y))
        return result;
      return failure(not_a("a real of single precision", x));
    }
    if (auto* y = caf::get_if<int64_t>(&x)) {
      // The nearest real to the largest integer is already out of its range.
      constexpr auto limit = static_cast<T>(9223372036854775808.0);
      auto result = static_cast<T>(*y);
      if (result < limit && static_cast<int64_t>(result) == *y)
        return result;
    }
    return failure(not_a("a real", x));
  }
};

template <class Rep, class Period>
struct value_reader<std::chrono::duration<Rep, Period>> {
  using type = std::chrono::duration<Rep, Period>;

  static caf::expected<type> read(const caf::config_value& x) {
    if (auto* y = caf::get_if<caf::timespan>(&x)) {
      // A second is `num / den` of what is asked for.
      using ratio = std::ratio_divide<std::nano, Period>;
      if constexpr (std::is_floating_point_v<Rep>) {
        // The longest timespan may become a real that is out of range.
        type result{*y};
        std::chrono::duration<double, std::nano> back{result};
        if (std::abs(back.count()) < 9223372036854775808.0
            && std::chrono::round<caf::timespan>(back) == *y)
          return result;
      } else {
        int64_t count = 0;
        if (!__builtin_mul_overflow(y->count(), ratio::num, &count)
            && count % ratio::den == 0
            && std::in_range<Rep>(count / ratio::den))
          return type{static_cast<Rep>(count / ratio::den)};
      }
      return failure(
        not_a("a timespan that can be said exactly in this unit", x));
    }
    return failure(not_a("a timespan", x));
  }
};

template <class T>
struct value_reader<std::vector<T>> {
  static caf::expected<std::vector<T>> read(const caf::config_value& x) {
    auto* xs = caf::get_if<caf::config_value::list>(&x);
    if (xs == nullptr)
      return failure(not_a("a list", x));
    std::vector<T> result;
    result.reserve(xs->size());
    for (auto& element : *xs) {
      auto y = value_as<T>(element);
      if (!y)
        return failure(
          in_element("element " + std::to_string(result.size()), y.error()));
      result.push_back(std::move(*y));
    }
    return result;
  }
};

template <class T>
struct value_reader<std::map<std::string, T>> {
  static caf::expected<std::map<std::string, T>>
  read(const caf::config_value& x) {
    auto* xs = caf::get_if<caf::config_value::dictionary>(&x);
    if (xs == nullptr)
      return failure(not_a("a dictionary", x));
    std::map<std::string, T> result;
    for (auto& [key, element] : *xs) {
      auto y = value_as<T>(element);
      if (!y)
        return failure(in_element("key \"" + key + '"', y.error()));
      result.emplace_hint(result.end(), key, std::move(*y));
    }
    return result;
  }
};

} // namespace cafreg::detail

namespace cafreg {

template <class T>
caf::expected<T> value_as(const caf::config_value& x) {
  return detail::value_reader<T>::read(x);
}

/// Converts a value as `value_as` does: what an update function may do with the
/// one that it gets.
/// @returns `fallback` if there is none, or one of another type.
template <class T>
[[nodiscard]] T value_or(const std::optional<caf::config_value>& x,
                         T fallback) {
  if (x)
    if (auto result = value_as<T>(*x))
      return std::move(*result);
  return fallback;
}

// -- C++ types to values ------------------------------------------------------

/// What an update writes: one value, or several below one path. Made from
/// whatever is at hand:
///
/// - a bool, an integer, a `float` or `double`, a text, a `std::chrono`
///   duration in whole nanoseconds, a `caf::uri` or a `caf::config_value`
/// - a list of pairs in braces, which is a dictionary:
///   `{{"address", "192.168.1.100"}, {"mtu", 1500}}`, also within another one:
///   `{{"eth0", {{"mtu", 1500}}}}`; `{}` is an empty one. What comes first for
///   a key counts.
/// - a `std::vector`, which is a list, or a `std::map` with strings as keys
/// - `cafreg::list({1, "two", 3.0})`
///
/// Characters and pointers are refused when the program is compiled. A number
/// that a value cannot hold, an unsigned one above the largest `int64_t` or a
/// duration of more nanoseconds than that, makes the whole invalid: the
/// registry refuses it with `errc::bad_value`. Not thread-safe, as any value.
class values {
public:
  struct entry;

  /// @pre `x` is no null pointer.
  template <detail::textual_value T>
  values(const T& x) : value_(std::string{std::string_view{x}}) {
    // nop
  }

  /// Text.
  // A template, lest the string is made from something else.
  template <std::same_as<std::string> T>
  values(T&& x) : value_(std::forward<T>(x)) {
    // nop
  }

  /// Truth.
  template <std::same_as<bool> T>
  values(T x) : value_(x) {
    // nop
  }

  /// An integer.
  template <detail::value_integer T>
  values(T x) : value_(static_cast<int64_t>(x)) {
    valid_ = std::in_range<int64_t>(x);
  }

  /// A real.
  template <detail::value_real T>
  values(T x) : value_(static_cast<double>(x)) {
    // nop
  }

  /// A timespan.
  template <detail::value_duration T>
  values(T x) {
    constexpr auto factor
      = std::ratio_divide<typename T::period, std::nano>::num;
    int64_t count = 0;
    valid_ = !__builtin_mul_overflow(x.count(), factor, &count);
    value_ = caf::timespan{count};
  }

  /// What CAF has of its own.
  template <class T>
    requires std::same_as<std::remove_cvref_t<T>, caf::uri> || std::
      same_as<std::remove_cvref_t<T>, caf::config_value> || std::same_as<
        std::remove_cvref_t<T>, caf::config_value::dictionary>
      values(T&& x) : value_(std::forward<T>(x)) {
      // nop
    }

    /// A list.
    template <class T>
      requires std::constructible_from<values, const T&>
      values(const std::vector<T>& xs) {
        caf::config_value::list result;
        result.reserve(xs.size());
        for (const T& x : xs)
          result.push_back(absorb(values{x}));
        value_ = std::move(result);
      }

    /// A dictionary.
    template <class T>
      requires std::constructible_from<values, const T&>
      values(const std::map<std::string, T>& xs) {
        caf::config_value::dictionary result;
        for (auto& [key, x] : xs)
          result.container().emplace_hint(result.container().end(), key,
                                          absorb(values{x}));
        value_ = std::move(result);
      }

    /// A dictionary.
    values(std::initializer_list<entry> xs);

    /// The value. Without a meaning if it is not valid.
    const caf::config_value& get() const& noexcept {
      return value_;
    }

    /// The same, moved out.
    caf::config_value&& get() && noexcept {
      return std::move(value_);
    }

    /// Whether a value can hold all numbers that were given.
    bool valid() const noexcept {
      return valid_;
    }

  private:
    friend values list(std::initializer_list<values> xs);

    /// Takes over the value of a part, and whether it is valid.
    caf::config_value absorb(values x) {
      valid_ = valid_ && x.valid_;
      return std::move(x.value_);
    }

    caf::config_value value_;
    bool valid_ = true;
};

/// A key and what is below it.
struct values::entry {
  /// Takes the key as it is.
  entry(std::string_view key, values content)
    : key(key), content(std::move(content)) {
    // nop
  }

  /// The key.
  std::string key;
  /// What is below it.
  values content;
};

/// Makes a list, whose elements need not have the same type.
[[nodiscard]] values list(std::initializer_list<values> xs);

// -- limits -------------------------------------------------------------------

/// Returns about how many bytes a value takes in memory; what does not fit into
/// the result counts as its maximum. Complexity: linear. Does not recurse.
[[nodiscard]] size_t value_size(const caf::config_value& x);

/// Returns how deep lists and dictionaries are nested: 0 for anything else, 1
/// for a list of numbers. Complexity: linear. Does not recurse.
[[nodiscard]] size_t value_depth(const caf::config_value& x);

} // namespace cafreg
