// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "linearizability.hpp"

#include "cafreg/detail/unique_table.hpp"

#include "catch.hpp"
#include "fake_actors.hpp"
#include "registry/effort.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace linearizability_test {

namespace {

using cafreg::detail::write_result;

enum class kind {
  insert,
  erase,
  lookup,
  update,
  give,
  die
};

struct operation {
  kind what;
  int key;
  // Actors are numbers from 1, nobody is 0.
  int who = 0;
  int to = 0;
  // Written; or in answers of lookups and updates read.
  int value = 0;
  int seen = 0;
  // Who a lookup found or an insertion lost to.
  int holder = 0;
  write_result result = write_result::done;
};

struct name_state {
  int holder = 0;
  int value = 0;
  uint32_t dead = 0;

  bool operator==(const name_state&) const = default;
};

// One name, and who is dead. An entry of a dead actor is as good as none; in
// the table it may go at any time, hence what the dead do may or may not work.
struct name_model {
  using state = name_state;

  static state initial() {
    return {};
  }

  static bool dead(const state& now, int who) {
    return (now.dead >> who & 1) != 0;
  }

  static std::optional<state> step(const state& now, const operation& x) {
    auto next = now;
    auto holder = dead(now, now.holder) ? 0 : now.holder;
    auto holds = now.holder == x.who;
    switch (x.what) {
      case kind::insert:
        switch (x.result) {
          case write_result::done:
            next.holder = x.who;
            next.value = x.value;
            return accept(holder == 0, next);
          case write_result::held:
            return accept(holder == x.who && x.holder == x.who, next);
          case write_result::taken:
            return accept(holder != 0 && holder != x.who && holder == x.holder,
                          next);
          default:
            return accept(x.result == write_result::dead && dead(now, x.who),
                          next);
        }
      case kind::erase:
        if (x.result == write_result::done) {
          next.holder = 0;
          return accept(holds, next);
        }
        return accept(!holds || dead(now, x.who), next);
      case kind::lookup:
        return accept(
          holder == x.holder && (holder == 0 || now.value == x.seen), next);
      case kind::update:
        if (x.result == write_result::done) {
          next.value = x.value;
          return accept(holds && now.value == x.seen, next);
        }
        return accept(!holds || dead(now, x.who), next);
      case kind::give:
        if (x.result == write_result::done) {
          next.holder = x.to;
          return accept(holds, next);
        }
        if (x.result == write_result::dead)
          return accept(dead(now, x.to), next);
        return accept(!holds || dead(now, x.who), next);
      case kind::die:
        next.dead |= 1u << x.who;
        return next;
    }
    return std::nullopt;
  }

  static uint64_t hash(const state& x) {
    return static_cast<uint64_t>(x.holder) << 48
           ^ static_cast<uint64_t>(x.dead) << 32
           ^ static_cast<uint64_t>(x.value);
  }

private:
  static std::optional<state> accept(bool condition, const state& next) {
    return condition ? std::optional{next} : std::nullopt;
  }
};

using table_type
  = cafreg::detail::unique_table<int, int, fake::actors, fake::observer>;

// What the histories are made with: the table as it is.
struct honest {
  explicit honest(fake::observer& events) : table(events, true) {
    // nop
  }

  // Returns holder and value.
  std::pair<int, int> lookup(int key) {
    std::pair<int, int> result{0, 0};
    table.lookup(key, [&result](const table_type::node& x) {
      result = {x.actor->id, x.value};
      fake::actors::release(x.actor, true);
    });
    return result;
  }

  table_type table;
};

// Answers every other lookup from memory.
struct forgetful : honest {
  using honest::honest;

  std::pair<int, int> lookup(int key) {
    std::lock_guard guard{mutex};
    if (++lookups % 2 == 0)
      if (auto pos = memory.find(key); pos != memory.end())
        return pos->second;
    return memory[key] = honest::lookup(key);
  }

  std::mutex mutex;
  int lookups = 0;
  std::map<int, std::pair<int, int>> memory;
};

struct shape {
  size_t threads = 2;
  int operations = 12; // by each thread
  int keys = 2;
  int actors = 3;
  bool deaths = false;
};

template <class Table>
class history_maker {
public:
  history_maker(shape how, uint64_t seed)
    : how_(how), seed_(seed), parts_(how.threads), uut_(events_) {
    for (auto i = 0; i <= how.actors; ++i) {
      actors_.emplace_back().id = i;
      uut_.table.enroll(&actors_.back());
    }
  }

  // Called by each thread.
  void run(size_t t) {
    std::mt19937_64 random{seed_ * 64 + t};
    // All at once, or there is nothing to see.
    ++ready_;
    for (auto spins = 0; ready_ < how_.threads; ++spins)
      if (spins > patience)
        std::this_thread::yield();
    for (auto i = 1; i <= how_.operations; ++i) {
      parts_[t].push_back(next(random, static_cast<int>(t) * 1000 + i));
      pause(random);
    }
    ++finished_;
  }

  // Afterwards.
  void collect() {
    for (auto& part : parts_)
      history.insert(history.end(), part.begin(), part.end());
  }

  // How many operations ran beside one of another thread.
  size_t overlaps() const {
    size_t result = 0;
    for (size_t t = 0; t < parts_.size(); ++t)
      for (auto& x : parts_[t])
        result += std::any_of(parts_.begin(), parts_.end(), [&](auto& part) {
          return &part != &parts_[t]
                 && std::any_of(part.begin(), part.end(), [&](auto& y) {
                      return x.called < y.returned && y.called < x.returned;
                    });
        });
    return result;
  }

