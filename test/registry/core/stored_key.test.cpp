// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/stored_key.hpp"

#include "cafreg/detail/hash.hpp"
#include "cafreg/detail/slot_index.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stored_key_test {

using cafreg::detail::hash_bytes;
using cafreg::detail::hash_key;
using cafreg::detail::stored_key;

namespace {

using string_key = stored_key<std::string>;

static_assert(sizeof(string_key) == 24);

std::string text_of(size_t size) {
  std::string result;
  for (size_t i = 0; i < size; ++i)
    result += static_cast<char>('a' + i % 26);
  return result;
}

} // namespace

TEST_CASE("a string key of any length is stored whole") {
  for (size_t size = 0; size <= 64; ++size) {
    CAPTURE(size);
    auto text = text_of(size);
    string_key key{text};
    CHECK(key.get() == text);
    CHECK(key.copy() == text);
    CHECK(key.matches(text));
    // In memory of exactly this size, so that reading beyond it is noticed.
    auto exact = std::make_unique<char[]>(size);
    std::copy(text.begin(), text.end(), exact.get());
    string_key again{std::string_view{exact.get(), size}};
    CHECK(again.matches(std::string_view{exact.get(), size}));
    CHECK(hash_bytes(exact.get(), size, 1) == hash_key(text, 1));
  }
}

