// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/backoff.hpp"
#include "cafreg/detail/check_options.hpp"
#include "cafreg/detail/closing.hpp"
#include "cafreg/detail/deadline.hpp"
#include "cafreg/detail/gen_counters.hpp"
#include "cafreg/detail/passivator.hpp"
#include "cafreg/detail/supervisor.hpp"
#include "cafreg/detail/typed_core.hpp"
#include "cafreg/detail/unique_table.hpp"
#include "cafreg/detail/verdicts.hpp"
#include "cafreg/detail/worker_slot.hpp"
#include "cafreg/events.hpp"
#include "cafreg/gen_options.hpp"
#include "cafreg/gen_stats.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// A registry of workers but for how a worker is made: the table, supervision,
/// passivation, the end.
/// @tparam Args What a start takes beside the id, as a tuple.
template <class Key, class Args, class Value>
class gen_core : public typed_core<gen_core<Key, Args, Value>, Key, Value>,
                 public supervised {
public:
  using super = typed_core<gen_core, Key, Value>;

  using slot = worker_slot<Key, Args, Value>;

  using record_type = typename slot::record_type;

  using table_type = unique_table<Key, slot, actors, gen_core>;

  using node = typename table_type::node;

  using time_point = seam::time_point;

  using typename super::held_by;

  using typename super::key_arg;

  gen_core(caf::actor_system& sys, gen_registry_options options)
    : super(sys, table_options(options)),
      limits_(std::move(options)),
      backoff_(limits_.backoff.failures, limits_.backoff.within,
               limits_.backoff.cool_down),
      passivator_(limits_, super::clock()),
      table_(*this, true) {
    check_options(limits_);
  }

  table_type& table() noexcept {
    return table_;
  }

  const gen_registry_options& limits() const noexcept {
    return limits_;
  }

  /// Whether workers have records.
  bool has_records() const noexcept {
    return passivator_.enabled() || backoff_.enabled();
  }

  /// Whether workers are told to leave.
  bool dismisses() const noexcept {
    return passivator_.enabled();
  }

  /// Starts keepers and supervisor. To be called once, after construction.
  void start() {
    super::start();
    supervisor_.emplace(
      super::system(), super::watch_thread(),
      std::static_pointer_cast<gen_core>(super::shared_from_this()),
      limits_.stop_timeout);
  }

  std::string_view key_noun() const noexcept override {
    return "id";
  }

  // -- called by keepers ------------------------------------------------------

  void actor_down(caf::actor_control_block* who,
                  const caf::error& reason) override {
    super::actor_down(who, reason);
    if (backoff_.enabled())
      verdicts_.pass(
        who,
        // Who took its place has a lock of the table until it is suspended:
        // this takes them all in turn.
        [this] { static_cast<void>(table_.size()); },
        [&](const Key& key) { judge(key, reason); });
    start_successors();
  }

  bool flush() noexcept override {
    return table_.flush();
  }

  // -- called by the supervisor -----------------------------------------------

  agenda_items supervise(time_point now) override {
    try {
      start_successors();
    } catch (...) {
      wake_supervisor();
    }
    auto questions = passivator_.sweep(now, dismissal());
    return {passivator_.next(now), std::move(questions)};
  }

  void answered(const caf::actor& who, bool may_leave) override {
    auto x = passivator_.take_asked(who);
    if (!x)
      return;
    if (may_leave) {
      passivator_.tell(*x, dismissal());
    } else {
      counters_.vetoes.add();
      passivator_.keep(*x, true);
    }
    wake_supervisor();
  }

  void killing() override {
    counters_.kills.add();
  }

  // -- called by the table ----------------------------------------------------

  // Without a lock.

  using super::garbage;
  using super::monitor_for;

  bool has_heirs() const noexcept {
    return false;
  }

  // The entry goes at once, under the lock of the key's shard in any case.
  change cause_of_death(const caf::actor_control_block*) noexcept {
    verdicts_.anticipate();
    return {departure::down, &unknown_};
  }

  // Under the lock of the key's shard.

  struct inheritance {
    caf::actor_control_block* actor;
    slot value;
  };

  std::optional<inheritance> heir(size_t, key_arg) {
    return std::nullopt;
  }

  void registered(size_t shard, key_arg key, caf::actor_control_block* who,
                  const slot& x, const change&) {
    super::announce(shard, key, who, x.value);
    if (x.record)
      passivator_.add(*x.record);
  }

  void unregistered(size_t shard, key_arg key, caf::actor_control_block* who,
                    const slot& x, const change& how, bool) {
    super::withdraw(key, who, x.value, how);
    super::announce_nobody(shard, key);
    if (how.why == departure::closed)
      closing_.collect(who);
    if (x.record && passivator_.remove(*x.record))
      wake_supervisor();
    auto known = how.reason != &unknown_;
    auto counts = x.record && backoff_.enabled() && !x.record->unwanted
                  && how.reason != nullptr;
    if (counts && known)
      judge(x.record->key, *how.reason);
    else if (counts)
      verdicts_.suspend(who, x.record->key); // until its down message comes
    else if (!known)
      verdicts_.acquit();
  }

  // -- seen from outside ------------------------------------------------------

  gen_registry_stats stats() {
    auto entries = table_.size();
    gen_registry_stats result{{entries, entries, table_.registrant_count(),
                               table_.lookups(), table_.removals(),
                               super::cleanups(), super::events_sent(),
                               super::backlog()}};
    counters_.read(result);
    result.waiting_messages = passivator_.orphans().size();
    return result;
  }

  void for_each_actor(
    const std::function<void(const caf::actor_control_block*)>& fn) override {
    table_.for_each([&fn](const auto& x) { fn(x.actor); });
  }

  /// What `locked` of the table has found.
  static held_by present(const node* found) {
    if (found == nullptr || actors::dead(found->actor))
      return {};
    return {found->actor, &found->value.value};
  }

  /// Number of workers that were told to leave and have not done so yet.
  size_t leaving() const {
    return passivator_.leaving();
  }

  // -- the end of a worker ----------------------------------------------------

  /// Tells a worker to exit, and has it killed after a while.
  /// @param fn `fn(const error&)` is called when it is gone, and its entry is:
  ///           in an arbitrary thread. Must not throw.
  template <class Fn>
  void stop_worker(const caf::strong_actor_ptr& who, const Key& key,
                   const caf::error& reason, time_point deadline, Fn fn) {
    counters_.stops.add();
    table_.visit(key, [&who](const node& x) {
      if (x.value.record && x.actor == who.get())
        x.value.record->unwanted = true;
    });
    auto plan = supervisor_->kill_at(deadline,
                                     caf::actor_cast<weak_actor>(who));
    std::weak_ptr<core_base> weak = super::weak_from_this();
    on_death(who.get(), [weak, key, plan, ptr = who.get(),
                         fn = std::move(fn)](const caf::error& why) mutable {
      if (auto core = std::static_pointer_cast<gen_core>(weak.lock())) {
        core->table_.erase(ptr, key, {departure::down, &why});
        core->supervisor_->spare(plan);
      }
      fn(why);
    });
    post(who.get(), exit_message(reason));
  }

  /// Drops everything, tells all workers to exit, and has them killed after the
  /// time limit. Any thread, any number of times, beside any operation. Never
  /// waits.
  void close() noexcept {
    super::close();
    bounce_all();
    closing_.begin(
      [this](const std::vector<caf::strong_actor_ptr>& workers) {
        auto deadline = later(super::now(), limits_.stop_timeout);
        for (auto& who : workers)
          supervisor_->kill_at(deadline, caf::actor_cast<weak_actor>(who));
      },
      supervisor_->stopper());
  }

protected:
  using errand = typename record_type::orphans_type::errand;

  /// Starts a worker in another thread, for messages that wait for it.
  virtual void start_successor(errand what) = 0;

  /// Whoever notices that messages wait for a worker must not be kept from its
  /// work by a factory: starts have threads of their own, a few at a time.
  void start_successors() {
    auto& orphans = passivator_.orphans();
    if (orphans.size() == 0)
      return;
    if (table_.closed()) {
      bounce_all();
      return;
    }
    while (auto x = orphans.begin_start(super::now()))
      start_successor(std::move(*x));
    if (auto next = orphans.next())
      supervisor_->wake_at(*next);
  }

  /// Has the supervisor start successors and choose workers soon.
  void wake_supervisor() noexcept {
    try {
      supervisor_->wake_at(super::now());
    } catch (...) {
      // Out of memory: the next death, or start, will do.
    }
  }

  /// Delivers to a worker what waits for it, and lets messages through.
  void open_way(caf::actor_control_block* who, record_type& x) noexcept {
    auto opened = passivator_.open(x, who, [&](caf::mailbox_element_ptr& msg) {
      counters_.handed_over.add();
      post_element(who, std::move(msg));
    });
    // It is gone already: its successor is wanted, or the registry closed.
    if (!opened && passivator_.orphans().size() > 0) {
      try {
        start_successors();
      } catch (...) {
        wake_supervisor();
      }
    }
  }

  /// Lets a worker keep messages.
  void prepare(record_type& x) {
    passivator_.prepare(x);
  }

  /// Messages that wait for the next incarnation of their workers.
  auto& orphans() noexcept {
    return passivator_.orphans();
  }

  /// Lets a new worker begin, and makes room if there are too many now.
  void inaugurate(caf::actor_control_block* who, record_type& x) {
    open_way(who, x);
    try {
      if (limits_.idle_after.get().count() > 0)
        supervisor_->wake_at(later(super::now(), limits_.idle_after));
      if (!passivator_.too_many())
        return;
      if (limits_.ask_before_leaving)
        supervisor_->wake_at(super::now());
      else
        passivator_.sweep(super::now(), dismissal());
      // Who was to leave may have been used just then.
      if (auto next = passivator_.next(super::now()))
        supervisor_->wake_at(*next);
    } catch (...) {
      // No memory to make room: the next start will try again.
    }
  }

  gen_counters counters_;
  const gen_registry_options limits_;
  backoff<Key> backoff_;
  closing closing_;

private:
  static registry_options table_options(const gen_registry_options& x) {
    return {.name = x.name,
            .partitions = x.partitions,
            .max_key_size = x.max_key_size,
            .listeners = x.listeners};
  }

  void bounce_all() {
    auto waiting = passivator_.orphans().close();
    if (waiting.empty())
      return;
    auto reason = super::error(errc::closed, {}, "the registry is closed");
    for (auto& msg : waiting)
      bounce(*msg, reason);
  }

  // Notes the end of a worker that nobody has asked for.
  void judge(const Key& key, const caf::error& reason) noexcept {
    if (!failed(reason) || reason == caf::exit_reason::normal
        || reason == caf::exit_reason::user_shutdown)
      return;
    try {
      backoff_.failed(key, super::now());
    } catch (...) {
      // nop
    }
  }

  // Without memory for it, a worker may take its time.
  void watch_leaving(const caf::strong_actor_ptr& who) noexcept {
    try {
      supervisor_->watch_leaving(who);
    } catch (...) {
      // nop
    }
  }

  // Tells a worker to leave, behind all that was sent to it, unless it was used
  // in the meantime.
  auto dismissal() {
    return [this](record_type& x) {
      auto who = x.who.lock();
      if (!who)
        return false;
      auto told = x.way.leave([&] {
        if (x.used_since())
          return false;
        auto exit
          = exit_message(make_exit_error(caf::exit_reason::user_shutdown));
        x.unwanted = true;
        counters_.passivations.add(); // before anybody can see that it left
        post(who.get(), std::move(exit));
        return true;
      });
      if (told)
        watch_leaving(who);
      return told;
    };
  }

  const caf::error unknown_{make_exit_error(caf::exit_reason::unknown)};
  passivator<Key, Args> passivator_;
  verdicts<Key> verdicts_;
  std::optional<supervisor> supervisor_;
  // Last, so that it goes first: it tells the others of its end.
  table_type table_;
};

} // namespace cafreg::detail
