// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/bouncer.hpp"

#include <utility>

namespace cafreg::detail {

caf::behavior bounce(caf::event_based_actor* self, caf::error reason) {
  on_any_message(self, std::move(reason));
  return {[](unit) {}}; // without a handler an actor ends
}

caf::strong_actor_ptr spawn_bouncer(caf::actor_system& sys, caf::error reason) {
  auto body = [reason = std::move(reason)](
                caf::event_based_actor* self) -> caf::behavior {
    return bounce(self, reason);
  };
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<caf::hidden>(std::move(body)));
}

} // namespace cafreg::detail
