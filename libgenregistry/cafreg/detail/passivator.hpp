// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/deadline.hpp"
#include "cafreg/detail/handover.hpp"
#include "cafreg/detail/usage_order.hpp"
#include "cafreg/detail/worker_slot.hpp"
#include "cafreg/gen_options.hpp"

namespace cafreg::detail {

/// Chooses the workers that have to leave, because they are idle or too many,
/// and keeps what was sent to them for their successors. Thread-safe.
template <class Key, class Args>
class passivator {
public:
  using record = worker_record<Key, Args>;

  using record_ptr = caf::intrusive_ptr<record>;

  using time_point = std::chrono::steady_clock::time_point;

  using orphans_type = typename record::orphans_type;

  passivator(const gen_registry_options& options, const seam::clock& clock)
    : clock_(clock),
      idle_after_(options.idle_after),
      max_workers_(options.max_workers),
      ask_(options.ask_before_leaving) {
    // nop
  }

  bool enabled() const noexcept {
    return idle_after_.count() > 0 || max_workers_ > 0;
  }

  /// Messages that wait for the next incarnation of their workers.
  orphans_type& orphans() noexcept {
    return orphans_;
  }

  // -- called under the lock of the key's shard -------------------------------

  /// Adds a worker. One that there is no memory for is never chosen.
  void add(record& x) noexcept {
    if (!enabled())
      return;
    try {
      std::lock_guard guard{mutex_};
      order_.add(&x, x.last_use());
    } catch (...) {
      // nop
    }
  }

  /// Forgets a worker that is no longer the one for its id, and leaves what its
  /// way has kept for the next one.
  /// @returns whether there was anything.
  bool remove(record& x) noexcept {
    auto left = false;
    auto now = clock_.now();
    x.way.vanish([&](typename orphans_type::messages kept) {
      // Nobody prepares the way from here on.
      if (auto* place = std::exchange(x.place, nullptr))
        left = orphans_.leave(place, std::move(kept), now);
    });
    if (enabled()) {
      std::lock_guard guard{mutex_};
      x.listed = false;
      order_.remove(&x);
      leaving_.erase(&x);
    }
    return left;
  }

  // -- handing over -----------------------------------------------------------

  /// Lets the way of a worker keep messages.
  void prepare(record& x) {
    auto* place = orphans_.claim(x.key, x.args);
    if (!x.way.prepare([&] { x.place = place; }))
      orphans_.release(place);
  }

  /// Delivers to a worker what waits for it, and lets messages through.
  /// @returns whether the worker is there still.
  template <class Deliver>
  bool open(record& x, const caf::actor_control_block* who,
            Deliver&& deliver) noexcept {
    auto* place = find_place(x);
    auto result = x.way.open([who] { return actors::dead(who); },
                             [&]() -> typename orphans_type::messages {
                               if (place != nullptr)
                                 return orphans_.take(place);
                               return {};
                             },
                             deliver);
    if (place != nullptr)
      orphans_.release(place);
    return result;
  }

  // -- choosing ---------------------------------------------------------------

  /// Tells workers to leave, or asks them whether they may. Those who would not
  /// leave when there were too many, and have done nothing since, are asked
  /// again after a pause only.
  /// @param dismiss `dismiss(record&)` tells one; returns false if it shall
  ///                stay after all.
  /// @returns the workers to be asked.
  template <class Dismiss>
  std::vector<caf::actor> sweep(time_point now, Dismiss&& dismiss) noexcept {
    std::vector<record_ptr> chosen;
    choose_idle(now, chosen);
    choose_surplus(now, chosen);
    std::vector<caf::actor> questions;
    for (auto& x : chosen)
      if (ask_)
        ask(*x, questions);
      else
        tell(*x, dismiss);
    return questions;
  }

  /// Takes the worker that was asked, unless it is gone.
  record_ptr take_asked(const caf::actor& who) noexcept {
    std::lock_guard guard{mutex_};
    auto pos = asked_.find(who.id());
    if (pos == asked_.end())
      return nullptr;
    auto result = std::move(pos->second);
    asked_.erase(pos);
    return result;
  }

  /// Lets a chosen worker stay.
  /// @param unwilling Whether it would not leave.
  void keep(record& x, bool unwilling) noexcept {
    std::lock_guard guard{mutex_};
    if (unwilling) {
      x.touch(clock_.now());
      x.refused_at = x.last_use();
    }
    order_.put_back(&x, x.last_use());
  }

