// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/slot_index.hpp"

#include "catch.hpp"
#include "registry/effort.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace slot_index_test {

using cafreg::detail::find_slot;
using cafreg::detail::group_tags;
using cafreg::detail::prefetch_slot;
using cafreg::detail::slot_array;
using cafreg::detail::slot_group;
using cafreg::detail::slot_index;
using cafreg::detail::slot_link;

namespace {

struct node {
  uint64_t hash = 0;
  int key = 0;

  uint64_t hash_value() const noexcept {
    return hash;
  }
};

struct fixture {
  ~fixture() {
    destroy(uut.reset(root));
  }

  static void destroy(slot_array* array) {
    if (array != nullptr)
      slot_array::destroy(array);
  }

  node* make(int key, uint64_t hash) {
    nodes.push_back(node{hash, key});
    return &nodes.back();
  }

  void insert(node* x) {
    destroy(uut.reserve(root));
    uut.insert(root, x);
  }

  node* find(uint64_t hash, int key) {
    return find_slot<node>(root.load(), hash,
                           [key](const node& x) { return x.key == key; });
  }

  std::multiset<node*> all() {
    std::multiset<node*> result;
    uut.for_each(root, [&result](node& x) { result.insert(&x); });
    return result;
  }

  size_t capacity() {
    return slot_index<node>::capacity(root.load());
  }

  slot_link root;
  slot_index<node> uut;
  std::deque<node> nodes;
};

} // namespace

