// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
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

/// An actor system for a system registry.
struct sys_world {
  explicit sys_world(size_t workers = 0) : cfg(workers), sys(cfg) {
    // nop
  }

  /// An actor that does nothing but live.
  caf::actor someone() {
    return sys.spawn(idle);
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
};

/// Spawns an actor that notes the states it gets.
inline caf::actor spawn_reader(caf::actor_system& sys,
                               std::shared_ptr<inbox> in) {
  return sys.spawn([in](caf::event_based_actor*) -> caf::behavior {
    return {[in](const system_state& x) { in->add(x); },
            [](caf::get_atom) { return 1; }};
  });
}

} // namespace sys_test
