// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/monitor.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace cafreg::detail {

monitor::monitor(deaths_ptr to, caf::actor_control_block* observed) noexcept
  : to_(std::move(to)), observed_(observed) {
  // nop
}

monitor::~monitor() {
  if (watching_)
    ended(caf::make_error(caf::exit_reason::unknown), nullptr);
}

void monitor::ended(const caf::error& reason, execution_context* ctx) {
  watching_ = false;
  // The threads of one system must not run the actors of another.
  if (to_->system() != &system_of(observed_))
    ctx = nullptr;
  to_->add(observed_, reason, ctx);
}

bool monitor::given_up_by(const void* keeper) noexcept {
  if (keeper != to_->keeper())
    return false;
  watching_ = false;
  return true;
}

pending_monitor::pending_monitor(const deaths_ptr& to,
                                 caf::actor_control_block* observed)
  : to_(*to),
    observed_(observed),
    monitor_(std::make_unique<monitor>(to, observed)) {
  // nop
}

void pending_monitor::attach() {
  monitor_->start();
  observed_->get()->attach(std::move(monitor_));
}

void pending_monitor::stop() noexcept {
  detach_monitors(observed_, to_.keeper());
}

size_t detach_monitors(caf::actor_control_block* observed,
                       const caf::actor_control_block* keeper) {
  // A dead actor has no monitors any more, and may be waiting for us in its
  // own clean-up.
  if (actors::dead(observed))
    return 0;
  return detach_watches(observed, keeper);
}

} // namespace cafreg::detail
