// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/scope_tree.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

namespace scope_tree_test {

using cafreg::path;

namespace {

using uut_type = cafreg::detail::scope_tree<std::string>;

std::string along(uut_type& uut, const path& leaf) {
  std::string result;
  uut.along(leaf, [&](const std::string& x) { result += x; });
  return result;
}

} // namespace

TEST_CASE("the scopes of a leaf are on the way to it") {
  uut_type uut;
  for (auto* x : {"a", "a.b.c", "a.x", "b"})
    uut.open(x).value = '(' + std::string{x} + ')';
  uut.open({}).value = "()";
  CHECK(along(uut, {}) == "()");
  CHECK(along(uut, "a") == "()(a)");
  CHECK(along(uut, "a.b") == "()(a)");
  CHECK(along(uut, "a.b.c") == "()(a)(a.b.c)");
  CHECK(along(uut, "a.b.c.d.e") == "()(a)(a.b.c)");
  CHECK(along(uut, path{"a.b"}) == "()");
}

TEST_CASE("a node knows its path and has a number of its own") {
  uut_type uut;
  auto& x = uut.open("a.b");
  auto& y = uut.open("a");
  auto& root = uut.open({});
  CHECK(x.where == path("a.b"));
  CHECK(y.where == path("a"));
  CHECK(root.where.empty());
  CHECK(&uut.open("a.b") == &x);
  CHECK(uut.find(path("a.b")) == &x);
  CHECK(uut.find(path{}) == &root);
  CHECK(uut.find(path("a.b.c")) == nullptr);
  CHECK(uut.find(path("b")) == nullptr);
  CHECK(x.number != y.number);
  CHECK(x.number != root.number);
  auto number = x.number;
  uut.trim(x);
  CHECK(uut.open("a.b").number != number);
}

TEST_CASE("what is empty and leads nowhere is trimmed") {
  uut_type uut;
  auto& x = uut.open("a.b.c.d");
  x.value = "x";
  auto& y = uut.open("a.b");
  uut.trim(y); // leads to x
  CHECK(uut.find(path("a.b")) == &y);
  y.value = "y";
  uut.trim(x); // not empty
  CHECK(uut.find(path("a.b.c.d")) == &x);
  x.value.clear();
  uut.trim(x);
  CHECK(uut.find(path("a.b.c")) == nullptr);
  CHECK(uut.find(path("a.b")) == &y);
  y.value.clear();
  uut.trim(y);
  CHECK(uut.empty());
  uut.trim(uut.open({}));
  CHECK(uut.empty());
}

TEST_CASE("a scope may be deep") {
  uut_type uut;
  path deep{std::vector<std::string>(200'000, "x")};
  uut.open(deep).value = "deep";
  CHECK(along(uut, deep) == "deep");
  SECTION("and trimmed") {
    auto& x = uut.open(deep);
    x.value.clear();
    uut.trim(x);
  }
  SECTION("and cleared") {
    uut.clear();
  }
  SECTION("and left to the destructor") {
    return;
  }
  CHECK(uut.empty());
}

} // namespace scope_tree_test
