// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/detail/deaths.hpp"
#include "cafreg/detail/pooled.hpp"

namespace cafreg::detail {

/// Watches the life of one actor for a keeper: when the actor ends, that is
/// noted among the keeper's deaths. Like CAF's own monitor, but it may be set
/// up by any thread, and is smaller: there is one for each registrant.
class monitor : public life_watch, public pooled<monitor> {
public:
  monitor(deaths_ptr to, caf::actor_control_block* observed) noexcept;

  monitor(const monitor&) = delete;

  monitor& operator=(const monitor&) = delete;

  /// Some actors of CAF 0.17 (compositions) are destroyed without telling
  /// anyone: their monitors are the only ones to notice.
  ~monitor() override;

  /// From here on the end of the actor will be noted.
  void start() noexcept {
    watching_ = true;
  }

  void ended(const caf::error& reason, execution_context* ctx) override;

  bool given_up_by(const void* keeper) noexcept override;

private:
  deaths_ptr to_;
  // The observed actor owns this object, hence outlives it.
  caf::actor_control_block* observed_;
  bool watching_ = false;
};

/// The watch over one actor's life, prepared where memory may run out, and
/// started where nothing may fail.
class pending_monitor {
public:
  /// @param to Outlives this object.
  pending_monitor(const deaths_ptr& to, caf::actor_control_block* observed);

  void start() noexcept {
    attach();
  }

  /// The same where something may fail.
  /// @throws std::bad_alloc if the actor has died meanwhile, and there is no
  ///         memory to say so. Then there is no watch.
  void attach();

  /// Ends the watch again.
  void stop() noexcept;

private:
  const deaths& to_;
  caf::actor_control_block* observed_;
  std::unique_ptr<monitor> monitor_;
};

/// Removes the monitors of `keeper` from an actor.
/// @returns how many there were.
size_t detach_monitors(caf::actor_control_block* observed,
                       const caf::actor_control_block* keeper);

} // namespace cafreg::detail
