// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/persisted_scope.hpp"

#include <utility>
#include <vector>

#include "cafreg/detail/state_file.hpp"
#include "cafreg/detail/sys_core.hpp"
#include "cafreg/errc.hpp"

namespace cafreg::detail {

persisted_scope::persisted_scope(const std::shared_ptr<sys_core>& core,
                                 path scope, std::filesystem::path file)
  : core_(core),
    registry_(*core->name()),
    scope_(std::move(scope)),
    file_(file.string()) {
  // nop
}

caf::error persisted_scope::load() {
  auto core = core_.lock();
  auto found = load_state(file_);
  if (!found) {
    auto aside = keep_aside(file_);
    if (!aside)
      return std::move(aside.error());
    load_error_ = make_error(errc::bad_file, registry_, {},
                             cafreg::to_text(found.error()) + "; kept aside as "
                               + *aside);
    return {};
  }
  if (!*found)
    return {};
  std::vector<leaf_entry> leaves;
  for (auto& [where, value] : **found)
    if (scope_.contains(where))
      leaves.push_back({where, std::move(value)});
  auto restored = core->restore(std::move(leaves));
  if (!restored)
    return std::move(restored.error());
  restored_ = *restored;
  return {};
}

caf::error persisted_scope::save(const snapshot& state) {
  std::lock_guard guard{mutex_};
  return save_locked(state);
}

void persisted_scope::finish(const snapshot& last) {
  {
    std::lock_guard guard{mutex_};
    // Nobody is left to be told of an error.
    static_cast<void>(save_locked(last));
    stopped_ = true;
  }
  stop();
}

caf::error persisted_scope::save_locked(const snapshot& state) {
  if (stopped_ || (written_ && written_->version() > state.version()))
    return {};
  if (written_ && *written_ == state)
    return {};
  state_leaves leaves;
  leaves.reserve(state.size());
  state.for_each([&](path where, const caf::config_value& value) {
    leaves.emplace_back(std::move(where), value);
  });
  auto result = save_state(file_, leaves);
  if (!result)
    written_ = state;
  {
    std::lock_guard error_guard{error_mutex_};
    write_error_ = result;
  }
  if (auto core = core_.lock())
    core->count_write(!result);
  return result;
}

caf::error persisted_scope::save() {
  auto core = core_.lock();
  if (!core || core->closed())
    return make_error(errc::closed, registry_, {}, "the registry is closed");
  auto state = core->look().restricted_to(scope_);
  if (core->closed()) // then it may be empty
    return make_error(errc::closed, registry_, {}, "the registry is closed");
  return save(state);
}

void persisted_scope::stop() {
  std::optional<snapshot> written; // destroyed without the lock
  caf::actor_addr writer;
  subscription source;
  {
    std::lock_guard guard{mutex_};
    stopped_ = true;
    written.swap(written_);
    std::swap(writer, writer_);
    std::swap(source, source_);
  }
  source.cancel();
  // It has a thread, and might wait for long to try again: the system would
  // wait for both.
  if (auto who = caf::actor_cast<caf::strong_actor_ptr>(writer))
    kill(who.get());
}

void persisted_scope::attach(const caf::strong_actor_ptr& writer,
                             subscription source) {
  std::lock_guard guard{mutex_};
  source_ = std::move(source);
  writer_ = caf::actor_cast<caf::actor_addr>(writer);
}

caf::error persisted_scope::write_error() const {
  std::lock_guard guard{error_mutex_};
  return write_error_;
}

} // namespace cafreg::detail
