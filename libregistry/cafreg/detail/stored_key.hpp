// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cafreg/detail/hash.hpp"

namespace cafreg::detail {

/// Compares bytes; shorter than a call of memcmp for the short keys that names
/// usually are.
[[gnu::always_inline]] inline bool equal_bytes(const char* x, const char* y,
                                               size_t size) noexcept {
  if (size > 16)
    return std::memcmp(x, y, size) == 0;
  if (size >= 8)
    return ((load_64(x) ^ load_64(y))
            | (load_64(x + size - 8) ^ load_64(y + size - 8)))
           == 0;
  if (size >= 4)
    return ((load_32(x) ^ load_32(y))
            | (load_32(x + size - 4) ^ load_32(y + size - 4)))
           == 0;
  for (size_t i = 0; i < size; ++i)
    if (x[i] != y[i])
      return false;
  return true;
}

/// A key inside a node: the key itself, for any type but strings.
template <class Key>
class stored_key {
public:
  /// How callers pass a key.
  using view = const Key&;

  explicit stored_key(const Key& key) : key_(key) {
    // nop
  }

  stored_key(stored_key&&) noexcept = default;

  stored_key& operator=(stored_key&&) = delete;

  bool matches(const Key& key) const {
    return key_ == key;
  }

  const Key& get() const noexcept {
    return key_;
  }

  Key copy() const {
    return key_;
  }

  static size_t bytes(const Key&) noexcept {
    return sizeof(Key);
  }

private:
  Key key_;
};

/// A string key in 24 bytes, without indirection up to 23 characters: lookups
/// then find key, handle and value in one cache line.
template <>
class stored_key<std::string> {
public:
  using view = std::string_view;

  explicit stored_key(std::string_view key) {
    if (key.size() <= max_inline) {
      if (!key.empty())
        std::memcpy(bytes_, key.data(), key.size());
      bytes_[max_inline] = static_cast<char>(key.size());
    } else {
      auto text = std::make_unique<char[]>(key.size());
      std::memcpy(text.get(), key.data(), key.size());
      set_outline(text.release(), key.size());
    }
  }

  stored_key(stored_key&& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof(bytes_));
    other.bytes_[max_inline] = 0;
  }

  stored_key& operator=(stored_key&&) = delete;

  ~stored_key() {
    if (is_outline())
      std::unique_ptr<char[]>{outline_data()}.reset();
  }

  [[gnu::always_inline]] bool matches(std::string_view key) const noexcept {
    if (key.size() <= max_inline)
      return static_cast<size_t>(bytes_[max_inline]) == key.size()
             && equal_bytes(bytes_, key.data(), key.size());
    return is_outline() && outline_size() == key.size()
           && std::memcmp(outline_data(), key.data(), key.size()) == 0;
  }

  std::string_view get() const noexcept {
    if (is_outline())
      return {outline_data(), outline_size()};
    return {bytes_, static_cast<size_t>(bytes_[max_inline])};
  }

  std::string copy() const {
    return std::string{get()};
  }

  static size_t bytes(std::string_view key) noexcept {
    return key.size();
  }

private:
  static constexpr size_t max_inline = 23;

  static constexpr char outline = 127;

  bool is_outline() const noexcept {
    return bytes_[max_inline] == outline;
  }

  char* outline_data() const noexcept {
    char* result;
    std::memcpy(&result, bytes_, sizeof(result));
    return result;
  }

  size_t outline_size() const noexcept {
    size_t result;
    std::memcpy(&result, bytes_ + sizeof(char*), sizeof(result));
    return result;
  }

  void set_outline(char* data, size_t size) noexcept {
    std::memcpy(bytes_, &data, sizeof(data));
    std::memcpy(bytes_ + sizeof(data), &size, sizeof(size));
    bytes_[max_inline] = outline;
  }

  alignas(8) char bytes_[max_inline + 1];
};

/// How callers pass a key of type `Key`.
template <class Key>
using key_view = typename stored_key<Key>::view;

} // namespace cafreg::detail
