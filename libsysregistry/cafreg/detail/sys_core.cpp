// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/sys_core.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <stdexcept>
#include <utility>

#include <caf/settings.hpp>

#include "cafreg/detail/changing.hpp"
#include "cafreg/detail/expand.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/monitor.hpp"
#include "cafreg/json.hpp"
#include "cafreg/sys_types.hpp"

namespace cafreg::detail {

namespace {

// Where a thread notes that it runs a rule or an update function.
using deciding = changing<uint64_t>;

// What it is about. The mark refers to this, which therefore is no temporary.
constexpr uint64_t whole_registry = 0;

// After a delivery failed for lack of memory: when to try again.
constexpr auto again_delay = std::chrono::milliseconds{10};

// How many paths the text of an error names; the error holds all.
constexpr size_t max_paths_in_text = 20;

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

errc code_of(refusal_reason why) {
  switch (why) {
    case refusal_reason::reserved:
      return errc::reserved_keys;
    case refusal_reason::through_leaf:
    case refusal_reason::over_subtree:
    case refusal_reason::occupied:
      return errc::path_conflict;
    case refusal_reason::nothing_there:
      return errc::no_such_path;
    default:
      return errc::bad_path;
  }
}

std::string what(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& x) {
    return x.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

} // namespace

sys_core::sys_core(caf::actor_system& sys, system_options options)
  : core_base(sys, base_options(options)),
    limits_(std::move(options)),
    store_(rules_of(limits_), {limits_.max_depth, limits_.max_key_size}),
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
      });
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

caf::error sys_core::check(caf::actor_control_block* who) const {
  if (who == nullptr)
    return error(errc::null_handle, {}, "the handle is null");
  if (!limits_.allow_remote && who->node() != system().node())
    return error(errc::remote_actor, {}, "the actor is on another node");
  if (actors::dead(who))
    return error(errc::dead_actor, {}, "the actor has terminated");
  return {};
}

owner_id sys_core::enlist(caf::actor_control_block* who) {
  return actors_.enlist(who, [this, who](owner_id id) {
    auto watch = monitor_for(who);
    if (!store_.add_owner(id))
      return false;
    watch.start();
    return true;
  });
}

// -- transactions -------------------------------------------------------------

caf::error sys_core::check_value(const path& where,
                                 const caf::config_value& x) const {
  // Deeper than that, no file could hold it.
  constexpr size_t max_depth = max_json_depth / 2;
  if (caf::holds_alternative<int64_t>(x) || caf::holds_alternative<bool>(x)
      || caf::holds_alternative<double>(x))
    return {};
  if (value_size(x) > limits_.max_value_size)
    return error(errc::value_too_large, key_text(to_string(where)),
                 "larger than the limit of "
                   + std::to_string(limits_.max_value_size) + " bytes");
  if (value_depth(x) > max_depth)
    return error(errc::bad_value, key_text(to_string(where)),
                 "nested deeper than " + std::to_string(max_depth) + " levels");
  return {};
}

caf::expected<delta> sys_core::commit(caf::actor_control_block* who,
                                      std::string_view priority,
                                      std::vector<step>& steps) {
  if (closed())
    return closed_error();
  if (auto err = check(who))
    return err;
  if (deciding::underway(this, whole_registry))
    return error(errc::would_deadlock, {},
                 "a rule or an update function must not change the registry");
  auto calls = false;
  auto removes_all = false;
  for (auto& x : steps) {
    if (x.what == step::kind::put)
      if (auto err = check_value(x.where, x.value))
        return err;
    calls = calls || x.what == step::kind::change;
    removes_all = removes_all || x.what == step::kind::remove_all;
  }
  author by{enlist(who), priority};
  if (by.id == 0)
    return closed_error();
  if (!calls && validated_.empty())
    return finish(run(by, steps, removes_all), who);
  auto handle = caf::actor_cast<caf::actor>(add_reference(who));
  auto result = run_drafts(by, handle, steps, removes_all);
  if (!result) {
    refusals_.fetch_add(1, std::memory_order_relaxed);
    return std::move(result.error());
  }
  return finish(std::move(*result), who);
}

