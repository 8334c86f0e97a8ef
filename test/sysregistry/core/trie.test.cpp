// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/trie.hpp"

#include "memory.hpp"
#include "registry/effort.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trie_test {

using cafreg::detail::counted;
using cafreg::detail::counted_ref;

namespace {

/// An item whose hash the test chooses.
class item : public counted {
public:
  static inline ptrdiff_t instances = 0;

  /// How often somebody asked for the key of one.
  static inline size_t looks = 0;

  item(uint64_t hash, std::string key) : hash_(hash), key_(std::move(key)) {
    ++instances;
  }

  ~item() {
    --instances;
  }

  uint64_t hash() const noexcept {
    return hash_;
  }

  const std::string& key() const noexcept {
    ++looks;
    return key_;
  }

private:
  uint64_t hash_;
  std::string key_;
};

void destroy(const item* x) noexcept {
  delete x;
}

using uut_type = cafreg::detail::trie<item>;
using item_ref = counted_ref<item>;
using hash_function = uint64_t (*)(uint32_t);

item_ref replace(uut_type& in, item_ref fresh) {
  auto place = in.own(fresh->hash(), fresh->key());
  return place.replace(std::move(fresh));
}

constexpr uint64_t spread(uint32_t x) {
  auto y = (x + 1) * 0x9e3779b97f4a7c15ull;
  return y ^ y >> 29;
}

// From no collision at all to nothing else.
constexpr std::array<hash_function, 7> hash_functions{{
  // as they should be
  [](uint32_t x) { return spread(x); },
  // in order
  [](uint32_t x) { return uint64_t{x}; },
  // the first bits are the same
  [](uint32_t x) { return spread(x) << 40; },
  // only the last four bits differ, which are less than a place needs
  [](uint32_t x) { return uint64_t{x} << 60; },
  // a few hashes with many items each
  [](uint32_t x) { return spread(x % 4); },
  // the same for those with the same first bits
  [](uint32_t x) { return spread(x % 8) << 58 | (x & 1); },
  // all the same
  [](uint32_t) { return ~uint64_t{0}; },
}};

/// A trie, what it must contain, and the functions that make items for it.
struct subject {
  hash_function hash = hash_functions[0];
  uut_type uut;
  std::map<std::string, const item*> expected;

  static std::string key(uint32_t id) {
    return "k" + std::to_string(id);
  }

  item_ref make(uint32_t id) const {
    return item_ref::adopt(new item(hash(id), key(id)));
  }

  bool has(uint32_t id) const {
    return expected.count(key(id)) > 0;
  }

  void insert(item_ref fresh) {
    expected[fresh->key()] = fresh.get();
    uut.insert(std::move(fresh));
  }

  void insert(uint32_t id) {
    insert(make(id));
  }

  void replace(uint32_t id) {
    auto fresh = make(id);
    auto& there = expected[key(id)];
    auto* old = std::exchange(there, fresh.get());
    auto replaced = trie_test::replace(uut, std::move(fresh));
    CHECK(replaced.get() == old);
  }

  void erase(uint32_t id) {
    CHECK(uut.own(hash(id), key(id)).get() == expected[key(id)]);
    uut.erase(hash(id), key(id));
    expected.erase(key(id));
  }

  std::map<std::string, const item*> content() const {
    std::map<std::string, const item*> result;
    size_t visited = 0;
    uut.for_each([&](const item& x) {
      ++visited;
      result.emplace(x.key(), &x);
    });
    CHECK(visited == result.size());
    return result;
  }

  void check(uint32_t ids) const {
    CHECK(content() == expected);
    CHECK(uut.empty() == expected.empty());
    for (uint32_t id = 0; id < ids; ++id) {
      auto pos = expected.find(key(id));
      auto* there = pos != expected.end() ? pos->second : nullptr;
      CHECK(uut.find(hash(id), key(id)) == there);
      CHECK(uut.find(hash(id), "another") == nullptr);
      auto copy = uut;
      CHECK(copy.own(hash(id), key(id)).get() == there);
      CHECK(copy.own(hash(id), "another").get() == nullptr);
    }
  }
};

using difference = std::map<std::string, std::pair<const item*, const item*>>;

difference naive_difference(const subject& a, const subject& b) {
  difference result;
  for (auto& [key, x] : a.expected)
    result[key].first = x;
  for (auto& [key, x] : b.expected)
    result[key].second = x;
  std::erase_if(result, [](const auto& kvp) {
    return kvp.second.first == kvp.second.second;
  });
  return result;
}

difference found_difference(const subject& a, const subject& b) {
  difference result;
  size_t calls = 0;
  CHECK(uut_type::compare(a.uut, b.uut, [&](const item* x, const item* y) {
    ++calls;
    result[(x != nullptr ? x : y)->key()] = {x, y};
    return true;
  }));
  CHECK(calls == result.size());
  return result;
}

/// What a trie takes apart from its items.
ptrdiff_t nodes_of(const uut_type& x) {
  auto before = memory::blocks();
  uut_type fresh;
  std::vector<item_ref> items;
  x.for_each([&](const item& y) { items.emplace_back(const_cast<item*>(&y)); });
  before = memory::blocks();
  for (auto& y : items)
    fresh.insert(y);
  return memory::blocks() - before;
}

} // namespace