TEST_CASE("a string key matches no other") {
  for (size_t size = 0; size <= 64; ++size) {
    CAPTURE(size);
    auto text = text_of(size);
    string_key key{text};
    CHECK_FALSE(key.matches(text + "x"));
    CHECK_FALSE(key.matches(text + '\0'));
    if (size > 0)
      CHECK_FALSE(key.matches(text.substr(0, size - 1)));
    size_t wrong = 0;
    for (size_t i = 0; i < size; ++i) {
      auto other = text;
      other[i] = static_cast<char>(other[i] ^ 1);
      if (key.matches(other))
        ++wrong;
      other[i] = static_cast<char>(text[i] ^ 0x80);
      if (key.matches(other))
        ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a string key may hold any byte") {
  for (auto size : {1, 22, 23, 24, 25, 40}) {
    CAPTURE(size);
    for (auto byte : {'\0', '\x17', '\x7f', '\xff'}) {
      std::string text(static_cast<size_t>(size), byte);
      string_key key{text};
      CHECK(key.get() == text);
      CHECK(key.matches(text));
      CHECK_FALSE(key.matches(std::string(text.size() - 1, byte)));
    }
  }
}

TEST_CASE("a string key can be moved") {
  for (size_t size : {0, 1, 23, 24, 1000}) {
    CAPTURE(size);
    auto text = text_of(size);
    string_key from{text};
    string_key to{std::move(from)};
    CHECK(to.get() == text);
    CHECK(to.matches(text));
  }
}

TEST_CASE("a string key of a mebibyte is stored whole") {
  auto text = text_of(1 << 20);
  string_key key{text};
  CHECK(key.get() == text);
  CHECK(key.matches(text));
  CHECK(string_key::bytes(text) == size_t{1} << 20);
  for (size_t i : {size_t{0}, size_t{1} << 19, (size_t{1} << 20) - 1}) {
    auto other = text;
    other[i] = '#';
    CHECK_FALSE(key.matches(other));
    CHECK(hash_key(other, 7) != hash_key(text, 7));
  }
}

TEST_CASE("keys of other types are stored as they are") {
  stored_key<int> key{42};
  CHECK(key.matches(42));
  CHECK_FALSE(key.matches(43));
  CHECK(key.copy() == 42);
  CHECK(stored_key<int>::bytes(42) == sizeof(int));
  using pair = std::vector<int>;
  stored_key<pair> list{pair{1, 2, 3}};
  auto moved = std::move(list);
  CHECK(moved.get() == pair{1, 2, 3});
}

// -- the hash -----------------------------------------------------------------

TEST_CASE("the hash does not care how a string is passed") {
  std::string text = "some name";
  CHECK(hash_key(text, 5) == hash_key(std::string_view{text}, 5));
  CHECK(hash_key("some name", 5) == hash_key(text, 5));
  CHECK(hash_key(text, 5) != hash_key(text, 6));
}

TEST_CASE("strings that are prefixes of one another hash differently") {
  for (uint64_t seed : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    std::set<uint64_t> seen;
    for (size_t size = 0; size <= 64; ++size) {
      seen.insert(hash_key(std::string(size, '\0'), seed));
      if (size > 0)
        seen.insert(hash_key(std::string(size, 'a'), seed));
    }
    CHECK(seen.size() == 129);
  }
}

TEST_CASE("every byte and its position count") {
  for (size_t size = 1; size <= 64; ++size) {
    CAPTURE(size);
    std::set<uint64_t> seen;
    auto text = text_of(size);
    seen.insert(hash_key(text, 3));
    for (size_t i = 0; i < size; ++i)
      for (auto bit = 0; bit < 8; ++bit) {
        auto other = text;
        other[i] = static_cast<char>(other[i] ^ (1 << bit));
        seen.insert(hash_key(other, 3));
      }
    CHECK(seen.size() == size * 8 + 1);
  }
}

TEST_CASE("one bit of the key changes half of the bits of the hash") {
  std::mt19937_64 random{7};
  for (size_t size : {1, 3, 4, 8, 12, 16, 17, 24, 32, 40}) {
    CAPTURE(size);
    std::array<uint64_t, 64> flips{};
    uint64_t trials = 0;
    for (auto round = 0; round < 2000; ++round) {
      std::string text;
      for (size_t i = 0; i < size; ++i)
        text += static_cast<char>(random());
      auto before = hash_key(text, 99);
      auto bit = random() % (size * 8);
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
      auto changed = before ^ hash_key(text, 99);
      ++trials;
      for (size_t i = 0; i < 64; ++i)
        flips[i] += changed >> i & 1;
    }
    // Half of 2000, within seven standard deviations.
    auto low = trials;
    auto high = uint64_t{0};
    for (auto x : flips) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
    CHECK(low > 840);
    CHECK(high < 1160);
  }
}

namespace {

// The fullest of so many buckets, as a multiple of its share.
template <class Fn>
double fullest(size_t buckets, size_t keys, Fn bucket_of) {
  std::vector<size_t> counts(buckets);
  for (size_t i = 0; i < keys; ++i)
    ++counts[bucket_of(i)];
  auto most = *std::max_element(counts.begin(), counts.end());
  return static_cast<double>(most * buckets) / static_cast<double>(keys);
}

} // namespace

TEST_CASE("similar keys spread over shards, slots and tags") {
  auto check = [](auto make) {
    auto hashed = [make](size_t i) { return hash_key(make(i), 12345); };
    constexpr size_t keys = 64'000;
    auto shard = [&](size_t i) { return cafreg::detail::shard_of(hashed(i)); };
    CHECK(fullest(64, keys, shard) < 1.25);
    CHECK(fullest(256, keys, [&](size_t i) { return hashed(i) & 255; }) < 1.5);
    CHECK(fullest(256, keys, [&](size_t i) { return hashed(i) >> 56; }) < 1.5);
    std::set<uint64_t> seen;
    for (size_t i = 0; i < 64'000; ++i)
      seen.insert(hashed(i));
    CHECK(seen.size() == 64'000);
  };
  SECTION("names with a number") {
    check([](size_t i) { return "user-" + std::to_string(i); });
  }
  SECTION("long names with a number in front") {
    check([](size_t i) {
      return std::to_string(i) + ".some.rather.long.name.of.a.process";
    });
  }
  SECTION("numbers") {
    check([](size_t i) { return i; });
  }
  SECTION("multiples of a power of two") {
    check([](size_t i) { return i << 32; });
  }
}

} // namespace stored_key_test
