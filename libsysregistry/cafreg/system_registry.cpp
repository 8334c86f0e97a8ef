// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/system_registry.hpp"

#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/sys_core.hpp"
#include "cafreg/detail/sys_front.hpp"
#include "cafreg/detail/task.hpp"

namespace cafreg {

// -- looking ------------------------------------------------------------------

snapshot system_registry_ref::snapshot() const {
  return core_->look();
}

snapshot system_registry_ref::snapshot(const path& scope) const {
  return core_->look().restricted_to(scope);
}

snapshot system_registry_ref::private_snapshot(any_actor who) const {
  return core_->private_state(who.get());
}

size_t system_registry_ref::count(const path& scope) const {
  return core_->count(scope);
}

uint64_t system_registry_ref::version() const {
  return core_->version();
}

caf::strong_actor_ptr system_registry_ref::owner_of(const path& where) const {
  return core_->owner_of(where);
}

std::vector<path> system_registry_ref::paths_of(any_actor who) const {
  return core_->paths_of(who.get());
}

caf::expected<system_registry_ref::leaf_ref>
system_registry_ref::find(const path& where) const {
  auto found = core_->find(where);
  if (found)
    return found;
  if (closed())
    return detail::failure(core_->closed_error(where));
  return detail::failure(core_->error(errc::no_such_path,
                                      detail::key_text(to_string(where)),
                                      core_->what_is_at(where)));
}

caf::error system_registry_ref::wrong_type(const path& where,
                                           const caf::error& why) const {
  return core_->error(errc::bad_value, detail::key_text(to_string(where)),
                      to_text(why));
}

// -- changes ------------------------------------------------------------------

cafreg::transaction
system_registry_ref::transaction(any_actor who, transaction_options how) const {
  return {core_, who, std::move(how)};
}

caf::expected<delta> system_registry_ref::update(
  any_actor who, path where, values what, transaction_options how) const {
  // Without a reference more to what all threads refer to.
  std::vector<detail::step> steps;
  if (auto err = core_->add_update(steps, std::move(where), std::move(what));
      detail::failed(err))
    return detail::failure(std::move(err));
  return core_->commit(who.get(), how.priority, steps);
}

caf::expected<delta> system_registry_ref::remove(any_actor who,
                                                 path where) const {
  return transaction(who).remove(std::move(where)).commit();
}

caf::expected<delta> system_registry_ref::remove(
  any_actor who, const path& where,
  std::initializer_list<std::string_view> keys) const {
  return transaction(who).remove(where, keys).commit();
}

caf::expected<delta> system_registry_ref::remove_all(any_actor who) const {
  return core_->remove_all(who.get());
}

caf::expected<delta> system_registry_ref::move(any_actor who, path from,
                                               path to) const {
  return transaction(who).move(std::move(from), std::move(to)).commit();
}

// -- deliveries ---------------------------------------------------------------

caf::expected<subscription>
system_registry_ref::subscribe(any_actor who, subscribe_options how) const {
  return core_->subscribe(who.get(), how);
}

bool system_registry_ref::unsubscribe(any_actor who, const path& scope) const {
  return core_->unsubscribe(who.get(), scope);
}

void system_registry_ref::acknowledge(any_actor who, const path& scope) const {
  core_->acknowledge(who.get(), scope);
}

void system_registry_ref::acknowledge(any_actor who,
                                      const system_state& what) const {
  core_->acknowledge(who.get(), what.scope, what.snapshot.version());
}

caf::expected<subscription> system_registry_ref::task(
  path scope,
  std::function<void(const cafreg::snapshot&, const cafreg::snapshot&)> fn)
  const {
  return detail::start_task(core_, std::move(scope), std::move(fn));
}

// -- persistence --------------------------------------------------------------

caf::expected<persistence> system_registry_ref::persist(
  path scope, std::filesystem::path file, persist_options how) const {
  return persistence::start(core_, std::move(scope), std::move(file), how);
}

// -- the registry -------------------------------------------------------------

const std::string& system_registry_ref::name() const noexcept {
  return *core_->name();
}

caf::actor_system& system_registry_ref::system() const noexcept {
  return core_->system();
}

caf::actor system_registry_ref::actor() const {
  return core_->front([this] { return detail::spawn_sys_front(*this); });
}

bool system_registry_ref::closed() const noexcept {
  return core_->closed();
}

void system_registry_ref::close() const noexcept {
  core_->close();
}

std::vector<holder_info> system_registry_ref::holders() const {
  return core_->holders();
}

system_stats system_registry_ref::stats() const {
  return core_->stats();
}

system_registry_ref::system_registry_ref(std::shared_ptr<core_type> core)
  : core_(std::move(core)) {
  // nop
}

system_registry::system_registry(caf::actor_system& sys, system_options options)
  : system_registry_ref(
    std::make_shared<detail::sys_core>(sys, std::move(options))) {
  core_->start();
}

system_registry::~system_registry() {
  close();
}

} // namespace cafreg