  /// Tells a chosen worker to leave, or lets it stay if it was used since, or
  /// cannot be told.
  template <class Dismiss>
  void tell(record& x, Dismiss&& dismiss) noexcept {
    try {
      {
        std::lock_guard guard{mutex_};
        if (!x.listed)
          return;
        leaving_.insert(&x);
      }
      if (dismiss(x))
        return;
    } catch (...) {
      postpone();
    }
    {
      std::lock_guard guard{mutex_};
      leaving_.erase(&x);
    }
    keep(x, false);
  }

  /// Whether there are more workers than there may be, those not counted who
  /// leave or are asked to.
  bool too_many() const {
    if (max_workers_ == 0)
      return false;
    std::lock_guard guard{mutex_};
    return order_.size() > max_workers_;
  }

  /// When `sweep` should be called next.
  std::optional<time_point> next(time_point now) const {
    std::lock_guard guard{mutex_};
    std::optional<time_point> result;
    if (idle_after_.count() > 0 && order_.front())
      result = later(*order_.front(), idle_after_);
    if (max_workers_ > 0 && order_.size() > max_workers_) // unwilling ones
      result = std::min(result.value_or(time_point::max()), ask_again_at_);
    // Not at once if memory has run out.
    if (result && *result < not_before_)
      result = std::max(now, not_before_);
    return result;
  }

  /// Number of workers that were told to leave and have not done so yet.
  size_t leaving() const {
    std::lock_guard guard{mutex_};
    return leaving_.size();
  }

private:
  // A worker gets what is sent to it even if its key cannot be hashed now: what
  // its predecessors have left is then delivered later.
  typename orphans_type::place* find_place(const record& x) noexcept {
    try {
      return orphans_.find(x.key);
    } catch (...) {
      return nullptr;
    }
  }

  // How long those are left alone who would not leave.
  static constexpr auto pause = std::chrono::seconds{1};

  // How long to wait for memory.
  static constexpr auto retry_pause = std::chrono::milliseconds{100};

  static time_point last_use(const record& x) noexcept {
    return x.last_use();
  }

  // Without memory for it now, a worker is chosen another time. Caller holds
  // the lock.
  bool choose(record* x, std::vector<record_ptr>& to) noexcept {
    x->judged_by = x->last_use();
    try {
      // The table has a reference as long as it is listed.
      to.emplace_back(x);
      return true;
    } catch (...) {
      order_.put_back(x, x->last_use());
      not_before_ = clock_.now() + retry_pause;
      return false;
    }
  }

  void choose_idle(time_point now, std::vector<record_ptr>& to) noexcept {
    if (idle_after_.count() == 0)
      return;
    std::lock_guard guard{mutex_};
    while (auto* x = order_.take_oldest_until(now - idle_after_, last_use))
      if (!choose(x, to))
        return;
  }

  void choose_surplus(time_point now, std::vector<record_ptr>& to) noexcept {
    if (max_workers_ == 0)
      return;
    std::lock_guard guard{mutex_};
    if (order_.size() <= max_workers_)
      return;
    auto again = now >= ask_again_at_;
    if (again)
      ask_again_at_ = now + pause;
    while (order_.size() > max_workers_) {
      auto* x = order_.take_oldest(last_use);
      if (!again && x->refused_at == x->last_use()) {
        order_.put_back(x, x->last_use());
        return;
      }
      if (!choose(x, to))
        return;
    }
  }

  void ask(record& x, std::vector<caf::actor>& questions) noexcept {
    try {
      auto who = caf::actor_cast<caf::actor>(x.who);
      if (!who)
        return;
      questions.reserve(questions.size() + 1);
      std::lock_guard guard{mutex_};
      asked_.insert_or_assign(who.id(), share(x));
      questions.push_back(std::move(who));
    } catch (...) {
      postpone();
      keep(x, false);
    }
  }

  void postpone() noexcept {
    std::lock_guard guard{mutex_};
    not_before_ = clock_.now() + retry_pause;
  }

  const seam::clock clock_;
  const std::chrono::nanoseconds idle_after_;
  const size_t max_workers_;
  const bool ask_;
  orphans_type orphans_;
  mutable std::mutex mutex_;
  usage_order<record> order_;
  // When those who would not leave may be asked again.
  time_point ask_again_at_{};
  time_point not_before_{};
  std::unordered_map<caf::actor_id, record_ptr> asked_;
  std::unordered_set<record*> leaving_;
};

} // namespace cafreg::detail
