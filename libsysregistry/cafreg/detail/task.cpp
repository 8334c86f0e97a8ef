// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/task.hpp"

#include <optional>
#include <utility>

#include "cafreg/detail/sys_core.hpp"
#include "cafreg/sys_types.hpp"
#include "cafreg/system_state.hpp"

namespace cafreg::detail {

caf::expected<subscription> start_task(const std::shared_ptr<sys_core>& core,
                                       path scope, task_function fn) {
  auto body = [core = std::weak_ptr<sys_core>{core}, fn = std::move(fn),
               last = std::optional<snapshot>{}](
                caf::event_based_actor* self) mutable -> caf::behavior {
    return {
      [self, core, fn, last](const system_state& now) mutable {
        auto before = std::exchange(last, now.snapshot);
        auto failed = false;
        if (before) // else the state at the beginning
          try {
            fn(*before, now.snapshot);
          } catch (...) {
            failed = true;
          }
        auto registry = core.lock();
        if (!registry)
          return;
        if (failed)
          registry->count_task_failure();
        // What has changed meanwhile is in one call.
        registry->acknowledge(self->ctrl(), now.scope);
      },
    };
  };
  auto who = caf::actor_cast<caf::strong_actor_ptr>(
    core->system().spawn<caf::hidden>(std::move(body)));
  return core->subscribe(who.get(),
                         {.scope = std::move(scope), .acknowledged = true});
}

} // namespace cafreg::detail
