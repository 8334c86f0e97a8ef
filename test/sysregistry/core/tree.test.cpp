// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/tree.hpp"

#include "memory.hpp"
#include "registry/effort.hpp"

#include "catch.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tree_test {

namespace {

using keys = std::vector<std::string>;
using uut_type = cafreg::detail::tree<int>;
using leaf = uut_type::leaf;
using leaf_ref = uut_type::leaf_ref;
using content = std::map<keys, const leaf*>;

bool begins_with(const keys& x, const keys& start) {
  return x.size() >= start.size()
         && std::equal(start.begin(), start.end(), x.begin());
}

content below(const content& all, const keys& scope) {
  auto result = all;
  std::erase_if(result, [&](const auto& kvp) {
    return !begins_with(kvp.first, scope);
  });
  return result;
}

content content_of(const uut_type& x, const keys& scope = {}) {
  content result;
  size_t visited = 0;
  x.for_each(scope, [&](const keys& where, const leaf& what) {
    ++visited;
    result.emplace(where, &what);
  });
  CHECK(visited == result.size());
  return result;
}

leaf_ref make_leaf(const keys& where, int value) {
  return uut_type::make_leaf(where.back(), value);
}

/// A tree and what it must contain.
struct subject {
  uut_type uut;
  content expected;

  void put(const keys& where, int value) {
    auto fresh = make_leaf(where, value);
    auto& there = expected[where];
    auto* old = std::exchange(there, fresh.get());
    auto replaced = uut.put(where, std::move(fresh));
    CHECK(replaced.get() == old);
  }

  void erase(const keys& where) {
    CHECK(uut.erase(where).get() == expected[where]);
    expected.erase(where);
  }

  // By looking at each leaf.
  uut_type::location locate(const keys& where) const {
    for (auto& [path, there] : expected) {
      if (path == where)
        return {there, false, 0};
      if (begins_with(where, path))
        return {nullptr, true, path.size()};
      if (begins_with(path, where))
        return {nullptr, true, where.size()};
    }
    return {};
  }

  void check_at(const keys& where) const {
    auto is = uut.locate(where);
    auto should = locate(where);
    CHECK(is.at == should.at);
    CHECK(is.blocked == should.blocked);
    if (is.blocked)
      CHECK(is.obstacle == should.obstacle);
    CHECK(uut.find_leaf(where) == should.at);
    auto inside = below(expected, where);
    CHECK(content_of(uut, where) == inside);
    CHECK(uut_type::leaves_of(uut.find(where)) == inside.size());
    auto part = uut.restricted_to(where);
    CHECK(content_of(part) == inside);
    CHECK(content_of(part, where) == inside);
    CHECK(part.size() == inside.size());
  }

  void check() const {
    CHECK(content_of(uut) == expected);
    CHECK(uut.size() == expected.size());
    CHECK(uut.empty() == expected.empty());
  }
};

using difference = std::map<keys, std::pair<const leaf*, const leaf*>>;

difference naive_difference(const content& a, const content& b) {
  difference result;
  for (auto& [where, x] : a)
    result[where].first = x;
  for (auto& [where, x] : b)
    result[where].second = x;
  std::erase_if(result, [](const auto& kvp) {
    return kvp.second.first == kvp.second.second;
  });
  return result;
}

difference found_difference(const uut_type& a, const uut_type& b,
                            const keys& scope = {}) {
  difference result;
  size_t leaves = 0;
  auto where = scope;
  auto note = [&](const keys& at, const leaf* x, const leaf* y) {
    leaves += (x != nullptr ? 1 : 0) + (y != nullptr ? 1 : 0);
    auto& there = result[at];
    if (x != nullptr)
      there.first = x;
    if (y != nullptr)
      there.second = y;
    return true;
  };
  CHECK(uut_type::compare(a.find(scope), b.find(scope), where, note));
  CHECK(where == scope);
  size_t noted = 0;
  for (auto& [at, x] : result)
    noted += (x.first != nullptr ? 1 : 0) + (x.second != nullptr ? 1 : 0);
  CHECK(leaves == noted);
  return result;
}

keys numbered(size_t n) {
  return {"wide", std::to_string(n)};
}

} // namespace

