// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/deaths.hpp"
#include "cafreg/detail/metadata.hpp"
#include "cafreg/detail/monitor.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/options.hpp"
#include "cafreg/seam/clock.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/seam/waiting.hpp"
#include "cafreg/seam/who.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

using clock_type = std::chrono::steady_clock;

/// Why an entry changes, as the tables hand it on.
struct change {
  departure why = departure::unregistered;
  /// With which reason the actor terminated, if it did and that is known.
  const caf::error* reason = nullptr;
};

/// What all registries share and what does not depend on their types: name,
/// keepers, listeners, metadata, deadlines. Lives as long as anyone has a
/// reference to the registry; after `shut_down` it holds no actor.
class core_base : public std::enable_shared_from_this<core_base> {
public:
  /// @throws std::invalid_argument if an option makes no sense, or
  ///         `cafreg::prepare` was not called
  core_base(caf::actor_system& sys, registry_options options);

  core_base(const core_base&) = delete;

  core_base& operator=(const core_base&) = delete;

  virtual ~core_base();

  caf::actor_system& system() const noexcept {
    return system_;
  }

  const registry_options& options() const noexcept {
    return options_;
  }

  const std::shared_ptr<const std::string>& name() const noexcept {
    return name_;
  }

  // -- seams ------------------------------------------------------------------

  const seam::clock& clock() const noexcept {
    return clock_;
  }

  /// The time of the actor system.
  clock_type::time_point now() const noexcept {
    return clock_.now();
  }

  /// Who drives the waits of this registry; null for nobody.
  seam::driver* driver() const noexcept {
    return driver_.get();
  }

  /// Where its watchers run.
  const seam::actor_thread& watch_thread() const noexcept {
    return watch_thread_;
  }

  // -- called by keepers ------------------------------------------------------

  /// Removes all traces of a dead actor.
  virtual void actor_down(caf::actor_control_block* who,
                          const caf::error& reason)
    = 0;

  /// The same for what was taken from `work`; if it fails, the keeper tries
  /// again later.
  void clean_up(deaths& work, death_ptr what) noexcept;

  /// Makes sure that `actor_down` will be called for an actor, once.
  virtual void enroll(caf::actor_control_block* who) = 0;

  /// Frees what nobody reads any more.
  /// @returns whether something is left.
  virtual bool flush() noexcept = 0;

  /// Answers those who waited in vain.
  /// @returns the next deadline.
  virtual clock_type::time_point expire(clock_type::time_point now) = 0;

  /// Withdraws an interest in a name.
  /// @returns whether there was one with this id.
  virtual bool cancel(uint64_t id) = 0;

  /// Forgets an alarm that went off, and does what is due.
  /// @param which The time it was set to, in ticks of the clock.
  void on_deadline(int64_t which);

  void on_flush();

  /// The same for a closed registry.
  /// @returns whether something is left.
  bool flush_closed() noexcept {
    empty_attic();
    return flush();
  }

  // -- called by who adds to the work of keepers
  // -------------------------------

  /// Does a part of a keeper's work if it falls behind: so what the dead leave
  /// behind does not become more, however fast somebody adds to it. To be
  /// called without a lock before something is added for `who`. One relaxed
  /// load in general, and else a few removals.
  void relieve(const caf::actor_control_block* who) noexcept {
    auto& work = *deaths_of(who);
    if (work.too_many()) [[unlikely]]
      relieve(work);
  }

  /// Those of a closed registry that CAF keeps because another node has got
  /// their handles: if nobody else does, nobody can end them.
  std::vector<weak_actor> take_exported() noexcept;

  // -- keepers ----------------------------------------------------------------

  /// Starts the keepers. To be called once, after construction.
  void start();

  /// Asks the keepers to end when nothing is left to free. Never waits.
  void stop() noexcept;

  /// The keeper that watches this actor.
  const caf::strong_actor_ptr&
  keeper_of(const caf::actor_control_block* who) const noexcept {
    return keepers_[who->id() % keepers_.size()];
  }

  const std::vector<caf::strong_actor_ptr>& keepers() const noexcept {
    return keepers_;
  }

  /// Where the death of this actor is noted, for that keeper.
  const deaths_ptr&
  deaths_of(const caf::actor_control_block* who) const noexcept {
    return deaths_[who->id() % deaths_.size()];
  }

  pending_monitor monitor_for(caf::actor_control_block* who) const {
    return {deaths_of(who), who};
  }

  /// Number of actors whose end was noticed and that are not cleaned up after
  /// yet.
  size_t backlog() const noexcept;

  /// Wakes a keeper in a short while to call `flush`, once for all calls until
  /// then. One relaxed load in general.
  void garbage() noexcept {
    if (!flush_requested_.load(std::memory_order_relaxed)
        && !flush_requested_.exchange(true))
      request_flush();
  }

  /// Wakes a keeper at this time to call `expire`.
  /// @throws std::bad_alloc without any change
  void wake_at(clock_type::time_point deadline);

  /// The same where nothing may fail: for lack of memory, `make_up_for_alarm`
  /// has to do it.
  void try_wake_at(clock_type::time_point deadline) noexcept;