  std::optional<int> check() const {
    auto keys = [this](const operation& x) {
      if (x.what != kind::die)
        return std::vector<int>{x.key};
      std::vector<int> all;
      for (auto i = 0; i < how_.keys; ++i)
        all.push_back(i);
      return all;
    };
    return linear::check_each<int>(name_model{}, history, keys);
  }

  bool leaks() {
    uut_.table.close({}, [](fake::actor*) {});
    while (uut_.table.flush()) {
      // nop
    }
    for (auto& x : actors_)
      if (x.strong != 0 || x.weak != 0)
        return true;
    return false;
  }

  std::vector<linear::record<operation>> history;

private:
  // Lets others be faster now and then, also if all threads share one core.
  // None is needed for those that move on by themselves or have nothing more to
  // do.
  void pause(std::mt19937_64& random) const {
    if (seed_ % 4 != 0 || random() % 4 != 0)
      return;
    const auto before = clock_.load();
    for (auto spins = 0; spins < patience + 4; ++spins) {
      if (clock_ != before || finished_ + 1 >= how_.threads)
        return;
      if (spins >= patience)
        std::this_thread::yield();
    }
  }

  linear::record<operation> next(std::mt19937_64& random, int value) {
    auto pick = [&random](int limit) {
      return static_cast<int>(random() % static_cast<uint64_t>(limit));
    };
    operation x{};
    x.key = pick(how_.keys);
    x.who = 1 + pick(how_.actors);
    x.to = 1 + pick(how_.actors);
    x.value = value;
    auto dice = pick(100);
    auto* who = &actors_[static_cast<size_t>(x.who)];
    auto* to = &actors_[static_cast<size_t>(x.to)];
    linear::record<operation> result{x, 0};
    auto& op = result.op;
    result.called = ++clock_;
    if (dice < 82 && dice >= 30)
      pause(random);
    if (dice < 30) {
      op.what = kind::insert;
      op.result = uut_.table.insert(who, x.key, int{value}, {},
                                    [&op](const table_type::node& y) {
                                      op.holder = y.actor->id;
                                      fake::actors::release(y.actor, true);
                                    });
    } else if (dice < 45) {
      op.what = kind::erase;
      op.result = uut_.table.erase(who, x.key, {});
    } else if (dice < 65) {
      op.what = kind::lookup;
      std::tie(op.holder, op.seen) = uut_.lookup(x.key);
    } else if (dice < 82) {
      op.what = kind::update;
      op.result = uut_.table.update(who, x.key, [&](const table_type::node& y) {
        op.seen = y.value;
        pause(random);
        return value;
      });
    } else if (dice < 97 || !how_.deaths) {
      op.what = kind::give;
      if (x.who == x.to) {
        // Nothing to hand over.
        op.what = kind::lookup;
        std::tie(op.holder, op.seen) = uut_.lookup(x.key);
      } else {
        op.result = uut_.table.give(who, x.key, to, {});
      }
    } else {
      op.what = kind::die;
      who->terminated = true;
      result.returned = ++clock_;
      if (random() % 2 == 0)
        uut_.table.erase_all(who, {"down"}, true);
      return result;
    }
    result.returned = ++clock_;
    return result;
  }

  // How often to look for another thread before it gets this one's core. Where
  // other programs want the core, too, that costs a time slice, and both
  // threads must find each other again.
  static constexpr auto patience = 20'000;

  shape how_;
  uint64_t seed_;
  std::atomic<size_t> ready_{0};
  std::atomic<size_t> finished_{0};
  std::vector<std::vector<linear::record<operation>>> parts_;
  fake::observer events_;
  std::deque<fake::actor> actors_;
  Table uut_;
  std::atomic<uint64_t> clock_{0};
};

// Returns the seeds of histories that cannot be explained.
template <class Table>
std::vector<uint64_t> bad_seeds(shape how, size_t histories) {
  std::vector<uint64_t> result;
  size_t overlaps = 0;
  // Many with the same threads, which then run at the same time.
  constexpr size_t batch = 100;
  for (uint64_t seed = 1; seed <= histories; seed += batch) {
    std::deque<history_maker<Table>> makers;
    for (size_t i = 0; i < batch; ++i)
      makers.emplace_back(how, seed + i);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < how.threads; ++t)
      threads.emplace_back([&makers, t] {
        for (auto& x : makers)
          x.run(t);
      });
    for (auto& x : threads)
      x.join();
    for (size_t i = 0; i < batch; ++i) {
      makers[i].collect();
      overlaps += makers[i].overlaps();
      if (makers[i].check() || makers[i].leaks())
        result.push_back(seed + i);
    }
  }
  // Else this would be no test.
  CHECK(overlaps > histories / 2);
  return result;
}

const std::vector<uint64_t> none;

} // namespace

TEST_CASE("histories of a unique table are linearizable") {
  CHECK(bad_seeds<honest>({2, 12, 2, 3, false}, effort(4000, 400)) == none);
  CHECK(bad_seeds<honest>({3, 16, 2, 3, false}, effort(2000, 200)) == none);
  CHECK(bad_seeds<honest>({4, 15, 1, 2, false}, effort(2000, 200)) == none);
  CHECK(bad_seeds<honest>({4, 15, 3, 4, false}, effort(2000, 200)) == none);
}

TEST_CASE("histories of a unique table with deaths are linearizable") {
  CHECK(bad_seeds<honest>({2, 20, 2, 6, true}, effort(3000, 300)) == none);
  CHECK(bad_seeds<honest>({3, 16, 1, 5, true}, effort(3000, 300)) == none);
  CHECK(bad_seeds<honest>({4, 12, 2, 6, true}, effort(3000, 300)) == none);
}

TEST_CASE("histories of a table with a stale cache are not") {
  auto bad = bad_seeds<forgetful>({3, 16, 1, 3, false}, 200);
  CHECK(bad.size() > 100);
}

} // namespace linearizability_test
