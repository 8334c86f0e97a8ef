// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/detail/cohort_table.hpp"
#include "cafreg/detail/looks.hpp"
#include "cafreg/detail/pacer.hpp"
#include "cafreg/detail/roster.hpp"
#include "cafreg/path.hpp"

namespace cafreg::detail {

/// Who wants to see what, and how often: subscriptions by scope. It decides
/// when what is delivered to whom; time goes in, deliveries come out. Equal
/// subscriptions go in step, so that a change costs the same for one subscriber
/// and for some hundreds of them, and reaches them with one callback.
///
/// All members but `attentive` want the caller to hold one and the same mutex,
/// here called the lock. Callbacks run under it and must not call back into
/// this object. A second mutex guards the state. It may be taken under the
/// lock, never the other way round: looks at the state take it. Who changes the
/// state
///
/// 1. commits it under the mutex of the state, and releases that mutex,
/// 2. and then, if `attentive()`, takes the lock and calls `changed`.
///
/// No change is lost: before `add` and `expire` look at the state, they make
/// `attentive()` true, and it stays so until they return, and longer if
/// somebody is idle then. Hence either the look sees the commit, or the writer
/// sees that it is to call `changed`, and waits for the lock until all who
/// missed the commit are idle.
///
/// Due times are the caller's business: after `add`, `changed`, `acknowledge`
/// and `expire` it sees to it that `expire` is called at `next_due()`. The
/// times given to `expire` must not decrease.
///
/// @tparam Member Who subscribes. Copying and moving throws nothing.
/// @tparam State What is delivered; moving it throws nothing. Copying and
///               comparing it (`==`) may throw, but is done often.
/// @tparam Less An ordering of members.
template <class Member, class State, class Less = std::less<Member>>
class audience {
  using table = cohort_table<Member, State>;

  using cohort = typename table::cohort;

  using scope = typename table::scope;

  using roster_type = roster<Member, cohort, Less>;

  using position = typename roster_type::position;

public:
  using time_point = pacer::time_point;

  using settings = audience_settings;

  using entry = audience_entry<Member>;

  /// How many subscriptions go in step at most.
  static constexpr size_t max_in_step = table::max_members;

  /// Subscriptions that were removed. Its destructor releases members and
  /// states: keep it until the lock is released.
  class removed {
  public:
    size_t size() const noexcept {
      return records_.size();
    }

    bool empty() const noexcept {
      return records_.empty();
    }

    /// Calls `fn(uint64_t id, const Member&)` for each of them.
    template <class Fn>
    void for_each(Fn&& fn) const {
      for (auto& [k, rec] : records_)
        fn(rec.id, k.who);
    }

  private:
    friend class audience;

    typename roster_type::map records_;
    typename table::cohort_list cohorts_;
  };

  struct added {
    uint64_t id;

    /// What `look` returned, and what the new subscriber must get before the
    /// lock is released: otherwise a newer state could overtake it.
    State state;

    /// Not a subscription, but what the one before left behind.
    removed replaced;
  };

  audience() = default;

  audience(const audience&) = delete;

  audience& operator=(const audience&) = delete;

  /// Whether changes are to be told to `changed`. May be called by any thread
  /// at any time. Complexity: constant.
  bool attentive() const noexcept {
    return cohorts_.attentive();
  }

  /// Adds a subscription. It joins equal ones that rest, if there are any with
  /// the same state. There is one subscription for each member and scope: that
  /// of before is replaced with all it waited for, and its id is void, so that
  /// late acknowledgements concern nobody.
  /// @param how Negative durations count as zero.
  /// @param look `look(const path&)` returns the present state of the scope.
  /// @throws anything without any change.
  /// Complexity: logarithmic in the number of subscriptions.
  template <class Look>
  added add(const path& where, settings how, Member who, Look&& look) {
    how.limits = how.limits.clamped();
    typename table::attention until_return{cohorts_};
    auto& at = cohorts_.open(where);
    auto id = last_id_ + 1;
    auto pos = roster_.end();
    try {
      State state = look(std::as_const(at.where));
      State copy = state;
      pos = roster_.reserve(who, at.number, id);
      auto* in = cohorts_.find_idle(at, how, state);
      if (in != nullptr)
        in->members.push_back({id, std::move(who)});
      else
        in = &cohorts_.make(at, how, std::move(copy), {id, std::move(who)});
      // From here on nothing fails.
      in->awaited = how.acknowledged;
      last_id_ = id;
      added result{id, std::move(state), {}};
      auto old = std::exchange(pos->second, {id, in, in->members.size() - 1});
      if (old.id != 0) {
        roster_.forget(old.id);
        leave(*old.in, old.index, result.replaced);
      }
      return result;
    } catch (...) {
      if (pos != roster_.end())
        roster_.cancel(pos, id);
      cohorts_.trim(at);
      throw;
    }
  }

