// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "cafreg/unique_registry.hpp"

/// What the benchmarks share. Everything is built when the first benchmark
/// needs it and lives until the last one is done, so that repetitions of a
/// benchmark and of its limit can be interleaved.
namespace bench {

using cafreg::detail::running_actors;

using names = cafreg::unique_registry<std::string, int>;

/// Wall-clock time, in seconds.
inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  using seconds = std::chrono::duration<double>;
  return seconds{std::chrono::steady_clock::now() - begin}.count();
}

/// Calls `fn` in `finish`, in reverse order.
void at_end(std::function<void()> fn);

/// Destroys what was built.
void finish();

/// A value that is built by the first call of `get`, in any thread, with the
/// arguments of `make`.
template <class T>
class lazy {
public:
  explicit lazy(std::function<void(std::optional<T>&)> make)
    : make_(std::move(make)) {
    // nop
  }

  T& get() {
    std::call_once(once_, [this] {
      make_(value_);
      at_end([this] { value_.reset(); });
    });
    return *value_;
  }

private:
  std::once_flag once_;
  std::function<void(std::optional<T>&)> make_;
  std::optional<T> value_;
};

/// Number of keys in all benchmarks that do not say otherwise.
constexpr size_t key_count = 100'000;

/// Most threads that a benchmark uses.
constexpr size_t max_threads = 2;

/// The actor system of all benchmarks.
caf::actor_system& system();

/// Spawns actors that do nothing, and waits until all have started.
std::vector<caf::actor> spawn_idle(size_t count);

/// Ends actors, and waits until all have ended.
void kill_all(std::vector<caf::actor>& actors);

/// How much memory the program uses. What actors and registries leave behind is
/// freed by other threads, some time later: waits until nothing changes any
/// more.
size_t steady_heap_size();

/// Waits until a condition holds, without taking a core from those who work
/// on it.
void wait_until(const std::function<bool()>& condition);

/// 100,000 keys "user:<n>", and for each an actor that holds it.
struct population {
  population();

  population(const population&) = delete;

  population& operator=(const population&) = delete;

  ~population();

  const std::string& key(size_t index) const {
    return keys[index];
  }

  const caf::actor& actor(size_t index) const {
    return actors[index];
  }

  std::vector<std::string> keys;
  std::vector<caf::actor> actors;
  /// Indexes in random order, another one for each thread.
  std::array<std::vector<uint32_t>, max_threads> order;
  /// The same for keys: a benchmark walks them in the order of memory, so that
  /// what it measures is the table alone.
  std::array<std::vector<std::string>, max_threads> shuffled;
  /// As many keys, of the same form, that nobody holds.
  std::array<std::vector<std::string>, max_threads> absent;
};

population& people();

/// The key for benchmarks that use only one.
constexpr std::string_view hot_key = "user:7";

/// A registry in which each key has an actor of its own.
class full_registry {
public:
  full_registry();

  names& get() noexcept {
    return names_;
  }

private:
  names names_;
};

/// Returns a registry that nobody but the benchmarks of one purpose use.
inline lazy<full_registry> make_registry() {
  return lazy<full_registry>{[](auto& x) { x.emplace(); }};
}

/// Ends a benchmark if a condition does not hold that it relies on.
inline bool expect(benchmark::State& state, bool condition) {
  if (!condition) [[unlikely]]
    state.SkipWithError("an operation did not give what it ought to");
  return condition;
}

/// Calls `body(x)` for each x of a list, again and again, one for each
/// iteration. `body` says whether it worked.
template <class T, class Body>
void for_each_in(benchmark::State& state, const std::vector<T>& xs, Body body) {
  size_t i = 0;
  for (auto _ : state) {
    if (!expect(state, body(xs[i])))
      break;
    if (++i == xs.size())
      i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

/// Selects the benchmarks that `add` and `add_once` register, by the names that
/// are reported. (Those that Google Benchmark's own filter sees say also how
/// the time is taken.)
/// @throws std::regex_error
void select(const std::string& regex);

using function = std::function<void(benchmark::State&)>;

/// Registers a benchmark of one thread. What counts is the time that it has a
/// core, as far as nothing in it sleeps: the same as wall-clock time, but for
/// what else the machine does.
void add(const std::string& name, function fn);

/// Registers a benchmark for some threads, `<name>/threads:<n>`. If they are
/// several, wall-clock time counts: it alone says what they do together.
void add(const std::string& name, function fn, int threads);

/// Registers a benchmark that takes its time itself, once for each repetition.
void add_once(const std::string& name, function fn);

// Each of these registers the benchmarks of one file.
void add_lookup();
void add_write();
void add_dispatch();
void add_lifecycle();
void add_workers();
void add_state();

} // namespace bench
