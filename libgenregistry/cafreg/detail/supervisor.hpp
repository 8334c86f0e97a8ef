// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/seam/waiting.hpp"

namespace cafreg::detail {

/// When a registry wants to be called again, and which workers are to be asked
/// whether they may leave.
struct agenda_items {
  std::optional<seam::time_point> next;
  std::vector<caf::actor> questions;
};

/// What a registry of workers does now and then, called by its supervisor.
class supervised {
public:
  using time_point = seam::time_point;

  virtual ~supervised();

  /// Tells idle workers to leave, starts successors.
  virtual agenda_items supervise(time_point now) = 0;

  /// What a worker said.
  virtual void answered(const caf::actor& who, bool may_leave) = 0;

  /// A worker is about to be killed.
  virtual void killing() = 0;
};

/// The supervisor of a registry, seen from any thread: an actor with one timer
/// that kills workers which do not exit in time, and calls the registry. It is
/// hidden: an actor system does not wait for it.
class supervisor {
public:
  using time_point = supervised::time_point;

  /// @param where The thread that it runs in: its time limits hold whatever the
  ///              actors of an application do.
  /// @param patience How long a worker that was told to leave, and has handled
  ///                 all messages it got before, may take to exit.
  supervisor(caf::actor_system& sys, const seam::actor_thread& where,
             std::shared_ptr<supervised> what,
             std::chrono::nanoseconds patience);

  supervisor(const supervisor&) = delete;

  supervisor& operator=(const supervisor&) = delete;

  ~supervisor();

  /// Calls the registry at this time at the latest.
  void wake_at(time_point when);

  /// A killing that is planned.
  using plan = std::pair<time_point, uint64_t>;

  /// Kills an actor unless it is gone by then, or spared.
  plan kill_at(time_point when, const weak_actor& who);

  /// Forgets a planned killing: the actor is gone.
  void spare(const plan& what) noexcept;

  /// Kills an actor that has just been told to leave if it stays: but only
  /// some time after it has handled all messages that it got before.
  void watch_leaving(const caf::strong_actor_ptr& who);

  /// Returns a function that ends the supervisor. It may be called at any time,
  /// also when this object is gone, and more than once. It never waits.
  std::function<void()> stopper() const;

  /// The part that the actor shares.
  class agenda;

private:
  std::shared_ptr<agenda> agenda_;
  caf::strong_actor_ptr actor_;
};

} // namespace cafreg::detail
