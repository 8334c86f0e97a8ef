// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <atomic>
#include <thread>

#include <caf/actor_registry.hpp>

#if __has_include(<caf/atom.hpp>)
#  include <caf/atom.hpp>
#endif

#include "fixture.hpp"
#include "limits.hpp"

namespace bench {

namespace {

using benchmark::DoNotOptimize;

// -- the limit ----------------------------------------------------------------

lazy<flat_map> limit{[](auto& x) {
  auto& all = people();
  x.emplace();
  for (size_t i = 0; i < key_count; ++i)
    x->emplace(all.key(i),
               flat_entry{caf::actor_cast<caf::strong_actor_ptr>(all.actor(i)),
                          1});
}};

bool find_copy(const flat_map& map, std::string_view key) {
  auto i = map.find(key);
  if (i == map.end())
    return false;
  auto copy = i->second;
  DoNotOptimize(copy);
  return true;
}

// Like `find_copy`, and never a dead actor.
bool find_alive(const flat_map& map, std::string_view key) {
  auto i = map.find(key);
  if (i == map.end() || cafreg::detail::actors::dead(i->second.handle.get()))
    return false;
  auto copy = i->second;
  DoNotOptimize(copy);
  return true;
}

bool find(const flat_map& map, std::string_view key) {
  auto i = map.find(key);
  if (i == map.end())
    return false;
  DoNotOptimize(i->second.handle.get());
  DoNotOptimize(i->second.value);
  return true;
}

void flat_find_copy(benchmark::State& state) {
  auto& map = limit.get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](std::string_view key) { return find_copy(map, key); });
}

void flat_find_alive(benchmark::State& state) {
  auto& map = limit.get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](std::string_view key) { return find_alive(map, key); });
}

void flat_find(benchmark::State& state) {
  auto& map = limit.get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](std::string_view key) { return find(map, key); });
}

void flat_find_miss(benchmark::State& state) {
  auto& map = limit.get();
  for_each_in(state, people().absent[state.thread_index()],
              [&](std::string_view key) { return !find(map, key); });
}

// -- the registry -------------------------------------------------------------

// Nobody writes to this one.
auto quiet = make_registry();

auto churned = make_registry();

bool lookup(const names& registry, std::string_view key) {
  auto found = registry.lookup(key);
  DoNotOptimize(found);
  return found.has_value();
}

bool visit(const names& registry, std::string_view key) {
  return registry.visit(key, [](const auto& x) {
    DoNotOptimize(x);
    DoNotOptimize(x.value());
  });
}

void registry_lookup(benchmark::State& state) {
  auto& registry = quiet.get().get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](std::string_view key) { return lookup(registry, key); });
}

void registry_visit(benchmark::State& state) {
  auto& registry = quiet.get().get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](std::string_view key) { return visit(registry, key); });
}

void registry_lookup_miss(benchmark::State& state) {
  auto& registry = quiet.get().get();
  for_each_in(state, people().absent[state.thread_index()],
              [&](std::string_view key) { return !lookup(registry, key); });
}

// -- one key ------------------------------------------------------------------

template <class Body>
void with_hot_key(benchmark::State& state, Body body) {
  for (auto _ : state) {
    auto key = hot_key;
    // Or the compiler hashes it once.
    DoNotOptimize(key);
    if (!expect(state, body(key)))
      break;
  }
  state.SetItemsProcessed(state.iterations());
}

void flat_hot_copy(benchmark::State& state) {
  auto& map = limit.get();
  with_hot_key(state, [&](auto key) { return find_copy(map, key); });
}

void flat_hot_find(benchmark::State& state) {
  auto& map = limit.get();
  with_hot_key(state, [&](auto key) { return find(map, key); });
}

void registry_lookup_hot(benchmark::State& state) {
  auto& registry = quiet.get().get();
  with_hot_key(state, [&](auto key) { return lookup(registry, key); });
}

void registry_visit_hot(benchmark::State& state) {
  auto& registry = quiet.get().get();
  with_hot_key(state, [&](auto key) { return visit(registry, key); });
}

// -- beside a writer ----------------------------------------------------------

void registry_lookup_under_churn(benchmark::State& state) {
  auto& registry = churned.get().get();
  auto& all = people();
  std::atomic<bool> stop{false};
  std::atomic<size_t> changes{0};
  std::thread writer{[&] {
    std::vector<std::string> keys;
    for (size_t i = 0; i < 10'000; ++i)
      keys.push_back("other:" + std::to_string(i));
    size_t done = 0;
    for (size_t i = 0; !stop; i = (i + 1) % keys.size(), done += 2) {
      DoNotOptimize(registry.register_as(all.actor(i), keys[i], 1));
      DoNotOptimize(registry.unregister(all.actor(i), keys[i]));
    }
    changes = done;
  }};
  for_each_in(state, all.shuffled[0],
              [&](std::string_view key) { return lookup(registry, key); });
  stop = true;
  writer.join();
  state.counters["changes_per_second"] = benchmark::Counter(
    static_cast<double>(changes), benchmark::Counter::kIsRate);
}

// -- CAF's own registry -------------------------------------------------------

using native_name = caf::actor_registry::name_map::key_type;

// Names are atoms in CAF 0.17, of ten letters and digits at most.
native_name to_native(const std::string& name) {
#if __has_include(<caf/atom.hpp>)
  return caf::atom_from_string(name);
#else
  return name;
#endif
}

class native_registry {
public:
  native_registry() {
    auto& all = people();
    for (size_t i = 0; i < key_count; ++i)
      system().registry().put(to_native("user" + std::to_string(i)),
                              all.actor(i));
    for (auto i : all.order[0])
      shuffled.push_back("user" + std::to_string(i));
  }

  native_registry(const native_registry&) = delete;

  native_registry& operator=(const native_registry&) = delete;

  ~native_registry() {
    for (auto& name : shuffled)
      system().registry().erase(to_native(name));
  }

  std::vector<std::string> shuffled;
};

lazy<native_registry> native{[](auto& x) { x.emplace(); }};

void caf_actor_registry_get(benchmark::State& state) {
  auto& registry = system().registry();
  for_each_in(state, native.get().shuffled, [&](const std::string& name) {
    auto found = registry.get<caf::strong_actor_ptr>(to_native(name));
    DoNotOptimize(found);
    return found != nullptr;
  });
}

} // namespace

void add_lookup() {
  for (auto threads : {1, 2}) {
    add("limit/flat_find_copy", flat_find_copy, threads);
    add("limit/flat_find_alive", flat_find_alive, threads);
    add("registry/lookup", registry_lookup, threads);
    add("limit/flat_find", flat_find, threads);
    add("registry/visit", registry_visit, threads);
    add("limit/flat_hot_copy", flat_hot_copy, threads);
    add("registry/lookup_hot", registry_lookup_hot, threads);
    add("limit/flat_hot_find", flat_hot_find, threads);
    add("registry/visit_hot", registry_visit_hot, threads);
    add("limit/flat_find_miss", flat_find_miss, threads);
    add("registry/lookup_miss", registry_lookup_miss, threads);
    add("caf/actor_registry_get", caf_actor_registry_get, threads);
  }
  add("registry/lookup_under_churn", registry_lookup_under_churn);
}

} // namespace bench