TEST_CASE("a tree does what a map would do") {
  std::mt19937 rng{4711};
  auto roll = [&](size_t n) { return rng() % n; };
  auto any_path = [&] {
    keys result;
    for (auto n = roll(5); n > 0; --n)
      result.emplace_back(1, "abc"[roll(3)]);
    return result;
  };
  for (size_t round = 0; round < effort(100, 30); ++round) {
    std::vector<subject> copies(3);
    subject s;
    for (auto step = 0; step < 100; ++step) {
      auto where = any_path();
      auto there = s.locate(where);
      if (there.at != nullptr && roll(2) == 0)
        s.erase(where);
      else if (!there.blocked && !where.empty())
        s.put(where, step);
      s.check_at(where);
      s.check_at(any_path());
      if (roll(10) == 0)
        copies[roll(copies.size())] = s;
      if (roll(30) == 0)
        std::swap(copies[roll(copies.size())], s);
      if (roll(20) == 0) {
        auto scope = any_path();
        subject part{s.uut.restricted_to(scope), below(s.expected, scope)};
        copies[roll(copies.size())] = part;
      }
    }
    s.check();
    for (auto& x : copies) {
      x.check();
      x.check_at(any_path());
      auto scope = any_path();
      CHECK(found_difference(x.uut, s.uut)
            == naive_difference(x.expected, s.expected));
      CHECK(found_difference(s.uut, x.uut, scope)
            == naive_difference(below(s.expected, scope),
                                below(x.expected, scope)));
    }
  }
}

TEST_CASE("branches without leaves are trimmed") {
  uut_type uut;
  for (auto& where : {keys{"a", "b", "c", "d"}, keys{"a", "b", "x"}})
    uut.put(where, make_leaf(where, 1));
  uut.erase(keys{"a", "b", "c", "d"});
  CHECK(uut.find(keys{"a", "b", "c"}) == nullptr);
  CHECK(uut.find(keys{"a", "b"}) != nullptr);
  uut.erase(keys{"a", "b", "x"});
  CHECK(uut.find(keys{"a"}) == nullptr);
  CHECK(uut.empty());
  CHECK(uut.root() == nullptr);
  // Then a leaf can be where a branch was, and the reverse.
  uut.put(keys{"a"}, make_leaf({"a"}, 2));
  CHECK(uut.find_leaf(keys{"a"})->content == 2);
  uut.erase(keys{"a"});
  uut.put(keys{"a", "b"}, make_leaf({"b"}, 3));
  CHECK(uut.size() == 1);
}

TEST_CASE("a comparison ends when its function says so") {
  subject a;
  subject b;
  for (size_t i = 0; i < 100; ++i) {
    a.put(numbered(i), 1);
    b.put(numbered(i / 2 * 3), 2);
  }
  b.put({"leaf"}, 1);
  a.put({"leaf", "below", "it"}, 1);
  a.put({"leaf", "beside", "it"}, 1);
  for (auto limit : {1, 2, 7, 50}) {
    auto calls = 0;
    keys where;
    auto count = [&](const keys&, const leaf*, const leaf*) {
      return ++calls < limit;
    };
    CHECK_FALSE(uut_type::compare(a.uut.root(), b.uut.root(), where, count));
    CHECK(calls == limit);
    calls = 0;
    CHECK_FALSE(uut_type::compare(b.uut.root(), nullptr, where, count));
    CHECK(calls == limit);
  }
}

TEST_CASE("what nobody shares is changed in place") {
  subject s;
  keys where{"a", "b", "c"};
  s.put(where, 1);
  s.put({"a", "b", "d"}, 1);
  auto fresh = make_leaf(where, 2);
  auto before = memory::allocations();
  CHECK(s.uut.unshared());
  s.uut.put(where, fresh);
  CHECK(memory::allocations() == before);
  s.uut.erase(where);
  CHECK(memory::allocations() == before);
  auto copy = s.uut;
  CHECK_FALSE(s.uut.unshared());
  // The way from the root on, but only once.
  s.uut.put(where, fresh);
  CHECK(memory::allocations() > before);
  CHECK(s.uut.unshared());
  before = memory::allocations();
  s.uut.put(where, make_leaf(where, 3));
  CHECK(memory::allocations() == before + 1); // the leaf
  CHECK(copy.find_leaf(where) == nullptr);
}

