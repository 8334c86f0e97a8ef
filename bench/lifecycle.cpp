// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <chrono>

#include <caf/send.hpp>

#include "fixture.hpp"

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

std::vector<std::string> make_keys(size_t count) {
  // 16 characters, hence on the heap in a std::string.
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back("user:" + std::to_string(10'000'000'000 + i));
  return result;
}

// -- mass death ---------------------------------------------------------------

constexpr int64_t crowd = 100'000;

// Sends the exit messages and waits for `done()`.
template <class Done>
void time_exits(benchmark::State& state, std::vector<caf::actor>& actors,
                Done done) {
  auto begin = clock::now();
  for (auto& x : actors)
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  wait_until(done);
  state.SetIterationTime(seconds_since(begin));
}

void mass_exit(benchmark::State& state) {
  auto& sys = system();
  for (auto _ : state) {
    auto before = running_actors(sys);
    auto actors = spawn_idle(crowd);
    time_exits(state, actors, [&] { return running_actors(sys) <= before; });
  }
  state.SetItemsProcessed(state.iterations() * crowd);
}

void mass_death(benchmark::State& state) {
  auto& sys = system();
  people();
  auto keys = make_keys(crowd);
  for (auto _ : state) {
    auto before = running_actors(sys);
    names registry{sys};
    auto actors = spawn_idle(crowd);
    for (size_t i = 0; i < actors.size(); ++i)
      registry.register_as(actors[i], keys[i], 1);
    if (!expect(state, registry.count() == actors.size()))
      break;
    time_exits(state, actors, [&] { return registry.count() == 0; });
    wait_until([&] { return running_actors(sys) <= before; });
  }
  state.SetItemsProcessed(state.iterations() * crowd);
}

// -- memory -------------------------------------------------------------------

constexpr int64_t many = 1'000'000;

// Returns what an entry takes, with the actors made before.
double measure_entries(const std::vector<std::string>& keys,
                       const std::vector<caf::actor>& actors, double& seconds) {
  auto held = keys.size() / actors.size();
  names registry{system()};
  auto before = steady_heap_size();
  auto begin = clock::now();
  for (size_t i = 0; i < keys.size(); ++i)
    registry.register_as(actors[i / held], keys[i], 1);
  seconds += seconds_since(begin);
  return static_cast<double>(steady_heap_size() - before)
         / static_cast<double>(registry.count());
}

// The time is that of registering.
void bytes_per_entry(benchmark::State& state) {
  auto keys = make_keys(many);
  for (auto _ : state) {
    auto seconds = 0.0;
    state.counters["bytes_at_10_keys_an_actor"]
      = measure_entries(keys, people().actors, seconds);
    auto actors = spawn_idle(many);
    state.counters["bytes_at_1_key_an_actor"] = measure_entries(keys, actors,
                                                                seconds);
    kill_all(actors);
    state.SetIterationTime(seconds);
  }
  state.SetItemsProcessed(state.iterations() * 2 * many);
}

// -- all entries of one actor -------------------------------------------------

// `remove(registry, actor, keys)` of so many that one actor has.
template <class Remove>
void remove_many(benchmark::State& state, Remove remove) {
  auto keys = make_keys(many);
  for (auto _ : state) {
    auto actors = spawn_idle(1);
    names registry{system()};
    for (auto& key : keys)
      registry.register_as(actors[0], key, 1);
    if (!expect(state, registry.count() == keys.size()))
      break;
    auto begin = clock::now();
    remove(registry, actors[0], keys);
    state.SetIterationTime(seconds_since(begin));
    kill_all(actors);
  }
  state.SetItemsProcessed(state.iterations() * many);
}

void unregister_each(benchmark::State& state) {
  remove_many(state, [](auto& registry, auto& who, auto& keys) {
    for (auto& key : keys)
      registry.unregister(who, key);
  });
}

void unregister_all(benchmark::State& state) {
  remove_many(state, [](auto& registry, auto& who, auto&) {
    registry.unregister_all(who);
  });
}

} // namespace

void add_lifecycle() {
  add_once("limit/mass_exit", mass_exit);
  add_once("registry/mass_death:100000", mass_death);
  add_once("registry/unregister_each:1000000", unregister_each);
  add_once("registry/unregister_all:1000000", unregister_all);
  add_once("registry/bytes_per_entry", bytes_per_entry);
}

} // namespace bench
