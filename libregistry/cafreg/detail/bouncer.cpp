// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/bouncer.hpp"

#include <utility>

namespace cafreg::detail {

namespace {

class bouncer final : public receiving_actor {
public:
  bouncer(caf::actor_config& cfg, caf::error reason)
    : receiving_actor(cfg), reason_(std::move(reason)) {
    // nop
  }

protected:
  bool receive(caf::mailbox_element_ptr& what,
               cafreg::detail::execution_context*) override {
    detail::bounce(*what, reason_);
    return false;
  }

private:
  const caf::error reason_;
};

} // namespace

caf::strong_actor_ptr spawn_bouncer(caf::actor_system& sys, caf::error reason) {
  auto result = caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<bouncer, caf::hidden + caf::lazy_init>(std::move(reason)));
  // It never ran, and a system must not end before all its actors have.
  static_cast<bouncer*>(result->get())->end_unused();
  return result;
}

} // namespace cafreg::detail
