// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/monitor.hpp"

#include <utility>

namespace cafreg::detail {

namespace {

// Selects the monitors of one keeper.
struct monitor_token {
  static constexpr size_t token_type = 0xcaf;

  const caf::actor_control_block* keeper;
};

} // namespace

monitor::monitor(caf::actor_addr keeper,
                 caf::actor_control_block* observed) noexcept
  : keeper_(std::move(keeper)), observed_(observed) {
  // nop
}

void monitor::actor_exited(const caf::error& reason, execution_context* ctx) {
  if (auto keeper = caf::actor_cast<caf::strong_actor_ptr>(keeper_))
    keeper->enqueue(
      envelope(caf::make_message(caf::down_msg{observed_->address(), reason})),
      ctx);
}

bool monitor::matches(const caf::attachable::token& what) {
  return what.subtype == monitor_token::token_type
         && static_cast<const monitor_token*>(what.ptr)->keeper
              == caf::actor_cast<caf::actor_control_block*>(keeper_);
}

pending_monitor::pending_monitor(const caf::strong_actor_ptr& keeper,
                                 caf::actor_control_block* observed)
  : observed_(observed),
    monitor_(std::make_unique<monitor>(caf::actor_cast<caf::actor_addr>(keeper),
                                       observed)) {
  // nop
}

void pending_monitor::start() noexcept {
  observed_->get()->attach(std::move(monitor_));
}

void detach_monitors(caf::actor_control_block* observed,
                     const caf::actor_control_block* keeper) {
  // A dead actor has no monitors any more, and may be waiting for us in its
  // own clean-up.
  if (actors::dead(observed))
    return;
  monitor_token what{keeper};
  observed->get()->detach(caf::attachable::token{what});
}

} // namespace cafreg::detail