  /// Returns the id of a member's subscription to a scope, or 0. Complexity:
  /// logarithmic.
  uint64_t find(const Member& who,
                std::span<const std::string> where) noexcept {
    auto* at = cohorts_.find(where);
    if (at == nullptr)
      return 0;
    auto pos = roster_.find(who, at->number);
    return pos != roster_.end() ? pos->second.id : 0;
  }

  /// Removes a subscription, if there is one. Complexity: logarithmic.
  removed remove(uint64_t id) noexcept {
    removed result;
    take(roster_.find(id), result);
    return result;
  }

  /// Removes a member's subscription to a scope, if there is one. Complexity:
  /// logarithmic.
  removed remove(const Member& who,
                 std::span<const std::string> where) noexcept {
    removed result;
    if (auto* at = cohorts_.find(where))
      take(roster_.find(who, at->number), result);
    return result;
  }

  /// Removes all subscriptions of a member. Complexity: logarithmic for each of
  /// these.
  removed remove_all(const Member& who) noexcept {
    removed result;
    auto pos = roster_.find_first(who);
    while (roster_.is_of(pos, who))
      take(pos++, result);
    return result;
  }

  /// Removes everything. Complexity: linear.
  removed clear() noexcept {
    removed result;
    roster_.clear(result.records_);
    cohorts_.clear(result.cohorts_);
    return result;
  }

  /// A leaf was added, changed or removed: starts the pacing of all who rest at
  /// a scope that contains it. Complexity: linear in the depth of the leaf, and
  /// in the number of cohorts that it starts. No allocation.
  /// @returns the earliest due time of what it started, or the end of all time.
  time_point changed(std::span<const std::string> leaf,
                     time_point now) noexcept {
    return cohorts_.change(leaf, now);
  }

  /// What was delivered last to a subscription: null if nobody has this id.
  /// Complexity: logarithmic.
  const State* last(uint64_t id) noexcept {
    auto pos = roster_.find(id);
    return pos != roster_.end() ? &pos->second.in->last : nullptr;
  }

  /// Somebody got what was delivered last. Late or repeated calls do no harm,
  /// except that a call for the delivery before counts for the last one.
  /// @returns when to call `expire`: a time in the past if something waited for
  ///          this only, the end of all time if nothing is due or nobody has
  ///          this id. Complexity: logarithmic.
  time_point acknowledge(uint64_t id) noexcept {
    auto pos = roster_.find(id);
    if (pos == roster_.end())
      return time_point::max();
    auto& x = *pos->second.in;
    x.awaited = false;
    cohorts_.queue(x);
    return x.pacing.due();
  }