TEST_CASE("a trie does what a map would do") {
  constexpr uint32_t ids = 60;
  std::mt19937 rng{4711};
  auto roll = [&](size_t n) { return rng() % n; };
  for (auto hash : hash_functions) {
    for (size_t round = 0; round < effort(30, 6); ++round) {
      std::vector<subject> copies(4);
      for (auto& x : copies)
        x.hash = hash;
      subject s;
      s.hash = hash;
      // Mostly growing, mostly shrinking, or neither.
      auto growth = roll(3);
      for (auto step = 0; step < 300; ++step) {
        auto id = static_cast<uint32_t>(roll(ids));
        if (!s.has(id)) {
          if (growth != 1 || roll(3) == 0)
            s.insert(id);
        } else if (roll(2) == 0) {
          s.replace(id);
        } else if (growth != 0 || roll(3) == 0) {
          s.erase(id);
        }
        if (roll(20) == 0)
          copies[roll(copies.size())] = s;
        if (roll(60) == 0)
          std::swap(copies[roll(copies.size())], s);
      }
      s.check(ids);
      for (auto& x : copies) {
        x.check(ids);
        CHECK(found_difference(x, s) == naive_difference(x, s));
        CHECK(found_difference(s, x) == naive_difference(s, x));
      }
    }
  }
  CHECK(item::instances == 0);
}

TEST_CASE("the shape of a trie follows from its content") {
  constexpr uint32_t ids = 40;
  std::mt19937 rng{4712};
  for (auto hash : hash_functions)
    for (size_t round = 0; round < effort(20, 4); ++round) {
      std::vector<item_ref> items;
      subject a;
      subject b;
      a.hash = b.hash = hash;
      for (uint32_t id = 0; id < ids; ++id)
        items.emplace_back(a.make(id));
      auto begin = memory::blocks();
      // In one of them, more items come and go, in another order.
      for (auto& x : items)
        a.uut.insert(x);
      auto blocks_of_a = memory::blocks() - begin;
      std::shuffle(items.begin(), items.end(), rng);
      begin = memory::blocks();
      size_t next = 0;
      for (uint32_t id = ids; id < 3 * ids; ++id) {
        b.uut.insert(b.make(id));
        if (id % 2 == 0)
          b.uut.insert(items[next++]);
      }
      while (next < items.size())
        b.uut.insert(items[next++]);
      uut_type shared = b.uut;
      for (uint32_t id = 3 * ids; id-- > ids;) {
        b.uut.own(hash(id), subject::key(id));
        b.uut.erase(hash(id), subject::key(id));
        if (id % 16 == 0)
          shared = b.uut;
      }
      shared = {};
      CHECK(memory::blocks() - begin == blocks_of_a);
      CHECK(nodes_of(b.uut) == blocks_of_a);
      CHECK(found_difference(a, b).empty());
    }
  CHECK(item::instances == 0);
}

TEST_CASE("equal keys with other objects are told from each other") {
  for (auto hash : hash_functions) {
    subject a;
    subject b;
    a.hash = b.hash = hash;
    for (uint32_t id = 0; id < 40; ++id) {
      a.insert(id);
      b.insert(39 - id);
    }
    auto found = found_difference(a, b);
    CHECK(found.size() == 40);
    CHECK(found == naive_difference(a, b));
  }
}

TEST_CASE("a comparison ends when it is told to") {
  for (auto hash : hash_functions) {
    subject a;
    subject b;
    subject none;
    a.hash = b.hash = hash;
    for (uint32_t id = 0; id < 40; ++id) {
      a.insert(id);
      if (id % 2 == 0)
        b.insert(id / 2 * 3);
    }
    for (auto* other : {&b, &none})
      for (auto limit : {1, 2, 5}) {
        auto calls = 0;
        auto count = [&](const item*, const item*) { return ++calls < limit; };
        CHECK_FALSE(uut_type::compare(a.uut, other->uut, count));
        CHECK(calls == limit);
        calls = 0;
        CHECK_FALSE(uut_type::compare(other->uut, a.uut, count));
        CHECK(calls == limit);
      }
  }
}

