// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "fixture.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <regex>
#include <stdexcept>
#include <thread>

#include <caf/all.hpp>

#include "cafreg/sys_types.hpp"

namespace bench {

namespace {

std::mutex end_mutex;

std::vector<std::function<void()>> end_actions;

struct environment {
  environment() : sys(prepare(cfg)) {
    // nop
  }

  static caf::actor_system_config& prepare(caf::actor_system_config& cfg) {
    cafreg::prepare_system(cfg);
    return cfg;
  }

  caf::actor_system_config cfg;
  caf::actor_system sys;
};

lazy<environment> shared_environment{[](auto& x) { x.emplace(); }};

lazy<population> shared_population{[](auto& x) { x.emplace(); }};

std::regex& selected() {
  static std::regex result{"."};
  return result;
}

bool is_selected(const std::string& name) {
  return std::regex_search(name, selected());
}

} // namespace

void at_end(std::function<void()> fn) {
  std::lock_guard guard{end_mutex};
  end_actions.push_back(std::move(fn));
}

void finish() {
  while (!end_actions.empty()) {
    end_actions.back()();
    end_actions.pop_back();
  }
}

caf::actor_system& system() {
  return shared_environment.get().sys;
}

void wait_until(const std::function<bool()>& condition) {
  using namespace std::chrono_literals;
  while (!condition())
    std::this_thread::sleep_for(20us);
}

size_t steady_heap_size() {
  using namespace std::chrono_literals;
  auto size = [] {
    auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  auto result = size();
  for (auto quiet = 0; quiet < 5;) {
    std::this_thread::sleep_for(10ms);
    auto now = size();
    quiet = now == result ? quiet + 1 : 0;
    result = now;
  }
  return result;
}

std::vector<caf::actor> spawn_idle(size_t count) {
  auto& sys = system();
  std::atomic<size_t> started{0};
  std::vector<caf::actor> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i)
    result.push_back(
      sys.spawn([&started](caf::event_based_actor*) -> caf::behavior {
        started.fetch_add(1, std::memory_order_relaxed);
        return {[](int) {}};
      }));
  wait_until([&] { return started == count; });
  return result;
}

void kill_all(std::vector<caf::actor>& actors) {
  auto& sys = system();
  auto before = running_actors(sys);
  for (auto& x : actors)
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  wait_until([&] { return running_actors(sys) + actors.size() <= before; });
  actors.clear();
}

population::population() : actors(spawn_idle(key_count)) {
  std::mt19937 rng{1};
  for (size_t i = 0; i < key_count; ++i)
    keys.push_back("user:" + std::to_string(i));
  for (size_t thread = 0; thread < max_threads; ++thread) {
    order[thread].resize(key_count);
    std::iota(order[thread].begin(), order[thread].end(), 0);
    std::shuffle(order[thread].begin(), order[thread].end(), rng);
    for (auto i : order[thread]) {
      shuffled[thread].push_back(keys[i]);
      absent[thread].push_back("user:" + std::to_string(key_count + i));
    }
  }
}

population::~population() {
  kill_all(actors);
}

population& people() {
  // Built before, hence destroyed after.
  system();
  return shared_population.get();
}

full_registry::full_registry() : names_(system()) {
  auto& all = people();
  for (size_t i = 0; i < key_count; ++i)
    if (!names_.register_as(all.actor(i), all.key(i), 1))
      throw std::runtime_error("cannot register");
}

void select(const std::string& regex) {
  selected() = regex;
}

void add(const std::string& name, function fn) {
  if (is_selected(name))
    benchmark::RegisterBenchmark(name.c_str(), fn);
}

void add(const std::string& name, function fn, int threads) {
  if (!is_selected(name + "/threads:" + std::to_string(threads)))
    return;
  auto* added = benchmark::RegisterBenchmark(name.c_str(), fn);
  added->Threads(threads);
  if (threads > 1)
    added->UseRealTime();
}

void add_once(const std::string& name, function fn) {
  if (is_selected(name))
    benchmark::RegisterBenchmark(name.c_str(), fn)
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

} // namespace bench