TEST_CASE("a change below a part that others share leaves that alone") {
  subject s;
  s.put({"a", "b", "c"}, 1);
  s.put({"a", "b", "d"}, 2);
  subject part{s.uut.restricted_to(keys{"a", "b"}), s.expected};
  CHECK(s.uut.unshared());
  s.put({"a", "b", "c"}, 3);
  s.put({"a", "b", "e"}, 4);
  s.erase({"a", "b", "d"});
  part.check();
  s.check();
}

TEST_CASE("a wide branch is changed as cheaply as a narrow one") {
  auto blocks = memory::blocks();
  {
    auto n = effort(100'000, 20'000);
    subject s;
    for (size_t i = 0; i < n; ++i)
      s.put(numbered(i), static_cast<int>(i));
    auto copy = s;
    auto allocations = memory::allocations();
    s.uut.put(numbered(17), make_leaf(numbered(17), -1));
    CHECK(memory::allocations() - allocations < 20);
    s.expected[numbered(17)] = s.uut.find_leaf(numbered(17));
    CHECK(found_difference(copy.uut, s.uut).size() == 1);
    s.check();
    std::vector<size_t> order(n);
    for (size_t i = 0; i < n; ++i)
      order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937{4711});
    for (auto i : order)
      s.erase(numbered(i));
    CHECK(s.uut.empty());
    CHECK(s.uut.find(keys{"wide"}) == nullptr);
    copy.check();
  }
  CHECK(memory::blocks() == blocks);
}

TEST_CASE("a path may be long") {
  auto blocks = memory::blocks();
  {
    subject s;
    keys where;
    for (auto i = 0; i < 1000; ++i)
      where.emplace_back(i % 2 == 0 ? "x" : "a key that is rather long");
    s.put(where, 1);
    auto copy = s;
    auto beside = where;
    beside[500] = "y";
    s.put(beside, 2);
    s.check();
    s.check_at(beside);
    copy.check();
    CHECK(found_difference(s.uut, copy.uut).size() == 1);
    s.erase(where);
    s.check();
    s.erase(beside);
    CHECK(s.uut.empty());
    copy.check();
  }
  CHECK(memory::blocks() == blocks);
}

TEST_CASE("a tree without memory stays as it is") {
  auto blocks = memory::blocks();
  {
    std::string text = "a key that is longer than what a string has room for ";
    subject s;
    keys in_place{text + "a", text + "b", text + "c"};
    s.put(in_place, 1);
    for (auto i = 0; i < 200; ++i)
      s.put({text + "a", text + std::to_string(i)}, i);
    auto copy = s;
    auto unchanged = [&] {
      s.check();
      copy.check();
      s.check_at(in_place);
    };
    size_t failures = 0;
    for (auto& where :
         {in_place, keys{text + "a", text + "b", text + "x"},
          keys{text + "a", text + "x", text + "y", text + "z"}, keys{text}}) {
      auto fresh = make_leaf(where, 2);
      failures += memory::run_out([&] { s.uut.put(where, fresh); }, unchanged);
      s.expected[where] = fresh.get();
      unchanged();
      copy = s;
      failures += memory::run_out([&] { s.uut.erase(where); }, unchanged);
      s.expected.erase(where);
      s.check();
      copy.check();
      copy = s;
      // Also into an empty tree.
      uut_type none;
      failures += memory::run_out([&] { none.put(where, fresh); },
                                  [&] {
                                    CHECK(none.empty());
                                    CHECK(none.root() == nullptr);
                                    CHECK_FALSE(none.find_leaf(where));
                                  });
      CHECK(none.size() == 1);
    }
    uut_type part;
    keys scope{text + "a", text + "7"};
    failures += memory::run_out([&] { part = s.uut.restricted_to(scope); },
                                [&] {
                                  unchanged();
                                  CHECK(part.empty());
                                });
    CHECK(part.size() == 1);
    CHECK(failures > 30);
  }
  CHECK(memory::blocks() == blocks);
}

} // namespace tree_test
