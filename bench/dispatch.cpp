// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include <atomic>
#include <stdexcept>
#include <thread>

#include <caf/actor_companion.hpp>
#include <caf/send.hpp>

#include "cafreg/duplicate_registry.hpp"

#include "fixture.hpp"

namespace bench {

namespace {

using benchmark::DoNotOptimize;

using topics = cafreg::duplicate_registry<std::string, int>;

constexpr std::string_view topic = "news";

// Actors under one key. They drop what they get, in the sender's thread: that
// is the cheapest there is, so what a registry adds shows most; nothing piles
// up in mailboxes, and no scheduler spoils the figures.
class audience {
public:
  explicit audience(size_t count) : names_(system()) {
    for (size_t i = 0; i < count; ++i) {
      actors_.push_back(
        caf::actor_cast<caf::actor>(system().spawn<caf::actor_companion>()));
      if (!names_.register_as(actors_.back(), topic, 1))
        throw std::runtime_error("cannot register");
    }
  }

  topics& get() noexcept {
    return names_;
  }

  const std::vector<caf::actor>& actors() const noexcept {
    return actors_;
  }

private:
  std::vector<caf::actor> actors_;
  topics names_;
};

lazy<audience> quiet_1000{[](auto& x) { x.emplace(1'000); }};

lazy<audience> quiet_100000{[](auto& x) { x.emplace(100'000); }};

lazy<audience> churned_1000{[](auto& x) { x.emplace(1'000); }};

lazy<audience> churned_100000{[](auto& x) { x.emplace(100'000); }};

// Walks the entries while another thread adds and removes some of them all the
// time. Reads the value of each, as a callback does at least.
void dispatch(benchmark::State& state, lazy<audience>& source) {
  auto& registry = source.get().get();
  auto& others = people().actors;
  std::atomic<bool> stop{false};
  std::atomic<size_t> changes{0};
  std::thread writer{[&] {
    // At most so many more than before.
    constexpr size_t more = 64;
    size_t added = 0;
    size_t removed = 0;
    auto next = [&](size_t& count) -> const caf::actor& {
      return others[count++ % others.size()];
    };
    while (!stop) {
      DoNotOptimize(registry.register_as(next(added), topic, 1));
      if (added - removed > more)
        DoNotOptimize(registry.unregister(next(removed), topic));
    }
    changes = added + removed;
    while (removed < added)
      DoNotOptimize(registry.unregister(next(removed), topic));
  }};
  size_t entries = 0;
  for (auto _ : state) {
    auto sum = 0;
    entries += registry.dispatch(topic, [&sum](auto range) {
      for (auto& x : range)
        sum += x.value();
    });
    DoNotOptimize(sum);
  }
  stop = true;
  writer.join();
  expect(state, entries >= source.get().actors().size());
  state.SetItemsProcessed(static_cast<int64_t>(entries));
  state.counters["changes_per_second"] = benchmark::Counter(
    static_cast<double>(changes), benchmark::Counter::kIsRate);
}

void send_loop(benchmark::State& state, lazy<audience>& source) {
  auto& actors = source.get().actors();
  for (auto _ : state) {
    auto msg = caf::make_message(1);
    for (auto& x : actors)
      caf::anon_send(x, msg);
  }
  state.SetItemsProcessed(state.iterations()
                          * static_cast<int64_t>(actors.size()));
}

void dispatch_send(benchmark::State& state, lazy<audience>& source) {
  auto& registry = source.get().get();
  size_t sent = 0;
  for (auto _ : state)
    sent += registry.publish(topic, 1);
  state.SetItemsProcessed(static_cast<int64_t>(sent));
}

} // namespace

void add_dispatch() {
  auto with = [](auto fn, lazy<audience>& source) {
    return [fn, &source](benchmark::State& state) { fn(state, source); };
  };
  add("registry/dispatch:1000", with(dispatch, churned_1000));
  add("registry/dispatch:100000", with(dispatch, churned_100000));
  add("limit/send_loop:1000", with(send_loop, quiet_1000));
  add("registry/dispatch_send:1000", with(dispatch_send, quiet_1000));
  add("limit/send_loop:100000", with(send_loop, quiet_100000));
  add("registry/dispatch_send:100000", with(dispatch_send, quiet_100000));
}

} // namespace bench