  /// Delivers what is due by now and differs from what was delivered last.
  /// @param look `look(const path&)` returns the present state of a scope; it
  ///             is called at most once for each scope.
  /// @param deliver `deliver(const path& scope, const State&, std::span<const
  ///                entry>)` gives a state to all these members. It returns
  ///                when the last one had it, from which on their pause counts;
  ///                or nothing, if it took no time.
  /// @param enough After so many deliveries, and at most `max_in_step` more, it
  ///               leaves the others to the next call. Positive.
  /// @returns when to call it again, or the end of all time.
  /// @throws what a callback throws. All that was due and not delivered still
  ///         is; members that a failed callback reached will be reached again.
  template <class Look, class Deliver>
  time_point expire(time_point now, Look&& look, Deliver&& deliver,
                    size_t enough = std::numeric_limits<size_t>::max()) {
    retired_.clear();
    typename table::attention until_return{cohorts_};
    looks<scope> seen;
    size_t done = 0;
    while (auto* x = done < enough ? cohorts_.first_due(now) : nullptr) {
      if (x->awaited) {
        ++done;
        cohorts_.withdraw(*x); // until it is acknowledged
        continue;
      }
      const State& present = seen.at(*x->at, look);
      State copy = present;
      if (present == x->last) {
        ++done;
        cohorts_.step(*x, [](pacer& y) { y.rest(); });
      } else {
        auto end = time_of(now, [&] {
          return deliver(std::as_const(x->at->where), present,
                         std::span<const entry>{x->members});
        });
        deliveries_ += x->members.size();
        done += x->members.size();
        x->awaited = x->acknowledged;
        cohorts_.step(*x, [end](pacer& y) { y.delivered(end); });
      }
      // Also if it is equal: the old one may hold on to more memory.
      retire(std::exchange(x->last, std::move(copy)));
      auto moved = [this](cohort& y, size_t i) { settle(y, i); };
      for (auto& y : cohorts_.merge(*x, moved))
        retire(std::move(y.last));
    }
    return next_due();
  }

  /// When `expire` is to be called, or the end of all time.
  time_point next_due() const noexcept {
    return cohorts_.next_due();
  }

  /// Takes the states that the last call of `expire` replaced, for the caller
  /// to release them without the lock: the last reference to a large one may be
  /// among them. The next call releases what nobody took.
  std::vector<State> take_retired() noexcept {
    return std::exchange(retired_, {});
  }

  /// Calls `fn(const path& scope, const settings&, uint64_t id, const Member&)`
  /// for each subscription.
  template <class Fn>
  void for_each(Fn&& fn) const {
    for (auto& [k, rec] : roster_.all())
      fn(std::as_const(rec.in->at->where), rec.in->settings(), rec.id, k.who);
  }

  /// Number of subscriptions.
  size_t size() const noexcept {
    return roster_.all().size();
  }

  /// Number of groups that the subscriptions form.
  size_t cohorts() const noexcept {
    return cohorts_.size();
  }

  /// How many members got something from `expire`, each counted each time.
  uint64_t deliveries() const noexcept {
    return deliveries_;
  }

  /// Whether it keeps nothing, not even an empty scope.
  bool pristine() const noexcept {
    return roster_.empty() && cohorts_.size() == 0 && cohorts_.unscoped();
  }

private:
  template <class Fn>
  static time_point time_of(time_point now, Fn fn) {
    if constexpr (std::is_void_v<std::invoke_result_t<Fn>>) {
      fn();
      return now;
    } else {
      return fn();
    }
  }

  static_assert(std::is_nothrow_move_constructible_v<
                  Member> && std::is_nothrow_move_assignable_v<Member>);

  void take(position pos, removed& into) noexcept {
    if (pos == roster_.end())
      return;
    leave(*pos->second.in, pos->second.index, into);
    roster_.remove(pos, into.records_);
  }

  // Takes somebody out of his cohort, whose last member takes his place.
  void leave(cohort& x, size_t index, removed& into) noexcept {
    if (x.members.size() == 1) {
      cohorts_.drop(x, into.cohorts_);
      return;
    }
    if (index + 1 < x.members.size()) {
      x.members[index] = std::move(x.members.back());
      settle(x, index);
    }
    x.members.pop_back();
  }

  // Notes where a member is now.
  void settle(cohort& x, size_t index) noexcept {
    auto& rec = roster_.find(x.members[index].id)->second;
    rec.in = &x;
    rec.index = index;
  }

  void retire(State old) noexcept {
    try {
      retired_.push_back(std::move(old));
    } catch (...) {
      // It is released here.
    }
  }

  table cohorts_;
  roster_type roster_;
  uint64_t last_id_ = 0;
  uint64_t deliveries_ = 0;
  std::vector<State> retired_;
};

} // namespace cafreg::detail