TEST_CASE("tags are found as if looked at one by one") {
  std::mt19937_64 random{7};
  size_t wrong = 0;
  for (auto i = 0; i < 20'000; ++i) {
    // Few different bytes, so that there are equal ones and neighbours.
    uint64_t word = 0;
    for (auto pos = 0; pos < 8; ++pos)
      word |= (random() % 4 + (random() % 8 == 0 ? 0x7E : 0)) << (8 * pos);
    group_tags tags{word};
    auto tag = 1 + random() % 0x80;
    auto first_with = [word](uint64_t wanted) {
      size_t pos = 0;
      while (pos < 7 && (word >> (8 * pos) & 0xFF) != wanted)
        ++pos;
      return pos;
    };
    auto first_in = [](uint64_t set) {
      return set != 0 ? group_tags::first(set) : 7;
    };
    if (first_in(tags.match(tag)) != first_with(tag)
        || first_in(tags.empty()) != first_with(0)
        || tags.overflowed() != (word >> 56 != 0))
      ++wrong;
    auto pos = random() % 7;
    auto changed = tags.with_tag(pos, tag);
    if (first_in(changed.match(tag)) > pos
        || changed.with_tag(pos, word >> (8 * pos) & 0xFF).word() != word)
      ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a group that has lost count goes on as if overflowed") {
  group_tags tags{0};
  for (auto i = 0; i < 254; ++i)
    tags = tags.with_one_more();
  for (auto i = 0; i < 254; ++i) {
    CHECK(tags.overflowed());
    tags = tags.with_one_less();
  }
  CHECK(!tags.overflowed());
  for (auto i = 0; i < 256; ++i)
    tags = tags.with_one_more();
  for (auto i = 0; i < 256; ++i)
    tags = tags.with_one_less();
  CHECK(tags.overflowed());
}

TEST_CASE("more nodes of one hash than a group can count") {
  fixture f;
  std::vector<node*> nodes;
  for (auto i = 0; i < 600; ++i) {
    nodes.push_back(f.make(i, 42));
    f.insert(nodes.back());
  }
  size_t lost = 0;
  for (auto round = 0; round < 3; ++round) {
    for (auto i = 0; i < 600; i += 2)
      f.uut.erase(f.root, nodes[i]);
    for (auto i = 0; i < 600; ++i)
      if (f.find(42, i) != (i % 2 == 0 ? nullptr : nodes[i]))
        ++lost;
    for (auto i = 0; i < 600; i += 2)
      f.insert(nodes[i]);
    for (auto i = 0; i < 600; ++i)
      if (f.find(42, i) != nodes[i])
        ++lost;
  }
  CHECK(lost == 0);
}

TEST_CASE("a search ends though all groups have overflowed") {
  fixture f;
  auto even = [&](int key) { return f.make(key, uint64_t{9} << 56); };
  auto odd = [&](int key) { return f.make(key, uint64_t{9} << 56 | 1); };
  std::vector<node*> nodes;
  for (auto i = 0; i < 8; ++i) { // one goes into the odd group
    nodes.push_back(even(i));
    f.insert(nodes.back());
  }
  REQUIRE(f.capacity() == 14);
  for (auto i = 0; i < 5; ++i)
    f.uut.erase(f.root, nodes[static_cast<size_t>(i)]);
  for (auto i = 0; i < 7; ++i) { // one goes into the even group
    nodes.push_back(odd(10 + i));
    f.insert(nodes.back());
  }
  REQUIRE(f.capacity() == 14);
  CHECK(f.find(uint64_t{9} << 56, 99) == nullptr);
  CHECK(f.find(uint64_t{9} << 56 | 1, 99) == nullptr);
  CHECK(f.find(uint64_t{7} << 56, 99) == nullptr);
  for (size_t i = 5; i < nodes.size(); ++i)
    CHECK(f.find(nodes[i]->hash, nodes[i]->key) == nodes[i]);
}

namespace {

struct onward_node : node {
  const void* to = nullptr;

  const void* onward() const noexcept {
    return to;
  }
};

} // namespace

TEST_CASE("a search tells where its node leads, before it looks at it") {
  slot_link root;
  slot_index<onward_node> uut;
  std::deque<onward_node> nodes;
  std::mt19937_64 random{9};
  // No effect, with memory or without.
  prefetch_slot<onward_node>(root.load(), 1);
  for (auto i = 0; i < 1'000; ++i) {
    nodes.push_back({{random(), i}, &root + i});
    if (auto* old = uut.reserve(root))
      slot_array::destroy(old);
    uut.insert(root, &nodes.back());
  }
  prefetch_slot<onward_node>(root.load(), 1);
  auto where = [&](const onward_node& x) {
    std::vector<const void*> told;
    auto found = find_slot<onward_node>(
      root.load(), x.hash,
      [&x](const onward_node& other) { return other.key == x.key; },
      [&told](const void* to) { told.push_back(to); });
    return found != nullptr && !told.empty() ? told.back() : nullptr;
  };
  size_t wrong = 0;
  for (auto& x : nodes)
    if (where(x) != x.to)
      ++wrong;
  CHECK(wrong == 0);
  auto other = nodes[500];
  other.to = &uut;
  uut.replace(root, &nodes[500], &other);
  CHECK(where(other) == &uut);
  uut.erase(root, &other);
  CHECK(where(other) == nullptr);
  slot_array::destroy(uut.reset(root));
}

TEST_CASE("an index without memory holds nothing") {
  fixture f;
  CHECK(f.uut.size() == 0);
  CHECK(f.find(0, 0) == nullptr);
  CHECK(f.find(~uint64_t{0}, 0) == nullptr);
  CHECK(f.all().empty());
  CHECK(f.uut.reset(f.root) == nullptr);
}

TEST_CASE("nodes are told apart by key, not by hash") {
  fixture f;
  std::vector<node*> nodes;
  for (auto i = 0; i < 100; ++i) {
    nodes.push_back(f.make(i, 0xABCD'0000'0000'0005));
    f.insert(nodes.back());
  }
  for (auto i = 0; i < 100; ++i)
    CHECK(f.find(0xABCD'0000'0000'0005, i) == nodes[i]);
  CHECK(f.find(0xABCD'0000'0000'0005, 100) == nullptr);
  // The same group with another tag.
  CHECK(f.find(0xACCD'0000'0000'0005, 1) == nullptr);
  // From the middle, so that groups are searched that have room again.
  for (auto i = 1; i < 99; ++i)
    f.uut.erase(f.root, nodes[i]);
  CHECK(f.find(0xABCD'0000'0000'0005, 0) == nodes[0]);
  CHECK(f.find(0xABCD'0000'0000'0005, 99) == nodes[99]);
  CHECK(f.find(0xABCD'0000'0000'0005, 50) == nullptr);
  CHECK(f.uut.size() == 2);
}

TEST_CASE("an index equals a set, whatever is done to it") {
  // From all in one slot to no collision worth mention.
  for (auto mask : {uint64_t{0}, uint64_t{7}, uint64_t{0xFF}, ~uint64_t{0}}) {
    CAPTURE(mask);
    fixture f;
    std::mt19937_64 random{42};
    std::vector<node*> present;
    std::set<node*> model;
    size_t wrong = 0;
    const auto rounds = effort(40'000, 8'000);
    for (size_t i = 0; i < rounds; ++i) {
      // Phases in which it grows and phases in which it shrinks.
      auto growing = i / 500 % 2 == 0;
      auto dice = random() % 100;
      if (present.empty() || dice < (growing ? 55u : 25u)) {
        auto* x = f.make(static_cast<int>(i),
                         random() & (mask | 0xFFFF'0000'0000'0000));
        f.insert(x);
        present.push_back(x);
        model.insert(x);
      } else if (dice < 80) {
        auto pos = random() % present.size();
        f.uut.erase(f.root, present[pos]);
        model.erase(present[pos]);
        present[pos] = present.back();
        present.pop_back();
      } else {
        auto pos = random() % present.size();
        auto* fresh = f.make(static_cast<int>(i), present[pos]->hash);
        f.uut.replace(f.root, present[pos], fresh);
        model.erase(present[pos]);
        model.insert(fresh);
        if (f.find(fresh->hash, present[pos]->key) != nullptr)
          ++wrong;
        present[pos] = fresh;
      }
      if (f.uut.size() != model.size())
        ++wrong;
      if (!present.empty()) {
        auto* x = present[random() % present.size()];
        if (f.find(x->hash, x->key) != x)
          ++wrong;
      }
      auto* gone = &f.nodes[random() % f.nodes.size()];
      if ((f.find(gone->hash, gone->key) == gone) != (model.count(gone) > 0))
        ++wrong;
      if (i % 1000 == 999) {
        auto all = f.all();
        if (!std::equal(all.begin(), all.end(), model.begin(), model.end()))
          ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("an index grows with its nodes and shrinks without them") {
  fixture f;
  std::mt19937_64 random{1};
  std::vector<node*> nodes;
  for (auto i = 0; i < 10'000; ++i) {
    nodes.push_back(f.make(i, random()));
    f.insert(nodes.back());
    // At most three quarters full, and never a waste.
    if (f.uut.size() * 4 > f.capacity() * 3
        || (f.capacity() > 7 && f.uut.size() * 4 < f.capacity()))
      FAIL("capacity " << f.capacity() << " for " << f.uut.size());
  }
  for (auto* x : nodes)
    f.uut.erase(f.root, x);
  CHECK(f.all().empty());
  // Insertion alone resizes.
  f.insert(nodes.front());
  f.uut.erase(f.root, nodes.front());
  CHECK(f.capacity() == 7);
  for (auto i = 0; i < 100'000; ++i) {
    auto* x = nodes[static_cast<size_t>(i) % nodes.size()];
    x->hash = random();
    f.insert(x);
    f.uut.erase(f.root, x);
  }
  auto* last = f.make(1, 1);
  f.insert(last);
  CHECK(f.find(1, 1) == last);
  CHECK(f.uut.size() == 1);
}

TEST_CASE("endless change of few nodes keeps an index small") {
  fixture f;
  std::mt19937_64 random{3};
  std::deque<node*> window;
  size_t largest = 0;
  for (auto i = 0; i < 200'000; ++i) {
    node* x;
    if (window.size() == 20) {
      x = window.front();
      window.pop_front();
      f.uut.erase(f.root, x);
      x->hash = random();
      x->key = i;
    } else {
      x = f.make(i, random());
    }
    f.insert(x);
    window.push_back(x);
    largest = std::max(largest, f.capacity());
  }
  CHECK(largest <= 128);
  for (auto* x : window)
    if (f.find(x->hash, x->key) != x)
      FAIL("lost a node");
}

TEST_CASE("an index empties at once") {
  fixture f;
  for (auto i = 0; i < 100; ++i)
    f.insert(f.make(i, static_cast<uint64_t>(i) << 48 | 3));
  f.destroy(f.uut.reset(f.root));
  CHECK(f.uut.size() == 0);
  CHECK(f.all().empty());
  CHECK(f.find(uint64_t{5} << 48 | 3, 5) == nullptr);
  auto* x = f.make(1, 9);
  f.insert(x);
  CHECK(f.find(9, 1) == x);
}

// Nodes that stay must be found at any time, whatever happens around them.
// Arrays are kept until the end: when to free them is not this class's affair.
TEST_CASE("readers find what stays while a writer changes the rest") {
  fixture f;
  std::mt19937_64 random{5};
  std::vector<node*> constant;
  for (auto i = 0; i < 16; ++i) {
    constant.push_back(f.make(-1 - i, random() & 0xFFFF'0000'0000'001F));
    f.insert(constant.back());
  }
  std::atomic<bool> done{false};
  std::atomic<size_t> missed{0};
  std::atomic<size_t> reads{0};
  std::vector<std::thread> readers;
  for (auto i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      while (!done)
        for (auto* x : constant) {
          if (f.find(x->hash, x->key) != x)
            ++missed;
          ++reads;
        }
    });
  while (reads == 0)
    std::this_thread::yield();
  std::vector<slot_array*> retired;
  std::vector<node*> moving;
  const auto rounds = effort(200'000, 20'000);
  std::deque<node> spare(rounds);
  for (size_t i = 0; i < rounds; ++i) {
    auto growing = i / 64 % 2 == 0;
    if (moving.empty() || random() % 100 < (growing ? 70u : 30u)) {
      spare[i].hash = random() & 0xFFFF'0000'0000'001F;
      spare[i].key = static_cast<int>(i);
      if (auto* old = f.uut.reserve(f.root))
        retired.push_back(old);
      f.uut.insert(f.root, &spare[i]);
      moving.push_back(&spare[i]);
    } else {
      auto pos = random() % moving.size();
      f.uut.erase(f.root, moving[pos]);
      moving[pos] = moving.back();
      moving.pop_back();
    }
  }
  done = true;
  for (auto& x : readers)
    x.join();
  CHECK(missed == 0);
  for (auto* x : retired)
    slot_array::destroy(x);
}

} // namespace slot_index_test
