// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/sys_core.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <caf/settings.hpp>

#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/monitor.hpp"
#include "cafreg/sys_types.hpp"

namespace cafreg::detail {

namespace {

// How many deliveries the keeper makes before it lets others have its thread:
// the actors that it wakes, above all, and writers who wait for the lock.
constexpr size_t turn = 2'000;

registry_options base_options(const system_options& x) {
  return {.name = x.name, .hold = x.hold, .allow_remote = x.allow_remote};
}

mount_rules rules_of(const system_options& x) {
  auto refuse = [&x](const std::string& why) {
    throw std::invalid_argument{"registry " + x.name + ": " + why};
  };
  if (x.max_depth == 0 || x.max_depth > max_path_depth)
    refuse("max_depth must be 1 to " + std::to_string(max_path_depth) + ", not "
           + std::to_string(x.max_depth));
  if (x.max_key_size == 0)
    refuse("max_key_size must not be 0");
  if (x.max_value_size == 0)
    refuse("max_value_size must not be 0");
  std::vector<mount_rule> result;
  for (auto& y : x.mounts) {
    if (y.key.empty())
      refuse("a mount has no key");
    if (y.key.size() > x.max_key_size)
      refuse("the mount " + y.key + " is longer than max_key_size");
    if (x.max_depth == 1)
      refuse("the mount " + y.key + " can hold nothing with a max_depth of 1");
    for (auto z = y.priorities.begin(); z != y.priorities.end(); ++z)
      if (std::find(y.priorities.begin(), z, *z) != z)
        refuse("the mount " + y.key + " has the priority " + *z + " twice");
    for (auto& z : result)
      if (z.key == y.key)
        refuse("two mounts have the key " + y.key);
    result.push_back({y.key, y.rule, y.priorities});
  }
  return mount_rules{std::move(result)};
}

} // namespace

sys_core::sys_core(caf::actor_system& sys, system_options options)
  : core_base(sys, base_options(options)),
    limits_(std::move(options)),
    store_(rules_of(limits_), {limits_.max_depth, limits_.max_key_size},
           [this](owner_id who) { return actors_.gone(who); }),
    actors_(limits_.hold == hold::strong) {
  if (!caf::get_or(sys.config(), "cafreg.prepared-system", false))
    throw std::invalid_argument{
      "registry " + limits_.name
      + ": call cafreg::prepare_system(cfg) before the actor system is"
        " created"};
  for (auto& x : limits_.mounts)
    if (x.validate)
      validated_.push_back(&x);
  store_.add_owner(restorer);
}

sys_core::~sys_core() {
  // nop
}

// -- called by the keeper -----------------------------------------------------

void sys_core::actor_down(caf::actor_control_block* who, const caf::error&) {
  audience_type::removed dropped;
  {
    std::lock_guard guard{audience_mutex_};
    dropped = audience_.remove_all(subscriber::name(who));
  }
  if (auto id = actors_.find(who); id != 0) {
    publish(store_.drop_owner(id).changes);
    cleanups_.fetch_add(1, std::memory_order_relaxed);
    actors_.dismiss(who);
  }
  remove_listener(who);
}

void sys_core::enroll(caf::actor_control_block* who) {
  enlist(who);
}

bool sys_core::flush() noexcept {
  return false;
}

clock_type::time_point sys_core::expire(clock_type::time_point now) {
  std::vector<snapshot> replaced; // destroyed without the lock
  auto next = now + again_delay;
  std::lock_guard guard{audience_mutex_};
  try {
    next = audience_.expire(
      now, [this](const path& scope) { return look_at(scope); },
      [this](const path& scope, const snapshot& state,
             std::span<const audience_type::entry> members) {
        deliver(scope, state, members);
        return this->now();
      },
      turn);
  } catch (...) {
    // Out of memory: what was not delivered still is due.
  }
  replaced = audience_.take_retired();
  return next;
}

bool sys_core::cancel(uint64_t id) {
  audience_type::removed dropped;
  std::lock_guard guard{audience_mutex_};
  dropped = audience_.remove(id);
  return !dropped.empty();
}

// -- looking ------------------------------------------------------------------

snapshot sys_core::look() const {
  auto [tree, version] = store_.look();
  return {std::move(tree), version};
}

snapshot sys_core::private_state(caf::actor_control_block* who) const {
  return {store_.private_tree(actors_.find(who)), store_.version()};
}

std::vector<path> sys_core::paths_of(caf::actor_control_block* who) const {
  auto result = store_.paths_of(actors_.find(who));
  std::sort(result.begin(), result.end());
  return result;
}

caf::strong_actor_ptr sys_core::owner_of(const path& where) const {
  auto found = store_.find(where);
  return found ? actors_.actor(found->content.shown.owner) : nullptr;
}

// -- owners -------------------------------------------------------------------

caf::error sys_core::check(caf::actor_control_block* who,
                           const path& about) const {
  if (who == nullptr)
    return error(errc::null_handle, text_of(about), "the handle is null");
  if (!limits_.allow_remote && who->node() != system().node())
    return error(errc::remote_actor, text_of(about),
                 "the actor is on another node");
  if (actors::dead(who))
    return error(errc::dead_actor, text_of(about), "the actor has terminated");
  return {};
}

caf::error sys_core::check_scope(const path& scope) const {
  if (scope.empty())
    return {};
  if (auto why = editor_type::check_path(store_.limits(), scope))
    return refused({{*why, scope}});
  if (store_.rules().find(scope) == nullptr)
    return error(errc::bad_path, text_of(scope),
                 key_text(scope[0]) + " is no mount: what is there is private");
  return {};
}

std::string sys_core::what_is_at(const path& where) const {
  if (where.empty())
    return "the root is no leaf";
  if (store_.rules().find(where) == nullptr)
    return "there is no leaf, and " + key_text(where[0]) + " is no mount";
  auto now = store_.look().tree;
  auto found = now.locate(where);
  if (!found.blocked)
    return "there is no leaf";
  if (found.obstacle == where.size())
    return "there is no leaf but a branch";
  return "there is no leaf, as "
         + text_of(path{key_span{where}.first(found.obstacle)}) + " is one";
}

owner_id sys_core::enlist(caf::actor_control_block* who) {
  relieve(who);
  return actors_.enlist(who, [this, who](owner_id id) {
    auto watch = monitor_for(who);
    watch.attach();
    // If it dies now, the keeper waits until it is known.
    try {
      if (store_.add_owner(id))
        return true;
    } catch (...) {
      watch.stop();
      throw;
    }
    watch.stop();
    return false;
  });
}

// -- subscriptions ------------------------------------------------------------

caf::expected<subscription> sys_core::subscribe(caf::actor_control_block* who,
                                                const subscribe_options& how) {
  if (closed())
    return failure(closed_error());
  if (auto err = check(who, how.scope); failed(err))
    return failure(std::move(err));
  if (auto err = check_scope(how.scope); failed(err))
    return failure(std::move(err));
  if (enlist(who) == 0)
    return failure(closed_error());
  uint64_t id = 0;
  auto due = clock_type::time_point::max();
  {
    // Destroyed without the lock.
    std::optional<audience_type::added> result;
    audience_type::removed failed;
    std::lock_guard guard{audience_mutex_};
    if (audience_closed_)
      return failure(closed_error());
    result = audience_.add(
      how.scope, {{how.min_interval, how.hysteresis}, how.acknowledged},
      subscriber{add_reference(who)},
      [this](const path& scope) { return look_at(scope); });
    id = result->id;
    try {
      post(who, message_for(how.scope, result->state));
    } catch (...) {
      // Without the first state there is no subscription.
      failed = audience_.remove(id);
      throw;
    }
    deliveries_.fetch_add(1, std::memory_order_relaxed);
    due = audience_.next_due();
  }
  if (due != clock_type::time_point::max())
    try_wake_at(due);
  // It may have died before anyone would have told us.
  if (actors::dead(who))
    cancel(id);
  return subscription{weak_from_this(), id};
}

bool sys_core::unsubscribe(caf::actor_control_block* who, const path& scope) {
  if (who == nullptr)
    return false;
  audience_type::removed dropped;
  std::lock_guard guard{audience_mutex_};
  dropped = audience_.remove(subscriber::name(who), scope);
  return !dropped.empty();
}

void sys_core::acknowledge(caf::actor_control_block* who, const path& scope,
                           std::optional<uint64_t> version) {
  if (who == nullptr)
    return;
  auto due = clock_type::time_point::max();
  {
    std::lock_guard guard{audience_mutex_};
    auto id = audience_.find(subscriber::name(who), scope);
    if (id != 0 && (!version || audience_.last(id)->version() == *version))
      due = audience_.acknowledge(id);
  }
  if (due != clock_type::time_point::max())
    try_wake_at(due);
}

// -- deliveries ---------------------------------------------------------------

void sys_core::publish(const delta& changes) noexcept {
  make_up_for_alarm();
  if (!audience_.attentive())
    return;
  auto now = this->now();
  auto due = clock_type::time_point::max();
  {
    std::lock_guard guard{audience_mutex_};
    for (auto* list : {&changes.added, &changes.changed, &changes.removed})
      for (auto& x : *list)
        if (audience_.attentive())
          due = std::min(due, audience_.changed(x.where, now));
  }
  if (due != clock_type::time_point::max())
    try_wake_at(due);
}

snapshot sys_core::look_at(const path& scope) const {
  return look().restricted_to(scope);
}

void sys_core::deliver(const path& scope, const snapshot& state,
                       std::span<const audience_type::entry> members) {
  // How many members ahead their memory is asked for.
  constexpr size_t lead = 8;
  auto msg = message_for(scope, state);
  for (size_t i = 0; i < members.size(); ++i) {
    if (i + lead < members.size())
      actors::prefetch(members[i + lead].who.get());
    post(members[i].who.get(), msg);
  }
  deliveries_.fetch_add(members.size(), std::memory_order_relaxed);
}

caf::message sys_core::message_for(const path& scope,
                                   const snapshot& state) const {
  return caf::make_message(system_state{*name(), scope, state});
}

// -- seen from outside --------------------------------------------------------

std::vector<holder_info> sys_core::holders() const {
  std::vector<holder_info> result;
  actors_.for_each_held([&](owner_id id, const caf::strong_actor_ptr& who) {
    result.push_back({who->id(), holder_role::owner, store_.owned(id)});
  });
  {
    std::lock_guard guard{audience_mutex_};
    audience_.for_each([&](const path&, const audience_settings&, uint64_t,
                           const subscriber& who) {
      result.push_back({who.get()->id(), holder_role::subscriber, 0});
    });
  }
  list_exported(result);
  return result;
}

system_stats sys_core::stats() const {
  system_stats result;
  auto [tree, version] = store_.look();
  result.leaves = tree.size();
  result.version = version;
  result.actors = actors_.size();
  {
    std::lock_guard guard{audience_mutex_};
    result.subscriptions = audience_.size();
  }
  result.transactions = store_.transactions();
  result.refusals = refusals_.load(std::memory_order_relaxed);
  result.retries = retries_.load(std::memory_order_relaxed);
  result.deliveries = deliveries_.load(std::memory_order_relaxed);
  result.cleanups = cleanups_.load(std::memory_order_relaxed);
  result.backlog = backlog();
  result.task_failures = task_failures_.load(std::memory_order_relaxed);
  result.files_written = files_written_.load(std::memory_order_relaxed);
  result.write_failures = write_failures_.load(std::memory_order_relaxed);
  return result;
}

// -- the end ------------------------------------------------------------------

bool sys_core::on_close(const void* owner,
                        std::function<void(const snapshot&)> fn) {
  std::lock_guard guard{close_mutex_};
  if (closed())
    return false;
  at_close_.push_back({owner, std::move(fn)});
  return true;
}

void sys_core::off_close(const void* owner) noexcept {
  decltype(last_call::fn) dropped; // without the lock
  std::lock_guard guard{close_mutex_};
  auto pos = std::find_if(at_close_.begin(), at_close_.end(),
                          [owner](auto& x) { return x.owner == owner; });
  if (pos == at_close_.end())
    return;
  dropped.swap(pos->fn);
  at_close_.erase(pos);
}

void sys_core::close() noexcept {
  auto first = begin_closing();
  if (closed_down())
    return;
  {
    // First, or somebody would get the empty state of the closed registry.
    audience_type::removed dropped;
    std::lock_guard guard{audience_mutex_};
    audience_closed_ = true;
    dropped = audience_.clear();
  }
  {
    decltype(at_close_) last_calls;
    store_type::view last;
    {
      // Whoever is the first gets both: the calls and what they want to see.
      std::lock_guard guard{close_mutex_};
      closed_.store(true, std::memory_order_release);
      last_calls.swap(at_close_);
      last = store_.close();
    }
    snapshot state{std::move(last.tree), last.version};
    for (auto& x : last_calls)
      try {
        x.fn(state);
      } catch (...) {
        // Out of memory: the others still are to be called.
      }
  }
  actors_.clear([this](const caf::strong_actor_ptr& who) { part_from(who); });
  drop_all();
  stop();
  if (first)
    end_closing();
  else
    wait_closed();
}

caf::error sys_core::closed_error() const {
  return error(errc::closed, {}, "the registry is closed");
}

caf::error sys_core::closed_error(const path& where) const {
  return error(errc::closed, key_text(to_string(where)),
               "the registry is closed");
}

} // namespace cafreg::detail
