// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <algorithm>
#include <stdexcept>

#include "fixture.hpp"
#include "limits.hpp"

namespace bench {

namespace {

using benchmark::DoNotOptimize;

// -- register and unregister --------------------------------------------------

lazy<flat_node_list> flat_list{[](auto& x) {
  auto& all = people();
  x.emplace();
  for (size_t i = 0; i < key_count; ++i)
    x->insert(caf::actor_cast<caf::strong_actor_ptr>(all.actor(i)), all.key(i),
              1);
}};

auto written = make_registry();

// All keys for one thread; for several, to each its share.
std::vector<uint32_t> share_of(const benchmark::State& state) {
  std::vector<uint32_t> result;
  auto threads = static_cast<uint32_t>(state.threads());
  auto mine = static_cast<uint32_t>(state.thread_index());
  for (auto i : people().order[0])
    if (i % threads == mine)
      result.push_back(i);
  return result;
}

void flat_node_list_pair(benchmark::State& state) {
  auto& list = flat_list.get();
  auto& all = people();
  std::vector<caf::strong_actor_ptr> actors;
  for (auto& x : all.actors)
    actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(x));
  for_each_in(state, share_of(state), [&](uint32_t i) {
    return list.erase(actors[i], all.key(i))
           && list.insert(actors[i], all.key(i), 1);
  });
}

bool renew(const names& registry, const caf::actor& who, std::string_view key) {
  auto removed = registry.unregister(who, key);
  if (!removed || *removed != 1)
    return false;
  auto registered = registry.register_as(who, key, 1);
  return registered && registered->inserted;
}

void register_unregister(benchmark::State& state) {
  auto& registry = written.get().get();
  auto& all = people();
  for_each_in(state, share_of(state), [&](uint32_t i) {
    return renew(registry, all.actor(i), all.key(i));
  });
}

// -- many keys for each actor -------------------------------------------------

// All keys, with so many for each actor: the table has the same size, whatever
// an actor holds.
class shared_keys {
public:
  explicit shared_keys(size_t held) : held_(held), names_(system()) {
    auto& all = people();
    for (size_t i = 0; i < key_count; ++i)
      if (!names_.register_as(holder(i), all.key(i), 1))
        throw std::runtime_error("cannot register");
  }

  const caf::actor& holder(size_t index) const {
    return people().actor(index / held_);
  }

  names& get() noexcept {
    return names_;
  }

private:
  size_t held_;
  names names_;
};

lazy<shared_keys> held_10{[](auto& x) { x.emplace(10); }};

lazy<shared_keys> held_100000{[](auto& x) { x.emplace(key_count); }};

void unregister_held(benchmark::State& state, lazy<shared_keys>& source) {
  auto& registry = source.get();
  auto& all = people();
  for_each_in(state, all.order[0], [&](uint32_t i) {
    return renew(registry.get(), registry.holder(i), all.key(i));
  });
}

// -- values -------------------------------------------------------------------

auto updated = make_registry();

void update_value(benchmark::State& state) {
  auto& registry = updated.get().get();
  auto& all = people();
  for_each_in(state, all.order[0], [&](uint32_t i) {
    auto result = registry.update_value(all.actor(i), all.key(i),
                                        [](int value) { return value + 1; });
    DoNotOptimize(result);
    return result.engaged();
  });
}

} // namespace

void add_write() {
  add("limit/flat_node_list_pair", flat_node_list_pair);
  for (auto threads : {1, 2})
    add("registry/register_unregister", register_unregister, threads);
  add("registry/unregister_held:10",
      [](auto& state) { unregister_held(state, held_10); });
  add("registry/unregister_held:100000",
      [](auto& state) { unregister_held(state, held_100000); });
  add("registry/update_value", update_value);
}

} // namespace bench