sys_core::outcome_type sys_core::run(author who, std::vector<step>& steps,
                                     bool removes_all) {
  if (steps.size() == 1 && steps.front().what == step::kind::put)
    return store_.put(who, steps.front().where, std::move(steps.front().value));
  return store_.transact(
    who,
    [&](editor_type& edit) {
      decisions none;
      // Only functions of users have errors.
      static_cast<void>(apply(edit, steps, none, nullptr));
    },
    removes_all);
}

caf::expected<sys_core::outcome_type>
sys_core::run_drafts(author who, const caf::actor& whom,
                     std::vector<step>& steps, bool removes_all) {
  decisions known;
  for (;;) {
    auto draft = store_.begin(who, removes_all);
    if (!draft)
      return outcome_type{outcome_kind::unknown_owner};
    auto copy = steps;
    if (auto err = apply(draft->edit, copy, known, nullptr))
      return err;
    if (draft->edit.refusals().empty() && !validated_.empty()) {
      auto changes = store_.preview(*draft);
      snapshot before{draft->before.tree, draft->before.version};
      snapshot after{draft->edit.trees().shared, changes.version};
      if (auto err = ask_rules(whom, changes, before, after))
        return err;
    }
    auto result = store_.commit(*draft);
    if (result.what != outcome_kind::outdated)
      return result;
    retries_.fetch_add(1, std::memory_order_relaxed);
    if (!validated_.empty())
      continue;
    // Whoever makes changes elsewhere must not keep this one from its end,
    // however long its functions take: they decide anew only if a value that
    // they decide about is another.
    result = run_decided(who, steps, known, removes_all);
    if (result.what != outcome_kind::outdated)
      return result;
  }
}

sys_core::outcome_type sys_core::run_decided(author who,
                                             const std::vector<step>& steps,
                                             decisions& known,
                                             bool removes_all) {
  auto copy = steps;
  return store_.transact(
    who,
    [&](editor_type& edit) {
      auto still_right = true;
      // The values were checked when they were decided upon.
      static_cast<void>(apply(edit, copy, known, &still_right));
      return still_right;
    },
    removes_all);
}

caf::error sys_core::apply(editor_type& edit, std::vector<step>& steps,
                           decisions& known, bool* still_right) {
  using kind = step::kind;
  size_t changes = 0;
  for (auto& x : steps)
    switch (x.what) {
      case kind::put:
        edit.put(x.where, std::move(x.value));
        break;
      case kind::remove:
        edit.remove(x.where);
        break;
      case kind::remove_all:
        edit.remove_all();
        break;
      case kind::move:
        edit.move(x.where, x.to);
        break;
      case kind::change: {
        std::optional<caf::config_value> old;
        if (auto* found = edit.look(x.where))
          old = *found;
        auto index = changes++;
        if (index >= known.size() || !same_value(known[index].old, old)) {
          if (still_right != nullptr) {
            *still_right = false;
            return {};
          }
          known.resize(index);
          try {
            deciding mark{this, whole_registry};
            known.push_back({old, x.change(old)});
          } catch (...) {
            return error(errc::callback_threw, key_text(to_string(x.where)),
                         "the update function threw "
                           + what(std::current_exception()));
          }
        }
        auto& fresh = known[index].fresh;
        step next{fresh ? kind::put : kind::remove, x.where};
        if (fresh)
          next.value = *fresh;
        if (next.what == kind::remove) {
          edit.remove(next.where);
          break;
        }
        caf::error problem;
        expand(std::move(next.where), std::move(next.value), limits_.max_depth,
               [&](path where, caf::config_value value) {
                 if (!problem)
                   problem = check_value(where, value);
                 if (!problem)
                   edit.put(where, std::move(value));
               });
        if (problem)
          return problem;
        break;
      }
    }
  return {};
}