  /// Wakes a keeper now if `try_wake_at` could not. One relaxed load in
  /// general.
  void make_up_for_alarm() noexcept {
    if (alarm_missed_.load(std::memory_order_relaxed))
      make_up_alarm();
  }

  /// Number of such times that are still to come: a test wants to know.
  size_t alarms();

  // -- listeners --------------------------------------------------------------

  /// Whether there are listeners: one relaxed load.
  bool has_listeners() const noexcept {
    return has_listeners_.load(std::memory_order_acquire);
  }

  /// Returns false if the registry is closed.
  bool add_listener(caf::strong_actor_ptr who);

  /// Returns whether it was one.
  bool remove_listener(const caf::actor_control_block* who);

  /// Sends a message to all listeners, in one order for all of them.
  void notify(const caf::message& msg);

  std::vector<caf::strong_actor_ptr> listeners() const;

  /// Number of events sent to listeners.
  uint64_t events_sent() const noexcept {
    return events_sent_.load(std::memory_order_relaxed);
  }

  /// Keeps a reference until the keeper drops it: what is let go of under a
  /// lock must not run an actor's destructor there. Null is none.
  void drop_later(caf::strong_actor_ptr ref);

  /// A reference that is dropped later than this object goes.
  class late_drop {
  public:
    late_drop(core_base& core, caf::strong_actor_ptr ref)
      : core_(&core), ref_(std::move(ref)) {
      // nop
    }

    late_drop(late_drop&&) noexcept = default;

    late_drop& operator=(late_drop&&) = delete;

    ~late_drop() {
      core_->drop_later(std::move(ref_));
    }

  private:
    core_base* core_;
    caf::strong_actor_ptr ref_;
  };

  // -- message interface ------------------------------------------------------

  /// Returns the actor that answers messages; `spawn()` starts it at the first
  /// call, after somebody has killed it, and after the registry was closed.
  caf::actor front(const std::function<caf::strong_actor_ptr()>& spawn);

  // -- metadata ---------------------------------------------------------------

  detail::metadata& metadata() noexcept {
    return metadata_;
  }

  // -- errors -----------------------------------------------------------------

  caf::error error(errc code, std::string_view key,
                   std::string_view reason) const {
    return make_error(code, *name_, key, reason, key_noun());
  }

  /// @param key As a text.
  caf::error key_too_large(std::string_view key) const;

  /// What errors call a key.
  virtual std::string_view key_noun() const noexcept {
    return "key";
  }

protected:
  /// Notes that this thread closes the registry.
  /// @returns whether it is the first one.
  bool begin_closing() noexcept;

  /// Returns whether the first one has done everything.
  bool closed_down() const noexcept;

  /// To be called by the first one when it has done everything.
  void end_closing() noexcept;

  /// To be called by others: waits for the first one, unless that is this very
  /// thread, or might be waiting for it.
  void wait_closed() noexcept;

  /// Drops listeners, metadata and what waits to be dropped.
  void drop_all() noexcept;

  /// To be called while the registry closes, for each actor that is enrolled
  /// and lives: from here on nothing of the registry is concerned with it.
  void part_from(const caf::strong_actor_ptr& who) noexcept;

  /// Adds those actors of a list that CAF keeps, too.
  void list_exported(std::vector<holder_info>& result) const;

  void empty_attic() noexcept;

  /// Does a part of this work in the thread that calls.
  virtual void help(deaths& work) noexcept;

private:
  void relieve(deaths& work) noexcept;

  void request_flush() noexcept;

  void make_up_alarm() noexcept;

  // One of those set to this time, if there still is one. Wants the lock.
  void forget_alarm(clock_type::time_point when) noexcept;

  caf::actor_system& system_;
  const std::shared_ptr<seam::driver> driver_;
  const seam::clock clock_;
  seam::actor_thread watch_thread_;
  registry_options options_;
  std::shared_ptr<const std::string> name_;
  std::vector<caf::strong_actor_ptr> keepers_;
  // One list for each keeper.
  std::vector<deaths_ptr> deaths_;
  // How many threads are in `help`.
  std::atomic<size_t> helpers_{0};

  // Written rarely, read by each write.
  std::atomic<bool> has_listeners_{false};
  std::atomic<bool> flush_requested_{false};

  std::atomic<uint64_t> events_sent_{0};
  mutable std::mutex listeners_mutex_;
  std::vector<caf::strong_actor_ptr> listeners_;
  // No more listeners.
  bool dropped_ = false;

  std::mutex front_mutex_;
  caf::strong_actor_ptr front_;

  std::mutex exported_mutex_;
  std::vector<weak_actor> exported_;

  std::mutex attic_mutex_;
  std::vector<caf::strong_actor_ptr> attic_;

  detail::metadata metadata_;

  std::mutex alarm_mutex_;
  // When keepers will be woken up. A later deadline needs no alarm of its own.
  std::multiset<clock_type::time_point> alarms_;
  std::atomic<bool> alarm_missed_{false};
  std::atomic<bool> stopped_{false};

  mutable std::mutex closing_mutex_;
  std::condition_variable closing_ended_;
  // The thread that was the first to close, nobody before.
  seam::thread_id closer_ = 0;
  bool closed_down_ = false;
};

} // namespace cafreg::detail
