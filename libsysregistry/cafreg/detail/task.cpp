// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/task.hpp"

#include <optional>
#include <utility>

#include "cafreg/detail/sys_core.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/sys_types.hpp"
#include "cafreg/system_state.hpp"

namespace cafreg::detail {

namespace {

// What a task is about, and what it calls: which may block, and therefore runs
// aside. The next state comes when it has returned: what has changed meanwhile
// is in one call.
struct task {
  void run(const snapshot& before, const system_state& now,
           caf::actor_control_block* who) const {
    auto failed = false;
    try {
      fn(before, now.snapshot);
    } catch (...) {
      failed = true;
    }
    end(failed, now.scope, who);
  }

  void end(bool failed, const path& scope,
           caf::actor_control_block* who) const {
    auto registry = core.lock();
    if (!registry)
      return;
    if (failed)
      registry->count_task_failure();
    registry->acknowledge(who, scope);
  }

  std::weak_ptr<sys_core> core;
  task_function fn;
};

caf::behavior task_actor(caf::event_based_actor* self,
                         const std::shared_ptr<task>& what,
                         const seam::driver* by) {
  return {
    [self, what, by,
     last = std::optional<snapshot>{}](const system_state& now) mutable {
      auto before = std::exchange(last, now.snapshot);
      if (!before) { // the state at the beginning
        what->end(false, now.scope, self->ctrl());
        return;
      }
      try {
        seam::run_aside(self->system(), by,
                        [what, before = std::move(*before), now,
                         who = add_reference(self->ctrl())] {
                          what->run(before, now, who.get());
                        });
      } catch (...) { // neither memory nor threads are left
        what->end(true, now.scope, self->ctrl());
      }
    },
  };
}

} // namespace

caf::expected<subscription> start_task(const std::shared_ptr<sys_core>& core,
                                       path scope, task_function fn) {
  auto what = std::make_shared<task>(task{core, std::move(fn)});
  auto who = caf::actor_cast<caf::strong_actor_ptr>(
    core->system().spawn<caf::hidden>(task_actor, what, core->driver()));
  return core->subscribe(who.get(),
                         {.scope = std::move(scope), .acknowledged = true});
}

} // namespace cafreg::detail
