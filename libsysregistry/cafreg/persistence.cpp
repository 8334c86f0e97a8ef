// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/persistence.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cafreg/detail/persisted_scope.hpp"
#include "cafreg/detail/sys_core.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/sys_types.hpp"

namespace cafreg {

namespace {

// After a file could not be written: when to try again, at least.
constexpr std::chrono::nanoseconds save_again_delay = std::chrono::seconds{1};

// Writes the states that it gets. Files may be slow: it has a thread of its
// own.
caf::behavior writer(caf::event_based_actor* self,
                     std::weak_ptr<detail::persisted_scope> what,
                     std::chrono::nanoseconds min_interval) {
  auto waits = std::make_shared<bool>(false);
  // Once for all failures until then, with the state of then.
  auto again = [self, min_interval, waits] {
    if (std::exchange(*waits, true))
      return;
    detail::post_later(self->system(), detail::add_reference(self->ctrl()),
                       std::max(min_interval, save_again_delay),
                       caf::make_message(detail::deadline_passed{}));
  };
  return {
    [what, again](const system_state& now) {
      if (auto file = what.lock();
          file && detail::failed(file->save(now.snapshot)))
        again();
    },
    [what, again, waits](detail::deadline_passed) {
      *waits = false;
      if (auto file = what.lock(); file && is(file->save(), errc::bad_file))
        again();
    },
  };
}

} // namespace

caf::error persistence::load_error() const {
  return what_->load_error();
}

size_t persistence::restored() const noexcept {
  return what_->restored();
}

caf::error persistence::write_error() const {
  return what_->write_error();
}

caf::error persistence::flush() const {
  return what_->save();
}

void persistence::stop() const {
  what_->stop();
}

caf::expected<persistence>
persistence::start(const std::shared_ptr<detail::sys_core>& core, path scope,
                   std::filesystem::path file, persist_options how) {
  if (auto err = core->check_persistent(scope); detail::failed(err))
    return detail::failure(std::move(err));
  auto what = std::make_shared<detail::persisted_scope>(core, std::move(scope),
                                                        std::move(file));
  if (auto err = what->claim(); detail::failed(err))
    return detail::failure(std::move(err));
  if (auto err = what->load(); detail::failed(err))
    return detail::failure(std::move(err));
  auto who = seam::spawn_aside(core->system(), core->driver(), writer,
                               std::weak_ptr<detail::persisted_scope>{what},
                               how.min_interval);
  auto source = core->subscribe(who.get(), {.scope = what->scope(),
                                            .min_interval = how.min_interval,
                                            .hysteresis = how.hysteresis});
  if (!source)
    return detail::failure(std::move(source.error()));
  what->attach(who, *source);
  auto at_close = [what](const snapshot& last) {
    what->finish(last.restricted_to(what->scope()));
  };
  try {
    if (core->on_close(what.get(), std::move(at_close)))
      return persistence{std::move(what)};
  } catch (...) {
    what->stop();
    throw;
  }
  what->stop();
  return detail::failure(core->closed_error());
}

} // namespace cafreg
