// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/unique_table.hpp"

#include "catch.hpp"
#include "fake_actors.hpp"
#include "registry/effort.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace unique_table_races_test {

namespace {

using cafreg::detail::write_result;

using table_type
  = cafreg::detail::unique_table<int, int, fake::actors, fake::observer>;

using node = table_type::node;

void give_back(const node& x) {
  fake::actors::release(x.actor, true);
}

void drain(table_type& uut) {
  while (uut.flush()) {
    // nop
  }
}

template <class Fn>
void in_threads(size_t count, Fn fn) {
  std::vector<std::thread> threads;
  std::atomic<size_t> ready{0};
  for (size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      ++ready;
      while (ready < count)
        std::this_thread::yield();
      fn(t);
    });
  for (auto& x : threads)
    x.join();
}

} // namespace

TEST_CASE("one of many threads gets a key") {
  constexpr size_t threads = 4;
  const auto rounds = effort(3000, 500);
  fake::observer observer;
  std::deque<fake::actor> actors(threads);
  {
    table_type uut{observer, true};
    std::vector<std::atomic<int>> winners(rounds);
    std::vector<std::array<fake::actor*, threads>> holders(rounds);
    in_threads(threads, [&](size_t t) {
      for (size_t i = 0; i < rounds; ++i) {
        auto outcome = uut.insert(&actors[t], static_cast<int>(i),
                                  static_cast<int>(t), {}, [&](const node& x) {
                                    holders[i][t] = x.actor;
                                    give_back(x);
                                  });
        if (outcome == write_result::done) {
          ++winners[i];
          holders[i][t] = &actors[t];
        }
      }
    });
    size_t wrong = 0;
    for (size_t i = 0; i < rounds; ++i) {
      if (winners[i] != 1)
        ++wrong;
      for (auto* x : holders[i])
        if (x != holders[i][0])
          ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(uut.size() == rounds);
  }
  for (auto& x : actors)
    CHECK(x.strong == 0);
}

namespace {

// Random operations of several threads on few keys and actors, and what must
// be true after and during them.
struct storm {
  static constexpr int keys = 8;

  storm(bool strong, bool heirs) : uut(observer, strong) {
    observer.recording = true;
    observer.any_heirs = heirs;
  }

  // Actors live in generations: the slot of a dead one gets a new one.
  struct slot {
    std::atomic<fake::actor*> now{nullptr};
  };

  fake::actor* spawn() {
    std::lock_guard guard{mutex};
    auto& x = actors.emplace_back();
    x.id = static_cast<int>(actors.size());
    return &x;
  }

  void run(size_t t, size_t rounds) {
    std::mt19937_64 random{t + 1};
    for (size_t i = 0; i < rounds; ++i) {
      auto& at = slots[random() % slots.size()];
      auto* who = at.now.load();
      auto* to = slots[random() % slots.size()].now.load();
      auto key = static_cast<int>(random() % keys);
      switch (random() % 16) {
        default:
          uut.insert(who, key, static_cast<int>(i), {}, give_back);
          break;
        case 5:
        case 6:
          uut.erase(who, key, {});
          break;
        case 7:
          uut.update(who, key, [](const node& x) { return x.value + 1; });
          break;
        case 8:
        case 9:
          if (who != to)
            uut.give(who, key, to, {});
          break;
        case 10:
          uut.erase_all(who, {}, false);
          break;
        case 11:
          if (random() % 4 == 0 && !who->terminated.exchange(true)) {
            at.now = spawn();
            if (random() % 2 == 0)
              std::this_thread::yield();
            uut.erase_all(who, {"down"}, true);
          }
          break;
        case 12:
          uut.for_each([this](const node& x) {
            if (x.key.get() < 0 || x.key.get() >= keys)
              ++bad;
          });
          break;
        case 13:
          uut.for_each_of(who, [this, who](const node& x) {
            if (x.actor != who)
              ++bad;
          });
          break;
        case 14: {
          auto was_dead = false;
          uut.lookup(key, [&](const node& x) {
            was_dead = x.key.get() != key;
            give_back(x);
          });
          if (was_dead)
            ++bad;
          break;
        }
        case 15: {
          table_type::reservation_ptr reserved;
          if (uut.reserve(key, 1, give_back, reserved) == write_result::done) {
            if (random() % 2 == 0)
              uut.bind(reserved, spawn(), {});
            else
              uut.release(reserved);
          }
        }
      }
    }
  }

  // The story that the observer was told makes sense for each key.
  std::map<std::string, fake::actor*> replay() {
    std::map<std::string, fake::actor*> holders;
    for (auto& x : observer.events) {
      auto& holder = holders[x.key];
      if (x.registered) {
        if (holder != nullptr)
          ++bad;
        holder = x.who;
      } else {
        if (holder != x.who)
          ++bad;
        holder = nullptr;
      }
    }
    std::erase_if(holders, [](const auto& x) { return x.second == nullptr; });
    return holders;
  }

  std::mutex mutex;
  std::deque<fake::actor> actors;
  std::array<slot, 5> slots;
  std::atomic<int> bad{0};
  fake::observer observer;
  table_type uut;
};

void blow(bool strong, bool heirs) {
  {
    storm s{strong, heirs};
    for (auto& x : s.slots)
      x.now = s.spawn();
    for (auto i = 0; heirs && i < 500; ++i) {
      auto* heir = s.spawn();
      s.uut.enroll(heir);
      s.observer.heirs.push_back({heir, i});
    }
    in_threads(3, [&](size_t t) { s.run(t, effort(30'000, 3'000)); });
    // A monitor that is set up after a death fires at once, in CAF.
    for (auto& x : s.actors)
      if (x.terminated)
        s.uut.erase_all(&x, {"down"}, true);
    // The reverse index, the events and the table tell the same.
    auto holders = s.replay();
    CHECK(s.uut.size() == holders.size());
    size_t listed = 0;
    for (auto& who : s.actors)
      s.uut.for_each_of(&who, [&](const node& x) {
        ++listed;
        if (holders[std::to_string(x.key.get())] != &who)
          ++s.bad;
        if (who.terminated)
          ++s.bad;
      });
    CHECK(listed == holders.size());
    for (auto& [key, who] : holders) {
      auto* expected = who;
      if (!s.uut.lookup(std::stoi(key), [&](const node& x) {
            if (x.actor != expected)
              ++s.bad;
            give_back(x);
          }))
        ++s.bad;
    }
    CHECK(s.bad == 0);
    s.uut.close({}, [](fake::actor*) {});
    drain(s.uut);
    int64_t references = 0;
    for (auto& x : s.actors)
      references += std::abs(x.strong.load()) + std::abs(x.weak.load());
    CHECK(references == 0);
  }
}

} // namespace

TEST_CASE("random schedules leave the table consistent") {
  blow(true, false);
}

TEST_CASE("random schedules with weak entries leave the table consistent") {
  blow(false, false);
}

TEST_CASE("random schedules with heirs leave the table consistent") {
  blow(true, true);
}

TEST_CASE("no lookup misses a key whose heirs take over") {
  const auto rounds = effort(20'000, 2'000);
  fake::observer observer;
  std::deque<fake::actor> actors(rounds + 1);
  {
    table_type uut{observer, true};
    uut.insert(&actors[0], 1, 0, {}, give_back);
    for (size_t i = 1; i <= rounds; ++i) {
      uut.enroll(&actors[i]);
      observer.heirs.push_back({&actors[i], static_cast<int>(i)});
    }
    observer.any_heirs = true;
    std::atomic<bool> done{false};
    std::atomic<int> missed{0};
    std::vector<std::thread> readers;
    for (auto t = 0; t < 2; ++t)
      readers.emplace_back([&] {
        while (!done)
          if (!uut.lookup(1, give_back))
            ++missed;
      });
    size_t wrong = 0;
    for (size_t i = 0; i < rounds; ++i) {
      actors[i].terminated = true;
      auto next = 0;
      uut.lookup(1, [&next](const node& x) {
        next = x.value;
        give_back(x);
      });
      if (next != static_cast<int>(i + 1))
        ++wrong;
    }
    done = true;
    for (auto& x : readers)
      x.join();
    CHECK(missed == 0);
    CHECK(wrong == 0);
  }
  for (auto& x : actors)
    if (x.strong != 0)
      FAIL("a reference is left");
}

TEST_CASE("a death beside registrations of the same actor leaves nothing") {
  const auto rounds = effort(3000, 300);
  fake::observer observer;
  std::deque<fake::actor> actors(rounds);
  {
    table_type uut{observer, true};
    std::atomic<size_t> left{0};
    std::atomic<size_t> turn{0};
    in_threads(2, [&](size_t t) {
      for (size_t i = 0; i < rounds; ++i) {
        // Both start each round together.
        ++turn;
        while (turn < (i + 1) * 2)
          std::this_thread::yield();
        auto* who = &actors[i];
        if (t == 0) {
          for (auto key = 0; key < 5; ++key)
            uut.insert(who, key, 0, {}, give_back);
        } else {
          who->terminated = true;
          uut.erase_all(who, {"down"}, true);
        }
      }
    });
    // What slipped in behind the clean-up was enrolled again, so that its
    // monitor fires again.
    for (auto& x : actors)
      uut.erase_all(&x, {"down"}, true);
    uut.for_each([&left](const node&) { ++left; });
    CHECK(left == 0);
    CHECK(uut.registrant_count() == 0);
    std::map<fake::actor*, int> monitored;
    for (auto* x : observer.monitored)
      ++monitored[x];
    CHECK(monitored.size() <= rounds);
  }
  for (auto& x : actors)
    if (x.strong != 0)
      FAIL("a reference is left");
}

TEST_CASE("closing beside everything else leaves nothing") {
  const auto rounds = effort(300, 40);
  for (size_t round = 0; round < rounds; ++round) {
    storm s{round % 2 == 0, round % 3 == 0};
    for (auto& x : s.slots)
      x.now = s.spawn();
    for (auto i = 0; i < 20; ++i) {
      auto* heir = s.spawn();
      s.uut.enroll(heir);
      s.observer.heirs.push_back({heir, i});
    }
    in_threads(3, [&](size_t t) {
      if (t == 0) {
        std::mt19937_64 random{round};
        for (auto wait = random() % 2000; wait > 0; --wait)
          std::atomic_signal_fence(std::memory_order_seq_cst);
        s.uut.close({"closed"}, [](fake::actor*) {});
      } else {
        s.run(t + round * 8, 100);
      }
    });
    drain(s.uut);
    if (s.uut.size() != 0 || s.uut.registrant_count() != 0 || s.bad != 0
        || !s.replay().empty() || s.bad != 0)
      FAIL("round " << round);
    for (auto& x : s.actors)
      if (x.strong != 0 || x.weak != 0)
        FAIL("round " << round << ": a reference is left");
  }
}

TEST_CASE("no reader sees a torn value or misses a key that stays") {
  struct quiet_observer {
    using cause = fake::observer::cause;
    struct monitor {
      void start() noexcept {
        // nop
      }
      void stop() noexcept {
        // nop
      }
    };
    struct inheritance {
      fake::actor* actor;
      std::pair<int64_t, int64_t> value;
    };
    monitor monitor_for(fake::actor*) {
      return {};
    }
    static cause cause_of_death(fake::actor*) {
      return {};
    }
    static bool has_heirs() {
      return false;
    }
    static std::optional<inheritance> heir(size_t, int) {
      return std::nullopt;
    }
    static void registered(size_t, int, fake::actor*,
                           const std::pair<int64_t, int64_t>&, const cause&) {
      // nop
    }
    static void unregistered(size_t, int, fake::actor*,
                             const std::pair<int64_t, int64_t>&, const cause&,
                             bool) {
      // nop
    }
    static void garbage() {
      // nop
    }
  };
  using quiet_table
    = cafreg::detail::unique_table<int, std::pair<int64_t, int64_t>,
                                   fake::actors, quiet_observer>;
  fake::actor a;
  fake::actor b;
  {
    quiet_observer observer;
    quiet_table uut{observer, true};
    auto ignore = [](const quiet_table::node&) {};
    uut.insert(&a, 0, {0, 0}, {}, ignore);
    std::atomic<bool> done{false};
    std::atomic<int> bad{0};
    std::vector<std::thread> readers;
    for (auto t = 0; t < 2; ++t)
      readers.emplace_back([&] {
        while (!done) {
          auto check = [&bad](const quiet_table::node& x) {
            if (x.value.first != x.value.second)
              ++bad;
          };
          if (!uut.visit(0, check))
            ++bad;
          if (!uut.lookup(0, [&](const quiet_table::node& x) {
                check(x);
                fake::actors::release(x.actor, true);
              }))
            ++bad;
        }
      });
    const auto rounds = static_cast<int64_t>(effort(100'000, 10'000));
    for (int64_t i = 1; i < rounds; ++i) {
      auto* holder = i / 2 % 2 == 0 ? &a : &b;
      if (i % 2 == 0)
        uut.give(holder == &a ? &b : &a, 0, holder, {});
      else
        uut.update(holder, 0, [i](const quiet_table::node&) {
          return std::pair{i, i};
        });
      // Growth and shrinking around it.
      if (i % 64 < 32)
        uut.insert(&a, static_cast<int>(i % 64) + 1, {i, i}, {}, ignore);
      else
        uut.erase(&a, static_cast<int>(i % 64) - 31, {});
    }
    done = true;
    for (auto& x : readers)
      x.join();
    CHECK(bad == 0);
  }
  CHECK(a.strong == 0);
  CHECK(b.strong == 0);
}

} // namespace unique_table_races_test
