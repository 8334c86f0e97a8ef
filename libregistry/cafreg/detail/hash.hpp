// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

namespace cafreg::detail {

// A hash in the manner of wyhash: one 64 x 64 -> 128 bit multiplication mixes
// a pair of words so well that all 64 bits of the result can be used. The
// tables need that: they take shard, index and tag from different bits.

constexpr uint64_t hash_secret_a = 0x9e3779b97f4a7c15ull;
constexpr uint64_t hash_secret_b = 0xd1b54a32d192ed03ull;
constexpr uint64_t hash_secret_c = 0x8cb92ba72f3d8dd7ull;

inline uint64_t mix(uint64_t x, uint64_t y) noexcept {
  __extension__ using wide = unsigned __int128;
  auto product = static_cast<wide>(x) * y;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_64(const char* pos) noexcept {
  uint64_t result;
  std::memcpy(&result, pos, sizeof(result));
  return result;
}

inline uint64_t load_32(const char* pos) noexcept {
  uint32_t result;
  std::memcpy(&result, pos, sizeof(result));
  return result;
}

/// Hashes `size` bytes at `data`. Complexity: linear in `size`.
[[gnu::always_inline]] inline uint64_t hash_bytes(const char* data, size_t size,
                                                  uint64_t seed) noexcept {
  uint64_t x = 0;
  uint64_t y = 0;
  auto state = seed ^ hash_secret_a;
  if (size <= 16) {
    if (size >= 8) {
      x = load_64(data);
      y = load_64(data + size - 8);
    } else if (size >= 4) {
      x = load_32(data);
      y = load_32(data + size - 4);
    } else if (size > 0) {
      // First, middle and last byte: covers every byte of 1 to 3.
      x = static_cast<uint64_t>(static_cast<unsigned char>(data[0])) << 16
          | static_cast<uint64_t>(static_cast<unsigned char>(data[size >> 1]))
              << 8
          | static_cast<uint64_t>(static_cast<unsigned char>(data[size - 1]));
    }
  } else {
    auto left = size;
    for (; left > 16; left -= 16, data += 16)
      state = mix(load_64(data) ^ hash_secret_b, load_64(data + 8) ^ state);
    x = load_64(data + left - 16);
    y = load_64(data + left - 8);
  }
  return mix(hash_secret_b ^ size, mix(x ^ hash_secret_b, y ^ state));
}

inline uint64_t hash_word(uint64_t word, uint64_t seed) noexcept {
  return mix(word ^ hash_secret_b, seed ^ hash_secret_c);
}

/// Hashes a key with the seed of its registry, so that nobody who chooses keys
/// from outside can make them collide.
template <class T>
[[gnu::always_inline]] inline uint64_t hash_key(const T& key, uint64_t seed) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    std::string_view str{key};
    return hash_bytes(str.data(), str.size(), seed);
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return hash_word(static_cast<uint64_t>(key), seed);
  } else {
    return hash_word(std::hash<T>{}(key), seed);
  }
}

} // namespace cafreg::detail
