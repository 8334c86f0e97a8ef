// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <caf/scoped_actor.hpp>

#include "cafreg/gen_registry.hpp"

#include "fixture.hpp"

namespace bench {

namespace {

using benchmark::DoNotOptimize;

using clock = std::chrono::steady_clock;

using workers = cafreg::gen_registry<std::string>;

caf::behavior worker(caf::event_based_actor*) {
  return {
    [](int x) { return x; },
    [](cafreg::unit) {},
  };
}

/// A registry in which each key has a worker.
class full_workers {
public:
  explicit full_workers(std::chrono::nanoseconds idle_after)
    : workers_(system(), {.idle_after = idle_after}, worker) {
    for (auto& key : people().keys)
      static_cast<void>(workers_.lookup_or_start(key));
  }

  workers& get() noexcept {
    return workers_;
  }

private:
  workers workers_;
};

lazy<full_workers> plain{
  [](auto& x) { x.emplace(std::chrono::nanoseconds{0}); }};

lazy<full_workers> passivating{
  [](auto& x) { x.emplace(std::chrono::hours{1}); }};

// Times `fn(thread)` in as many threads, all of which work on `count` things.
template <class Fn>
void time_threads(benchmark::State& state, size_t threads, Fn fn) {
  std::vector<std::thread> others;
  auto begin = clock::now();
  for (size_t t = 1; t < threads; ++t)
    others.emplace_back(fn, t);
  fn(size_t{0});
  for (auto& x : others)
    x.join();
  state.SetIterationTime(
    std::chrono::duration<double>(clock::now() - begin).count());
}

// -- starts -------------------------------------------------------------------

constexpr size_t workforce = 100'000;

auto bare_spawn(size_t threads) {
  return [threads](benchmark::State& state) {
    auto& sys = system();
    for (auto _ : state) {
      std::vector<std::vector<caf::actor>> made(threads);
      for (auto& xs : made)
        xs.reserve(workforce / threads);
      time_threads(state, threads, [&](size_t t) {
        for (size_t i = 0; i < workforce / threads; ++i)
          made[t].push_back(sys.spawn(worker));
      });
      for (auto& xs : made)
        kill_all(xs);
    }
    state.SetItemsProcessed(state.iterations()
                            * static_cast<int64_t>(workforce));
  };
}

auto cold(size_t threads) {
  return [threads](benchmark::State& state) {
    auto& sys = system();
    auto& keys = people().keys;
    for (auto _ : state) {
      auto before = running_actors(sys);
      workers registry{sys, {}, worker};
      time_threads(state, threads, [&](size_t t) {
        for (auto i = t; i < workforce; i += threads)
          static_cast<void>(registry.lookup_or_start(keys[i]));
      });
      expect(state, registry.count() == workforce);
      registry.close();
      wait_until([&] { return running_actors(sys) <= before; });
    }
    state.SetItemsProcessed(state.iterations()
                            * static_cast<int64_t>(workforce));
  };
}

// -- the hot path -------------------------------------------------------------

void hot(benchmark::State& state) {
  auto& registry = plain.get().get();
  for_each_in(state, people().shuffled[state.thread_index()],
              [&](const std::string& key) {
                auto who = registry.lookup_or_start(key);
                DoNotOptimize(who);
                return static_cast<bool>(who);
              });
}

void send_to(benchmark::State& state, workers& registry) {
  for_each_in(state, people().shuffled[0], [&](const std::string& key) {
    return static_cast<bool>(registry.send(key, cafreg::unit{}));
  });
}

void send(benchmark::State& state) {
  send_to(state, plain.get().get());
}

void passivation_overhead(benchmark::State& state) {
  send_to(state, passivating.get().get());
}

// -- ends ---------------------------------------------------------------------

constexpr size_t some = 20'000;

void stop(benchmark::State& state) {
  auto& keys = people().keys;
  for (auto _ : state) {
    workers registry{system(), {}, worker};
    for (size_t i = 0; i < some; ++i)
      static_cast<void>(registry.lookup_or_start(keys[i]));
    time_threads(state, 1, [&](size_t) {
      for (size_t i = 0; i < some; ++i)
        if (!expect(state, static_cast<bool>(registry.stop(keys[i]))))
          return;
    });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(some));
}

void churn(benchmark::State& state) {
  auto& keys = people().keys;
  for (auto _ : state) {
    workers registry{system(), {}, worker};
    caf::scoped_actor self{system()};
    time_threads(state, 1, [&](size_t) {
      for (size_t i = 0; i < some; ++i) {
        auto answer = -1;
        registry.request(self, keys[i], std::chrono::hours{1}, 7)
          .receive([&](int x) { answer = x; }, [](const caf::error&) {});
        if (!expect(state,
                    answer == 7 && static_cast<bool>(registry.stop(keys[i]))))
          return;
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(some));
}

} // namespace

void add_workers() {
  for (auto threads : {1, 2})
    add("genregistry/hot", hot, threads);
  for (size_t threads : {1, 2}) {
    auto suffix = "/threads:" + std::to_string(threads);
    add_once("limit/bare_spawn" + suffix, bare_spawn(threads));
    add_once("genregistry/cold" + suffix, cold(threads));
  }
  add_once("genregistry/stop", stop);
  add_once("genregistry/churn", churn);
  add("genregistry/send", send);
  add("genregistry/passivation_overhead", passivation_overhead);
}

} // namespace bench
