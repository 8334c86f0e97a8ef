// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "stores.hpp"

#include "registry/effort.hpp"

#include "catch.hpp"

#include <atomic>
#include <latch>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace store_races_test {

using namespace stores;

namespace {

using uut_type = store_with_owners<int>;
using kind = uut_type::outcome_type::kind;
using editor = uut_type::editor_type;
using keys = std::vector<std::string>;

constexpr int accounts = 40;
constexpr int funds = 1000;

/// What went wrong in any thread: the macros of the tests are for one.
class complaints {
public:
  void check(bool ok, const char* what) {
    if (ok)
      return;
    std::lock_guard guard{mutex_};
    list_.insert(what);
  }

  std::set<std::string> list() const {
    std::lock_guard guard{mutex_};
    return list_;
  }

private:
  mutable std::mutex mutex_;
  std::set<std::string> list_;
};

path account(size_t n) {
  return {"open", "account", std::to_string(n)};
}

/// Threads that use a store until it is closed.
class fixture {
public:
  fixture() {
    uut.transact({carol}, [](editor& x) {
      for (auto i = 0; i < accounts; ++i)
        x.put(account(static_cast<size_t>(i)), funds);
    });
  }

  /// Runs `work(rng)` in a thread until it returns `closed`.
  template <class Work>
  void start(Work work) {
    ++workers_;
    threads_.emplace_back([this, work, seed = workers_]() mutable {
      std::mt19937 rng{seed};
      start_.wait();
      size_t rounds = 0;
      auto enough = effort(3000, 300);
      while (work(rng) != kind::closed)
        if (++rounds == enough)
          ++satisfied_;
      check(rounds >= enough, "closed too early");
    });
  }

  void check(bool ok, const char* what) {
    complaints_.check(ok, what);
  }

  /// Closes the store when all threads have had enough.
  void finish() {
    start_.count_down();
    while (satisfied_ < workers_)
      std::this_thread::yield();
    closing = true;
    uut.close();
    check(uut.look().tree.empty(), "something is left");
    for (auto& x : threads_)
      x.join();
    check(uut.content().empty(), "something came after the end");
    CHECK(complaints_.list() == std::set<std::string>{});
  }

  uut_type uut;
  std::atomic<bool> closing{false};

private:
  complaints complaints_;
  std::latch start_{1};
  std::atomic<unsigned> satisfied_{0};
  unsigned workers_ = 0;
  std::vector<std::thread> threads_;
};

// Moves money from one account to another one.
template <class Rng>
void transfer(editor& edit, Rng& rng) {
  auto from = account(rng() % accounts);
  auto to = account(rng() % accounts);
  auto* here = edit.look(from);
  if (here == nullptr || from == to)
    return;
  auto amount = static_cast<int>(rng() % 10);
  edit.put(from, *here - amount);
  edit.put(to, *edit.look(to) + amount);
  if (rng() % 8 == 0) { // there and back
    edit.move(path("open.account"), path("open.moved"));
    edit.move(path("open.moved"), path("open.account"));
  }
}

} // namespace

TEST_CASE("threads that use one store never see half of anything") {
  fixture f;
  auto& uut = f.uut;
  // Transactions of two kinds.
  for (auto who : {alice, bob})
    f.start([&, who](auto& rng) {
      return uut.transact({who}, [&](editor& x) { transfer(x, rng); }).what;
    });
  f.start([&](auto& rng) {
    auto draft = uut.begin({carol});
    if (!draft)
      return kind::closed;
    transfer(draft->edit, rng);
    f.check(uut.preview(*draft).removed.empty(), "money is lost in a draft");
    return uut.commit(*draft).what;
  });
  // Single leaves, changed in place.
  f.start([&, n = 0](auto&) mutable {
    return uut.put({alice}, "state.counter", ++n).what;
  });
  // Owners that come and die.
  f.start([&, next = owner_id{100}](auto& rng) mutable {
    auto who = next++;
    if (!uut.add_owner(who))
      return kind::closed;
    path home{"state", "temporary", std::to_string(who)};
    auto n = rng() % 10;
    for (size_t i = 0; i < n; ++i)
      uut.put({who}, home / std::to_string(i), 1);
    uut.put({who}, "layers.temporary", 1);
    uut.put({who}, "my.leaf", 1);
    f.check(uut.count(home) == n || f.closing, "not all is there");
    auto result = uut.drop_owner(who);
    f.check(result.what == kind::closed || result.changes.removed.size() >= n,
            "not all was removed");
    f.check(uut.count(home) == 0, "something outlived its owner");
    f.check(!uut.owns_anything(who), "a dead owner has something");
    return result.what;
  });
  f.start([&, version = uint64_t{0}, counter = 0](auto&) mutable {
    auto now = uut.look();
    if (now.tree.empty())
      return f.closing ? kind::closed : kind::done;
    f.check(now.version >= version, "an older version was seen");
    version = now.version;
    auto sum = 0;
    auto found = 0;
    now.tree.for_each(path("open"), [&](const keys&, const uut_type::leaf& x) {
      ++found;
      sum += x.content.shown.value;
    });
    f.check(found == accounts && sum == accounts * funds,
            "half a transaction was seen");
    if (auto* here = now.tree.find_leaf(path("state.counter"))) {
      f.check(here->content.shown.value >= counter, "a counter went back");
      counter = here->content.shown.value;
    }
    return kind::done;
  });
  f.start([&, version = uint64_t{0}, counter = 0](auto& rng) mutable {
    auto end = f.closing.load();
    auto now = uut.version();
    f.check(now >= version, "a version went back");
    version = now;
    f.check(uut.count(path("open.account")) == accounts || f.closing,
            "an account is missing");
    f.check(uut.find(account(rng() % accounts)) || f.closing,
            "an account was not found");
    if (auto here = uut.find(path("state.counter"))) {
      f.check(here->content.shown.value >= counter, "a counter went back");
      counter = here->content.shown.value;
    }
    uut.private_tree(alice);
    uut.paths_of(alice);
    return end ? kind::closed : kind::done;
  });
  f.finish();
}

TEST_CASE("threads change and drop copies that share their parts") {
  using tree_type = cafreg::detail::tree<int>;
  constexpr size_t leaves = 300;
  tree_type base;
  auto place = [](size_t n) {
    return keys{"a", std::to_string(n % 7), std::to_string(n)};
  };
  auto put = [&](tree_type& x, size_t n, int value) {
    auto where = place(n);
    x.put(where, tree_type::make_leaf(where.back(), value));
  };
  for (size_t i = 0; i < leaves; ++i)
    put(base, i, 0);
  complaints all;
  std::latch start{4};
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= 4; ++id)
    threads.emplace_back([&, id, mine = base]() mutable {
      std::mt19937 rng{id};
      start.arrive_and_wait();
      for (size_t round = 0; round < effort(300, 60); ++round) {
        auto copy = mine;
        for (auto i = 0; i < 20; ++i) {
          auto n = rng() % leaves;
          if (rng() % 3 > 0)
            put(copy, n, static_cast<int>(id));
          else if (copy.find_leaf(place(n)) != nullptr)
            copy.erase(place(n));
        }
        size_t found = 0;
        copy.for_each({}, [&](const keys&, const tree_type::leaf& x) {
          ++found;
          all.check(x.content == 0 || x.content == static_cast<int>(id),
                    "another thread's leaf is here");
        });
        all.check(found == copy.size(), "a leaf is missing");
        if (rng() % 4 == 0)
          mine = copy;
      }
    });
  base = {};
  for (auto& x : threads)
    x.join();
  CHECK(all.list() == std::set<std::string>{});
}

} // namespace store_races_test