caf::error sys_core::ask_rules(const caf::actor& who, const delta& changes,
                               const snapshot& before,
                               const snapshot& after) const {
  auto concerns = [&changes](const mount& x) {
    auto below = [&x](const leaf_change& y) { return y.where[0] == x.key; };
    return std::any_of(changes.added.begin(), changes.added.end(), below)
           || std::any_of(changes.changed.begin(), changes.changed.end(), below)
           || std::any_of(changes.removed.begin(), changes.removed.end(),
                          below);
  };
  for (auto* x : validated_) {
    if (!concerns(*x))
      continue;
    try {
      deciding mark{this, whole_registry};
      if (auto err = x->validate({who, changes, before, after}))
        return error(errc::rule_refused, key_text(x->key),
                     "its rule refused: " + cafreg::to_text(err));
    } catch (...) {
      return error(errc::callback_threw, key_text(x->key),
                   "its rule threw " + what(std::current_exception()));
    }
  }
  return {};
}

caf::expected<delta> sys_core::finish(outcome_type what,
                                      caf::actor_control_block* who) {
  switch (what.what) {
    case outcome_kind::done:
      transactions_.fetch_add(1, std::memory_order_relaxed);
      if (!what.owners.empty())
        actors_.settle(what.owners, [this](owner_id id) {
          return store_.owns_anything(id);
        });
      publish(what.changes);
      return std::move(what.changes);
    case outcome_kind::refused:
      refusals_.fetch_add(1, std::memory_order_relaxed);
      return refused(what.refusals);
    default:
      if (closed())
        return closed_error();
      static_cast<void>(who);
      return error(errc::dead_actor, {}, "the actor has terminated");
  }
}

caf::expected<delta> sys_core::remove_all(caf::actor_control_block* who) {
  if (closed())
    return closed_error();
  if (who == nullptr)
    return error(errc::null_handle, {}, "the handle is null");
  std::vector<step> steps(1);
  steps.front().what = step::kind::remove_all;
  if (!validated_.empty() || deciding::underway(this, whole_registry))
    return commit(who, {}, steps);
  auto id = actors_.find(who);
  if (id == 0) {
    delta nothing;
    nothing.version = version();
    return nothing;
  }
  return finish(store_.remove_all(id), who);
}

caf::error sys_core::check_persistent(const path& scope) const {
  if (closed())
    return closed_error();
  if (deciding::underway(this, whole_registry))
    return error(errc::would_deadlock, {},
                 "a rule or an update function must not change the registry");
  if (scope.empty())
    return {};
  if (auto why = editor_type::check_path(store_.limits(), scope))
    return refused({{*why, scope}});
  if (store_.rules().find(scope) == nullptr)
    return error(errc::bad_path, key_text(to_string(scope)),
                 "it belongs to no mount, hence is never in a file");
  return {};
}

bool sys_core::claim_file(const std::string& file) {
  std::lock_guard guard{close_mutex_};
  return files_.insert(file).second;
}

void sys_core::release_file(const std::string& file) noexcept {
  std::lock_guard guard{close_mutex_};
  files_.erase(file);
}

const caf::config_value* sys_core::lasting_value(
  const path& where, const leaf_content<caf::config_value>& what) const {
  auto* rule = store_.rules().find(where);
  if (!editor_type::is_layered(rule))
    return &what.shown.value;
  auto first = rule->rank(any_priority);
  auto last = rule->rank("persistence");
  auto lasts = [first, last](const auto& x) {
    return x.rank >= first && x.rank <= last;
  };
  if (lasts(what.shown))
    return &what.shown.value;
  if (what.behind)
    for (auto& x : *what.behind)
      if (lasts(x))
        return &x.value;
  return nullptr;
}

caf::expected<sys_core::restoration>
sys_core::restore(std::vector<leaf_entry> leaves) {
  restoration result;
  author by{restorer, "persistence"};
  auto put_all = [&](editor_type& edit) {
    result = {};
    for (auto& x : leaves) {
      auto* rule = store_.rules().find(x.where);
      auto found = edit.trees().shared.locate(x.where);
      if (rule == nullptr || found.blocked
          || editor_type::check_leaf_path(store_.rules(), store_.limits(),
                                          x.where)
          || check_value(x.where, x.value)) {
        result.impossible.push_back(x.where);
      } else if (found.at == nullptr || editor_type::is_layered(rule)) {
        edit.put(x.where, x.value);
        ++result.count;
      }
    }
  };
  for (;;) {
    auto draft = store_.begin(by);
    if (!draft)
      return closed_error();
    put_all(draft->edit);
    if (!validated_.empty()) {
      auto changes = store_.preview(*draft);
      snapshot before{draft->before.tree, draft->before.version};
      snapshot after{draft->edit.trees().shared, changes.version};
      if (auto err = ask_rules(nullptr, changes, before, after))
        return err;
    }
    auto outcome = store_.commit(*draft);
    if (outcome.what == outcome_kind::outdated)
      continue;
    auto done = finish(std::move(outcome), nullptr);
    if (!done)
      return std::move(done.error());
    return result;
  }
}

