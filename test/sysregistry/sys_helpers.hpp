// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cafreg/sysregistry.hpp"
#include "registry/caf_helpers.hpp"

/// What the tests of libsysregistry share.
namespace sys_test {

using namespace caf_test;

using cafreg::errc;
using cafreg::is;
using cafreg::path;
using cafreg::refused_paths;
using cafreg::snapshot;
using cafreg::system_registry;
using cafreg::system_state;
using cafreg::to_text;

struct sys_config : config {
  explicit sys_config(size_t workers) : config(workers) {
    cafreg::prepare_system(*this);
  }
};

/// A check in another thread than that of the test, for which Catch2 is not
/// made: ends the program.
template <class T>
void must(const T& x) {
  if (!x)
    throw std::logic_error{"a check in a thread failed"};
}

/// Spawns an actor that does nothing with states, and keeps something as long
/// as it exists.
inline caf::actor spawn_keeping(caf::actor_system& sys,
                                std::shared_ptr<void> what) {
  return sys.spawn([what](caf::event_based_actor*) -> caf::behavior {
    return {[what](int x) { return x; }, [](const system_state&) {}};
  });
}

/// An actor system for a system registry.
struct sys_world {
  explicit sys_world(size_t workers = 0) : cfg(workers), sys(cfg) {
    // nop
  }

  /// An actor that does nothing but live.
  caf::actor someone() {
    return spawn_keeping(sys, nullptr);
  }

  sys_config cfg;
  caf::actor_system sys;
};

/// What a subscriber has got.
class inbox {
public:
  void add(const system_state& x) {
    std::lock_guard guard{mutex_};
    states_.push_back(x);
    changed_.notify_all();
  }

  /// Notes that an actor has handled all that was sent before `drain`.
  void tick() {
    std::lock_guard guard{mutex_};
    ++ticks_;
    changed_.notify_all();
  }

  bool await_ticks(size_t count) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [&] { return ticks_ >= count; });
  }

  size_t ticks() {
    std::lock_guard guard{mutex_};
    return ticks_;
  }

  /// Waits until `pred(const system_state&)` holds for the last state.
  template <class Pred>
  bool await(Pred pred) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [&] {
      return !states_.empty() && pred(states_.back());
    });
  }

  bool await_count(size_t count) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience,
                             [&] { return states_.size() >= count; });
  }

  std::vector<system_state> states() {
    std::lock_guard guard{mutex_};
    return states_;
  }

  size_t size() {
    std::lock_guard guard{mutex_};
    return states_.size();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<system_state> states_;
  size_t ticks_ = 0;
};

/// Spawns an actor that notes the states it gets.
template <caf::spawn_options Os = caf::no_spawn_options>
caf::actor spawn_reader(caf::actor_system& sys, std::shared_ptr<inbox> in) {
  return sys.spawn<Os>([in](caf::event_based_actor*) -> caf::behavior {
    return {[in](const system_state& x) { in->add(x); },
            [in](int) { in->tick(); }};
  });
}

/// Waits until a reader has handled what it was sent before.
inline bool drain(const caf::actor& reader, const std::shared_ptr<inbox>& in) {
  auto before = in->ticks();
  tell(reader, 1);
  return in->await_ticks(before + 1);
}

/// A subscriber without pacing, to see when all that is due was delivered.
class witness {
public:
  explicit witness(const cafreg::system_registry_ref& registry)
    : registry_(registry), actor_(spawn_reader(registry.system(), in_)) {
    if (!registry_.subscribe(actor_))
      throw std::runtime_error{"no subscription"};
  }

  witness(const witness&) = delete;

  witness& operator=(const witness&) = delete;

  ~witness() {
    kill(actor_);
  }

  /// Waits until all that was due by now is in the mailboxes.
  bool await(uint64_t version) {
    return in_->await(
      [version](const auto& x) { return x.snapshot.version() >= version; });
  }

  /// The same for the present state.
  bool await() {
    return await(registry_.version());
  }

private:
  cafreg::system_registry_ref registry_;
  std::shared_ptr<inbox> in_ = std::make_shared<inbox>();
  caf::actor actor_;
};

} // namespace sys_test
