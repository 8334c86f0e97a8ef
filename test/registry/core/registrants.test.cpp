// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/registrants.hpp"

#include "catch.hpp"
#include "registry/effort.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace registrants_test {

namespace {

struct actor {
  int id = 0;
};

struct node {
  node* next = nullptr;
  uintptr_t prev = 0;
};

using index_type = cafreg::detail::registrants<node, actor>;

std::multiset<node*> nodes_of(index_type& uut, actor& who) {
  std::multiset<node*> result;
  auto entries = uut.lock(&who);
  if (auto* rec = entries.find())
    for (auto* ptr = rec->head; ptr != nullptr; ptr = ptr->next)
      result.insert(ptr);
  return result;
}

void link(index_type& uut, actor& who, node& x) {
  auto entries = uut.lock(&who);
  entries.link(entries.find(), &x);
}

void unlink(index_type& uut, actor& who, node& x) {
  uut.lock(&who).unlink(&x);
}

} // namespace

TEST_CASE("an actor has one record") {
  index_type uut;
  actor one;
  actor two;
  CHECK(uut.size() == 0);
  CHECK(uut.lock(&one).find() == nullptr);
  CHECK(uut.lock(&one).add());
  CHECK_FALSE(uut.lock(&one).add());
  CHECK(uut.lock(&two).find() == nullptr);
  CHECK(uut.lock(&two).add());
  CHECK(uut.size() == 2);
  {
    auto entries = uut.lock(&one);
    auto* rec = entries.find();
    REQUIRE(rec != nullptr);
    CHECK(rec->actor == &one);
    CHECK(rec->head == nullptr);
    entries.erase(rec);
  }
  CHECK(uut.size() == 1);
  CHECK(uut.lock(&one).find() == nullptr);
  CHECK(uut.lock(&two).find() != nullptr);
}

TEST_CASE("entries leave a list at its head, middle and end") {
  index_type uut;
  actor who;
  uut.lock(&who).add();
  std::array<node, 4> x;
  for (auto& y : x)
    link(uut, who, y);
  CHECK(nodes_of(uut, who).size() == 4);
  unlink(uut, who, x[3]); // the head: entries are added in front
  CHECK(nodes_of(uut, who) == std::multiset<node*>{&x[0], &x[1], &x[2]});
  unlink(uut, who, x[1]);
  CHECK(nodes_of(uut, who) == std::multiset<node*>{&x[0], &x[2]});
  unlink(uut, who, x[0]);
  CHECK(nodes_of(uut, who) == std::multiset<node*>{&x[2]});
  unlink(uut, who, x[2]);
  CHECK(nodes_of(uut, who).empty());
  CHECK(uut.lock(&who).find() != nullptr);
  link(uut, who, x[1]);
  CHECK(nodes_of(uut, who) == std::multiset<node*>{&x[1]});
}

TEST_CASE("lists equal a map of sets, whatever is done to them") {
  index_type uut;
  std::deque<actor> actors(300);
  std::deque<node> nodes;
  std::map<actor*, std::multiset<node*>> model;
  std::mt19937_64 random{11};
  size_t wrong = 0;
  const auto rounds = effort(100'000, 20'000);
  for (size_t i = 0; i < rounds; ++i) {
    auto& who = actors[random() % actors.size()];
    auto known = model.find(&who);
    switch (random() % 8) {
      case 0:
        if (uut.lock(&who).add() != (known == model.end()))
          ++wrong;
        model.try_emplace(&who);
        break;
      case 1: {
        if (known == model.end() || !known->second.empty())
          break;
        auto entries = uut.lock(&who);
        entries.erase(entries.find());
        model.erase(known);
        break;
      }
      case 2:
      case 3:
      case 4:
        if (known == model.end())
          break;
        link(uut, who, nodes.emplace_back());
        known->second.insert(&nodes.back());
        break;
      default: {
        if (known == model.end() || known->second.empty())
          break;
        auto pos = known->second.begin();
        std::advance(pos, random() % known->second.size());
        unlink(uut, who, **pos);
        known->second.erase(pos);
      }
    }
    known = model.find(&who);
    auto expected = known != model.end() ? known->second
                                         : std::multiset<node*>{};
    if (nodes_of(uut, who) != expected)
      ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(uut.size() == model.size());
}

TEST_CASE("a closed index forgets all and takes nothing") {
  index_type uut;
  std::deque<actor> actors(100);
  std::array<node, 2> x;
  for (auto& y : actors)
    uut.lock(&y).add();
  for (auto& y : x)
    link(uut, actors[0], y);
  std::set<actor*> told;
  uut.close([&told](actor* ptr) { told.insert(ptr); });
  CHECK(told.size() == 100);
  CHECK(uut.size() == 0);
  CHECK(uut.lock(&actors[0]).closed());
  CHECK(uut.lock(&actors[0]).find() == nullptr);
  CHECK_FALSE(uut.lock(&actors[0]).add());
  // Nothing to take it out of any more.
  x[1].next = &x[1];
  unlink(uut, actors[0], x[1]);
  CHECK(x[1].next == &x[1]);
  told.clear();
  uut.close([&told](actor* ptr) { told.insert(ptr); });
  CHECK(told.empty());
}

TEST_CASE("threads change lists of the same actors") {
  index_type uut;
  std::deque<actor> actors(10);
  for (auto& x : actors)
    uut.lock(&x).add();
  constexpr size_t threads = 3;
  const auto rounds = effort(50'000, 5'000);
  std::array<std::deque<node>, threads> nodes;
  std::vector<std::thread> pool;
  for (size_t t = 0; t < threads; ++t)
    pool.emplace_back([&, t] {
      std::mt19937_64 random{t};
      std::vector<std::pair<actor*, node*>> mine;
      for (size_t i = 0; i < rounds; ++i) {
        if (mine.size() < 50 && random() % 2 == 0) {
          auto& who = actors[random() % actors.size()];
          link(uut, who, nodes[t].emplace_back());
          mine.emplace_back(&who, &nodes[t].back());
        } else if (!mine.empty()) {
          std::swap(mine[random() % mine.size()], mine.back());
          unlink(uut, *mine.back().first, *mine.back().second);
          mine.pop_back();
        }
      }
      for (auto [who, x] : mine)
        unlink(uut, *who, *x);
    });
  for (auto& x : pool)
    x.join();
  for (auto& x : actors)
    CHECK(nodes_of(uut, x).empty());
}

namespace {

// A watch over a life that notes what becomes of it.
struct watch {
  std::function<void()> at_start;
  bool watching = false;

  void start() noexcept {
    if (at_start)
      at_start();
    watching = true;
  }

  void stop() noexcept {
    watching = false;
  }
};

} // namespace

TEST_CASE("who is enrolled is watched, unless the index closes meanwhile") {
  index_type uut;
  actor one;
  actor two;
  actor three;
  watch first;
  uut.enroll(&one, first);
  CHECK(first.watching);
  // Once is enough.
  watch again;
  uut.enroll(&one, again);
  CHECK_FALSE(again.watching);
  // Closing has come by before there was anything to stop.
  std::vector<actor*> told;
  watch late{[&] { uut.close([&](actor* x) { told.push_back(x); }); }};
  uut.enroll(&two, late);
  CHECK_FALSE(late.watching);
  CHECK(told.size() == 2);
  watch never;
  uut.enroll(&three, never);
  CHECK_FALSE(never.watching);
  CHECK(uut.size() == 0);
}

} // namespace registrants_test