caf::error sys_core::refused(const std::vector<refusal>& what) const {
  refused_paths_list list;
  std::map<refusal_reason, std::string> texts;
  for (auto& x : what) {
    if (list.paths.size() < max_paths_in_text) {
      auto& text = texts[x.why];
      if (!text.empty())
        text += ", ";
      text += key_text(to_string(x.where));
    }
    list.paths.emplace_back(x.where.begin(), x.where.end());
  }
  auto result = "registry " + *name();
  for (auto& [why, text] : texts) {
    result += ": ";
    result += to_text(why);
    result += " [" + text + ']';
  }
  if (what.size() > max_paths_in_text)
    result += ", and " + std::to_string(what.size() - max_paths_in_text)
              + " more";
  return pack_error(code_of(what.front().why),
                    caf::make_message(std::move(result), std::move(list)));
}

// -- subscriptions ------------------------------------------------------------

caf::expected<subscription> sys_core::subscribe(caf::actor_control_block* who,
                                                const subscribe_options& how) {
  if (closed())
    return closed_error();
  if (auto err = check(who))
    return err;
  if (!how.scope.empty())
    if (auto why = editor_type::check_path(store_.limits(), how.scope))
      return refused({{*why, how.scope}});
  if (enlist(who) == 0)
    return closed_error();
  uint64_t id = 0;
  auto due = clock_type::time_point::max();
  {
    // Destroyed without the lock.
    std::optional<audience_type::added> result;
    audience_type::removed failed;
    std::lock_guard guard{audience_mutex_};
    if (audience_closed_)
      return closed_error();
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

void sys_core::acknowledge(uint64_t id) {
  auto due = clock_type::time_point::max();
  {
    std::lock_guard guard{audience_mutex_};
    due = audience_.acknowledge(id);
  }
  if (due != clock_type::time_point::max())
    try_wake_at(due);
}

void sys_core::acknowledge(caf::actor_control_block* who, const path& scope) {
  if (who == nullptr)
    return;
  auto due = clock_type::time_point::max();
  {
    std::lock_guard guard{audience_mutex_};
    if (auto id = audience_.find(subscriber::name(who), scope); id != 0)
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
  auto now = clock_type::now();
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
  std::lock_guard guard{audience_mutex_};
  audience_.for_each([&](const path&, const audience_settings&, uint64_t,
                         const subscriber& who) {
    result.push_back({who.get()->id(), holder_role::subscriber, 0});
  });
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
  result.transactions = transactions_.load(std::memory_order_relaxed);
  result.refusals = refusals_.load(std::memory_order_relaxed);
  result.retries = retries_.load(std::memory_order_relaxed);
  result.deliveries = deliveries_.load(std::memory_order_relaxed);
  result.cleanups = cleanups_.load(std::memory_order_relaxed);
  result.task_failures = task_failures_.load(std::memory_order_relaxed);
  result.files_written = files_written_.load(std::memory_order_relaxed);
  result.write_failures = write_failures_.load(std::memory_order_relaxed);
  return result;
}

// -- the end ------------------------------------------------------------------

bool sys_core::on_close(std::function<void(const snapshot&)> fn) {
  std::lock_guard guard{close_mutex_};
  if (closed())
    return false;
  at_close_.push_back(std::move(fn));
  return true;
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
    for (auto& fn : last_calls)
      try {
        fn(state);
      } catch (...) {
        // Out of memory: the others still are to be called.
      }
  }
  actors_.clear([this](const caf::strong_actor_ptr& who) {
    detach_monitors(who.get(), keeper_of(who.get()).get());
  });
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
