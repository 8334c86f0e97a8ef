// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cafreg/system_registry.hpp"

#include "fixture.hpp"

namespace bench {

namespace {

using benchmark::DoNotOptimize;

using cafreg::path;

using clock = std::chrono::steady_clock;

using namespace std::chrono_literals;

path address_of(size_t interface) {
  return {"state", "network_interface", "eth" + std::to_string(interface),
          "address"};
}

std::vector<path> make_paths(size_t count) {
  std::vector<path> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i)
    result.push_back(address_of(i));
  return result;
}

/// Actors that count what they get.
class readers {
public:
  explicit readers(size_t count) {
    for (size_t i = 0; i < count; ++i)
      actors.push_back(
        system().spawn([this](caf::event_based_actor*) -> caf::behavior {
          return {[this](const cafreg::system_state&) { ++read; }};
        }));
  }

  readers(const readers&) = delete;

  readers& operator=(const readers&) = delete;

  ~readers() {
    kill_all(actors);
  }

  void wait_for(size_t count) const {
    wait_until([&] { return read == count; });
  }

  std::vector<caf::actor> actors;
  std::atomic<size_t> read{0};
};

/// A registry with an address for each of so many interfaces, in which as many
/// owners have equal shares as there may be threads.
class full_state {
public:
  explicit full_state(size_t leaves, size_t subscribers = 0)
    : paths(make_paths(leaves)),
      owners(spawn_idle(max_threads)),
      audience(subscribers),
      state(system()) {
    for (size_t i = 0; i < leaves; ++i)
      static_cast<void>(
        state.update(owners[i % max_threads], paths[i], "192.168.1.100"));
    for (auto& x : audience.actors)
      static_cast<void>(state.subscribe(x, {.min_interval = 1s}));
  }

  full_state(const full_state&) = delete;

  full_state& operator=(const full_state&) = delete;

  ~full_state() {
    state.close();
    kill_all(owners);
  }