TEST_CASE("what two tries share is not compared") {
  subject a;
  for (uint32_t id = 0; id < 50'000; ++id)
    a.uut.insert(a.make(id));
  auto b = a;
  b.uut.insert(b.make(50'000));
  replace(b.uut, b.make(17));
  b.uut.own(b.hash(4711), subject::key(4711));
  b.uut.erase(b.hash(4711), subject::key(4711));
  item::looks = 0;
  auto found = 0;
  uut_type::compare(a.uut, b.uut, [&](const item*, const item*) {
    ++found;
    return true;
  });
  CHECK(found == 3);
  CHECK(item::looks < 100);
}

TEST_CASE("a trie that nobody shares is changed in place") {
  for (auto hash : hash_functions) {
    subject s;
    s.hash = hash;
    std::vector<item_ref> fresh;
    for (uint32_t id = 0; id < 100; ++id) {
      s.insert(id);
      fresh.push_back(s.make(id));
    }
    auto before = memory::allocations();
    for (auto& x : fresh)
      replace(s.uut, x);
    CHECK(memory::allocations() == before);
    for (auto& x : fresh) {
      CHECK(s.uut.own(x->hash(), x->key()).get() == x.get());
      s.uut.erase(x->hash(), x->key());
    }
    CHECK(memory::allocations() == before);
    CHECK(s.uut.empty());
  }
  CHECK(item::instances == 0);
}

TEST_CASE("what was made one's own is changed without memory") {
  for (auto hash : hash_functions) {
    subject s;
    s.hash = hash;
    for (uint32_t id = 0; id < 100; ++id)
      s.insert(id);
    for (uint32_t id = 0; id < 100; ++id) {
      auto copy = s;
      auto fresh = s.make(id);
      s.uut.own(hash(id), subject::key(id));
      auto before = memory::allocations();
      replace(s.uut, std::move(fresh));
      s.uut.own(hash(id), subject::key(id));
      s.uut.erase(hash(id), subject::key(id));
      CHECK(memory::allocations() == before);
      s.expected.erase(subject::key(id));
      if (id % 10 == 0)
        copy.check(100);
    }
    CHECK(s.uut.empty());
  }
  CHECK(item::instances == 0);
}

TEST_CASE("a single item needs no memory but its own") {
  subject s;
  s.insert(1);
  auto second = s.make(2);
  auto replacement = s.make(1);
  auto begin = memory::allocations();
  auto blocks = memory::blocks();
  {
    uut_type one;
    one.insert(item_ref{replacement});
    auto copy = one;
    copy = one;
    auto moved = std::move(copy);
    CHECK(moved.find(s.hash(1), subject::key(1)) == replacement.get());
    CHECK(moved.find(s.hash(2), subject::key(2)) == nullptr);
    CHECK(memory::allocations() == begin);
    moved.insert(item_ref{second});
    CHECK(memory::blocks() == blocks + 1);
    CHECK(moved.own(s.hash(1), subject::key(1)).get() == replacement.get());
    moved.erase(s.hash(1), subject::key(1));
    CHECK(memory::blocks() == blocks);
    CHECK(moved.find(s.hash(2), subject::key(2)) == second.get());
    CHECK(one.find(s.hash(1), subject::key(1)) == replacement.get());
    moved.own(s.hash(2), subject::key(2));
    moved.erase(s.hash(2), subject::key(2));
    CHECK(moved.empty());
  }
  CHECK(memory::allocations() == begin + 1);
  CHECK(memory::blocks() == blocks);
}

TEST_CASE("a wide trie is as cheap to change as a small one") {
  subject s;
  for (uint32_t id = 0; id < 100'000; ++id)
    s.uut.insert(s.make(id));
  auto copy = s.uut;
  auto fresh = s.make(4711);
  auto before = memory::allocations();
  replace(s.uut, std::move(fresh));
  CHECK(memory::allocations() - before < 8);
}

TEST_CASE("a trie without memory stays as it is") {
  for (auto hash : hash_functions) {
    auto blocks = memory::blocks();
    {
      subject s;
      s.hash = hash;
      size_t failures = 0;
      for (uint32_t id = 0; id < 40; ++id) {
        auto copy = s;
        auto fresh = s.make(id);
        auto other = s.make(id / 2);
        auto instances = item::instances;
        auto unchanged = [&] {
          s.check(40);
          copy.check(40);
          CHECK(item::instances == instances);
          CHECK(found_difference(s, copy).empty());
        };
        failures += memory::run_out([&] { s.uut.insert(fresh); }, unchanged);
        s.expected[subject::key(id)] = fresh.get();
        s.check(40);
        copy.check(40);
        copy = s;
        failures += memory::run_out([&] { replace(s.uut, other); }, unchanged);
        s.expected[subject::key(id / 2)] = other.get();
        s.check(40);
        copy.check(40);
      }
      for (uint32_t id = 0; id < 40; ++id) {
        auto copy = s;
        failures
          += memory::run_out([&] { s.uut.own(hash(id), subject::key(id)); },
                             [&] {
                               s.check(40);
                               copy.check(40);
                             });
        s.uut.erase(hash(id), subject::key(id));
        s.expected.erase(subject::key(id));
        s.check(40);
        copy.check(40);
      }
      CHECK(failures > 100);
    }
    CHECK(item::instances == 0);
    CHECK(memory::blocks() == blocks);
  }
}

} // namespace trie_test
