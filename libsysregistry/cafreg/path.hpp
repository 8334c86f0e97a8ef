// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cafreg {

/// No tree is deeper.
inline constexpr size_t max_path_depth = 1024;

/// Where something is in a tree: a list of keys. Written as a list in braces,
/// `{"state", "network_interface", "eth0"}`, or as a text with dots,
/// `"state.network_interface.eth0"`, in which a backslash takes the next
/// character as it is: `"hosts.10\\.0\\.0\\.1"` and `{"hosts", "10.0.0.1"}` are
/// the same. What stands in braces is never split: `path{text}` has one key,
/// `path(text)` as many as the text says. The empty path is the root. Not
/// thread-safe, as any value.
class path {
public:
  /// Goes through the keys.
  using const_iterator = std::vector<std::string>::const_iterator;

  /// The root.
  path() = default;

  /// Splits a text at its dots. Complexity: linear in its length.
  template <std::convertible_to<std::string_view> T>
  path(const T& dotted) : path(parsed{}, std::string_view{dotted}) {
    // nop
  }

  /// Takes each key as it is, dots included. Complexity: linear.
  path(std::initializer_list<std::string_view> keys)
    : keys_(keys.begin(), keys.end()) {
    // nop
  }

  /// One pair of braces too many: two texts in braces would be taken for the
  /// beginning and the end of one.
  path(std::initializer_list<std::initializer_list<const char*>>) = delete;

  /// Takes each key as it is, dots included.
  explicit path(std::vector<std::string> keys) : keys_(std::move(keys)) {
    // nop
  }

  /// The same for a part of another path.
  explicit path(std::span<const std::string> keys)
    : keys_(keys.begin(), keys.end()) {
    // nop
  }

  /// Whether this is the root.
  bool empty() const noexcept {
    return keys_.empty();
  }

  /// Number of keys.
  size_t size() const noexcept {
    return keys_.size();
  }

  /// @pre `index < size()`
  const std::string& operator[](size_t index) const {
    return keys_[index];
  }

  /// The last key.
  /// @pre `!empty()`
  const std::string& back() const {
    return keys_.back();
  }

  /// The first key.
  const_iterator begin() const noexcept {
    return keys_.begin();
  }

  /// Behind the last key.
  const_iterator end() const noexcept {
    return keys_.end();
  }

  /// The keys as functions want them that take a part of a path, too.
  operator std::span<const std::string>() const noexcept {
    return keys_;
  }

  /// Whether this path leads to `other`, or is equal to it.
  bool contains(const path& other) const noexcept;

  /// Adds a key, as it is.
  path& operator/=(std::string_view key) {
    keys_.emplace_back(key);
    return *this;
  }

  /// Returns this path with one more key, taken as it is.
  template <std::convertible_to<std::string_view> T>
  [[nodiscard]] path operator/(const T& key) const {
    auto result = *this;
    result /= key;
    return result;
  }

  /// Returns this path with all keys of another one.
  [[nodiscard]] path operator/(const std::same_as<path> auto& more) const {
    auto result = *this;
    result.keys_.insert(result.keys_.end(), more.begin(), more.end());
    return result;
  }

  /// Paths compare key by key.
  friend bool operator==(const path&, const path&) = default;

  /// Sorts what is below a path behind it.
  friend std::strong_ordering operator<=>(const path& x,
                                          const path& y) noexcept {
    // That of vectors and strings is not in each standard library, yet.
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (auto order = x.keys_[i].compare(y.keys_[i]); order != 0)
        return order <=> 0;
    return x.size() <=> y.size();
  }

  /// Returns the text with dots that gives this path again.
  friend std::string to_string(const path& x);

private:
  struct parsed {};

  path(parsed, std::string_view dotted);

  std::vector<std::string> keys_;
};

} // namespace cafreg