  std::vector<path> paths;
  std::vector<caf::actor> owners;
  readers audience;
  cafreg::system_registry state;
};

lazy<full_state> small{[](auto& x) { x.emplace(1'000); }};

lazy<full_state> watched{[](auto& x) { x.emplace(1'000, 100); }};

lazy<full_state> large{[](auto& x) { x.emplace(1'000'000); }};

// Each thread updates the leaves of one owner, in an order that no cache knows.
// The paths are made on the way: a million of them would be measured, too.
auto update_leaf(lazy<full_state>& source) {
  return [&source](benchmark::State& state) {
    auto& on = source.get();
    auto thread = static_cast<size_t>(state.thread_index());
    auto& owner = on.owners[thread];
    const auto shares = on.paths.size() / max_threads;
    uint64_t random = thread + 1;
    auto odd = false;
    for (auto _ : state) {
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      auto index = (random >> 33) % shares * max_threads + thread;
      odd = !odd;
      auto done = on.state.update(owner, address_of(index),
                                  odd ? "10.0.0.1" : "10.0.0.2");
      if (!expect(state, static_cast<bool>(done)))
        break;
    }
    state.SetItemsProcessed(state.iterations());
  };
}

void snapshot(benchmark::State& state) {
  auto& on = small.get();
  for (auto _ : state) {
    auto now = on.state.snapshot();
    DoNotOptimize(now);
  }
  state.SetItemsProcessed(state.iterations());
}

void get(benchmark::State& state) {
  auto& on = small.get();
  for_each_in(state, on.paths, [&](const path& where) {
    auto found = on.state.get<std::string>(where);
    DoNotOptimize(found);
    return static_cast<bool>(found);
  });
}

void transaction(benchmark::State& state) {
  constexpr size_t leaves = 100;
  auto& on = small.get();
  auto odd = false;
  for (auto _ : state) {
    auto changes = on.state.transaction(on.owners[0]);
    odd = !odd;
    for (size_t i = 0; i < leaves; ++i)
      changes.update(on.paths[i * max_threads], odd ? "10.0.0.1" : "10.0.0.2");
    if (!expect(state, static_cast<bool>(changes.commit())))
      break;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(leaves));
}

// What ten changes among a thousand leaves come to.
void diff(benchmark::State& state) {
  auto& on = small.get();
  auto before = on.state.snapshot();
  auto value = std::to_string(before.version());
  for (size_t i = 0; i < 10; ++i)
    static_cast<void>(
      on.state.update(on.owners[0], on.paths[i * 50 * max_threads], value));
  auto after = on.state.snapshot();
  for (auto _ : state) {
    auto changes = after.diff(before);
    if (!expect(state, changes.size() == 10))
      break;
  }
  state.SetItemsProcessed(state.iterations());
}

// -- deliveries ---------------------------------------------------------------

constexpr size_t audience = 10'000;

// Threads of CAF's scheduler that had nothing to do for long sleep for up to
// 10 ms: measured is what a change costs that is not the first one in a while.
constexpr size_t rounds = 20;

enum class until {
  sent,
  read
};

// Times `fn()`, which sends to all readers, again and again.
template <class Fn>
void time_rounds(benchmark::State& state, const readers& to, until end,
                 size_t& sent, Fn fn) {
  for (auto _ : state) {
    auto seconds = 0.0;
    for (size_t i = 0; i < rounds; ++i) {
      auto begin = clock::now();
      sent += audience;
      fn();
      if (end == until::sent)
        seconds += seconds_since(begin);
      wait_until([&] { return to.read >= sent; });
      if (end == until::read)
        seconds += seconds_since(begin);
    }
    state.SetIterationTime(seconds);
  }
  state.SetItemsProcessed(state.iterations()
                          * static_cast<int64_t>(rounds * audience));
}

template <until End>
void deliver(benchmark::State& state) {
  readers to{audience};
  cafreg::system_registry registry{system()};
  auto owner = spawn_idle(1);
  for (auto& x : to.actors)
    static_cast<void>(registry.subscribe(x));
  size_t sent = audience;
  to.wait_for(sent);
  auto value = 0;
  time_rounds(state, to, End, sent, [&] {
    static_cast<void>(registry.update(owner[0], "state.a", ++value));
    wait_until([&] { return registry.stats().deliveries >= sent; });
  });
  registry.close();
  kill_all(owner);
}

template <until End>
void send_loop(benchmark::State& state) {
  readers to{audience};
  size_t sent = 0;
  time_rounds(state, to, End, sent, [&] {
    auto msg = caf::make_message(cafreg::system_state{"system", {}, {}});
    for (auto& x : to.actors)
      caf::anon_send(x, msg);
  });
}

// -- deaths -------------------------------------------------------------------

// From the exit message until the tree is empty.
void owner_death(benchmark::State& state) {
  auto paths = make_paths(8'000);
  cafreg::system_registry registry{system()};
  for (auto _ : state) {
    auto owner = spawn_idle(1);
    auto all = registry.transaction(owner[0]);
    for (auto& x : paths)
      all.update(x, "192.168.1.100");
    if (!expect(state, static_cast<bool>(all.commit())))
      break;
    // Wakes CAF's scheduler up.
    auto somebody = spawn_idle(1);
    auto begin = clock::now();
    caf::anon_send_exit(owner[0], caf::exit_reason::kill);
    wait_until([&] { return registry.count() == 0; });
    state.SetIterationTime(seconds_since(begin));
    kill_all(somebody);
  }
  // One of them is what the target is about.
  state.SetItemsProcessed(state.iterations());
}

// -- memory -------------------------------------------------------------------

// The time is that of a first update.
void bytes_per_leaf(benchmark::State& state) {
  constexpr int64_t many = 1'000'000;
  auto owner = spawn_idle(1);
  for (auto _ : state) {
    auto paths = make_paths(many);
    cafreg::system_registry registry{system()};
    auto before = steady_heap_size();
    auto begin = clock::now();
    for (auto& x : paths)
      static_cast<void>(registry.update(owner[0], x, 1));
    state.SetIterationTime(seconds_since(begin));
    state.counters["bytes_per_leaf"]
      = static_cast<double>(steady_heap_size() - before) / many;
  }
  state.SetItemsProcessed(state.iterations() * many);
  kill_all(owner);
}

} // namespace

void add_state() {
  add("sysregistry/update_leaf", update_leaf(small), 1);
  add("sysregistry/update_leaf", update_leaf(small), 2);
  add("sysregistry/update_leaf_100_subs", update_leaf(watched));
  add("sysregistry/update_leaf:1000000", update_leaf(large));
  add("sysregistry/snapshot", snapshot);
  add("sysregistry/get", get);
  add("sysregistry/transaction:100", transaction);
  add("sysregistry/diff", diff);
  add_once("limit/send_loop:10000", send_loop<until::sent>);
  add_once("limit/send_loop_read:10000", send_loop<until::read>);
  add_once("sysregistry/deliver:10000", deliver<until::sent>);
  add_once("sysregistry/deliver_read:10000", deliver<until::read>);
  add_once("sysregistry/owner_death:8000", owner_death);
  add_once("sysregistry/bytes_per_leaf", bytes_per_leaf);
}

} // namespace bench
