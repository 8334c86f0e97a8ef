// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/detail/pacer.hpp"
#include "cafreg/detail/scope_tree.hpp"
#include "cafreg/path.hpp"

namespace cafreg::detail {

/// What a subscriber wishes.
struct audience_settings {
  pace limits;

  /// Nothing is delivered before the last delivery was acknowledged.
  bool acknowledged = false;

  friend bool operator==(const audience_settings&, const audience_settings&)
    = default;

  friend auto operator<=>(const audience_settings& x,
                          const audience_settings& y) noexcept {
    return std::tie(x.limits, x.acknowledged)
           <=> std::tie(y.limits, y.acknowledged);
  }
};

/// A subscription as deliveries see it.
template <class Member>
struct audience_entry {
  uint64_t id;
  Member who;
};

/// Subscribers that share one pacer, since they have the same scope and the
/// same settings, got the same state last, and are in the same phase. With
/// acknowledgement everybody is alone. A cohort is served in one go, hence a
/// crowd forms several. This class keeps cohorts by scope and by due time;
/// `audience` knows who is where. Once a cohort is made, it goes from phase to
/// phase without needing memory. Not thread-safe.
template <class Member, class State>
class cohort_table {
public:
  using time_point = pacer::time_point;

  using entry = audience_entry<Member>;

  /// How many members a cohort has at most.
  static constexpr size_t max_members = 256;

  struct cohort;

private:
  // Orders the cohorts of a scope: the idle ones first, and together those that
  // may become one.
  struct place {
    time_point due;
    pacer::phase phase;
    audience_settings settings;

    friend bool operator<(const place& x, const place& y) noexcept {
      return std::tie(x.due, x.phase, x.settings)
             < std::tie(y.due, y.phase, y.settings);
    }
  };

  using place_map = std::multimap<place, cohort*>;

  using due_map = std::multimap<time_point, cohort*>;

  struct watched {
    place_map cohorts;
    // What was seen there during the present call of `audience::expire`.
    std::optional<State> seen;
    typename scope_tree<watched>::node* seen_before = nullptr;

    bool empty() const noexcept {
      return cohorts.empty();
    }
  };

public:
  using scope = typename scope_tree<watched>::node;

  using cohort_list = std::list<cohort>;

  struct cohort {
    cohort(scope& at, const audience_settings& settings, State last)
      : at(&at),
        acknowledged(settings.acknowledged),
        pacing(settings.limits),
        last(std::move(last)) {
      // nop
    }

    audience_settings settings() const noexcept {
      return {pacing.limits(), acknowledged};
    }

    scope* at;
    bool acknowledged;
    // Whether the last delivery is still to be acknowledged.
    bool awaited = false;
    pacer pacing;
    State last;
    std::vector<entry> members;

  private:
    friend class cohort_table;

    typename cohort_list::iterator self;
    // Where it is in the map of its scope.
    typename place_map::iterator placed;
    // Where it is in the order of due times, or its node while it is not there.
    typename due_map::iterator queued;
    typename due_map::node_type unqueued;
  };

  /// As long as one of them lives, changes are wanted.
  class attention {
  public:
    explicit attention(cohort_table& table) noexcept : table_(table) {
      table_.wanting_.fetch_add(1, std::memory_order_relaxed);
    }

    attention(const attention&) = delete;

    attention& operator=(const attention&) = delete;

    ~attention() {
      table_.wanting_.fetch_sub(1, std::memory_order_relaxed);
    }

  private:
    cohort_table& table_;
  };

  /// Whether changes are wanted: some cohort is idle, or somebody says so. May
  /// be called by any thread at any time.
  bool attentive() const noexcept {
    return wanting_.load(std::memory_order_relaxed) > 0;
  }

  /// Returns the scope with this path. To be followed by `trim` if no cohort is
  /// made there.
  scope& open(const path& where) {
    return scopes_.open(where);
  }

  scope* find(std::span<const std::string> where) noexcept {
    return scopes_.find(where);
  }

  void trim(scope& at) noexcept {
    scopes_.trim(at);
  }

  /// Makes an idle cohort of one.
  /// @throws anything without any change.
  cohort& make(scope& at, const audience_settings& settings, State last,
               entry first) {
    // If something throws, then the list goes with all that was done before.
    cohort_list fresh;
    auto& x = fresh.emplace_back(at, settings, std::move(last));
    x.members.push_back(std::move(first));
    x.self = fresh.begin();
    x.unqueued = [&x] {
      due_map single;
      return single.extract(single.emplace(time_point::max(), &x));
    }();
    x.placed = at.value.cohorts.emplace(place_of(x), &x);
    cohorts_.splice(cohorts_.end(), fresh);
    wanting_.fetch_add(1, std::memory_order_relaxed);
    return x;
  }

  /// Removes a cohort, and its scope if that was the last one there.
  /// @param into Keeps it until the caller may free memory.
  void drop(cohort& x, cohort_list& into) noexcept {
    if (x.pacing.idle())
      wanting_.fetch_sub(1, std::memory_order_relaxed);
    withdraw(x);
    auto& at = *x.at;
    at.value.cohorts.erase(x.placed);
    into.splice(into.end(), cohorts_, x.self);
    scopes_.trim(at);
  }

  /// Removes all cohorts and scopes.
  void clear(cohort_list& into) noexcept {
    due_.clear();
    scopes_.clear();
    into.splice(into.end(), cohorts_);
    wanting_.store(0, std::memory_order_relaxed);
  }

  /// Returns an idle cohort that somebody may join who has this state, or null.
  /// Complexity: linear in the number of equal cohorts that are full, in
  /// general constant.
  /// @throws what comparing states throws.
  cohort* find_idle(scope& at, const audience_settings& settings,
                    const State& last) {
    if (settings.acknowledged)
      return nullptr;
    return find_at(at, {idle_place, pacer::phase::idle, settings}, last, 1,
                   nullptr);
  }

  /// Lets all idle cohorts that a leaf concerns begin to collect. Complexity:
  /// linear in the depth of the leaf and in the number of these cohorts.
  /// @returns when the first of them will be due, or the end of all time.
  time_point change(std::span<const std::string> leaf,
                    time_point now) noexcept {
    auto result = time_point::max();
    scopes_.along(leaf, [&](watched& at) {
      while (!at.empty() && at.cohorts.begin()->second->pacing.idle()) {
        auto& x = *at.cohorts.begin()->second;
        step(x, [now](pacer& y) { y.change(now); });
        result = std::min(result, x.pacing.due());
      }
    });
    return result;
  }

  /// Moves a cohort on: `fn(pacer&)` changes its phase.
  template <class Fn>
  void step(cohort& x, Fn&& fn) noexcept {
    auto was_idle = x.pacing.idle();
    withdraw(x);
    fn(x.pacing);
    auto node = x.at->value.cohorts.extract(x.placed);
    node.key() = place_of(x);
    x.placed = x.at->value.cohorts.insert(std::move(node));
    if (x.pacing.idle() == was_idle) {
      // nop
    } else if (was_idle) {
      wanting_.fetch_sub(1, std::memory_order_relaxed);
    } else {
      wanting_.fetch_add(1, std::memory_order_relaxed);
    }
    queue(x);
  }

  /// Unites a cohort with one that differs in nothing but its members, if there
  /// is one, and room and memory suffice: both would do the same anyway.
  /// The state of `x` is kept, as it is newer.
  /// @param moved `moved(cohort&, size_t index)`: a member is now there.
  /// @returns what is left over: no cohort, or one without members.
  template <class Moved>
  cohort_list merge(cohort& x, Moved&& moved) noexcept {
    cohort_list rest;
    if (x.acknowledged)
      return rest;
    try {
      auto* from = find_at(*x.at, x.placed->first, x.last, x.members.size(),
                           &x);
      if (from == nullptr)
        return rest;
      auto* to = &x;
      if (to->members.size() < from->members.size()) {
        std::swap(to, from);
        std::swap(to->last, from->last);
      }
      auto size = to->members.size();
      auto all = size + from->members.size();
      if (all > to->members.capacity())
        to->members.reserve(std::max(all, 2 * size));
      for (auto& member : from->members) {
        to->members.push_back(std::move(member));
        moved(*to, to->members.size() - 1);
      }
      drop(*from, rest);
    } catch (...) {
      // They stay two.
    }
    return rest;
  }

  /// Takes a cohort out of the order of due times.
  void withdraw(cohort& x) noexcept {
    if (!x.unqueued)
      x.unqueued = due_.extract(x.queued);
  }

  /// Puts it back, unless it is idle or there already.
  void queue(cohort& x) noexcept {
    if (x.pacing.idle() || !x.unqueued)
      return;
    x.unqueued.key() = x.pacing.due();
    x.queued = due_.insert(std::move(x.unqueued));
  }

  /// When the first cohort is due, or the end of all time.
  time_point next_due() const noexcept {
    return due_.empty() ? time_point::max() : due_.begin()->first;
  }

  /// The first cohort that is due by now, or null.
  cohort* first_due(time_point now) noexcept {
    return due_.empty() || due_.begin()->first > now ? nullptr
                                                     : due_.begin()->second;
  }

  /// Number of cohorts.
  size_t size() const noexcept {
    return cohorts_.size();
  }

  /// Whether it keeps no scope.
  bool unscoped() const noexcept {
    return scopes_.empty();
  }

private:
  static_assert(std::is_nothrow_move_constructible_v<
                  State> && std::is_nothrow_move_assignable_v<State>);

  // Sorts before all due times.
  static constexpr auto idle_place = time_point::min();

  static place place_of(const cohort& x) noexcept {
    return {x.pacing.idle() ? idle_place : x.pacing.due(), x.pacing.current(),
            x.settings()};
  }

  // Finds one with room for so many more. The latest is the least full one in
  // general.
  cohort* find_at(scope& at, const place& where, const State& last,
                  size_t coming, const cohort* other_than) {
    if (coming >= max_members)
      return nullptr;
    auto [begin, pos] = at.value.cohorts.equal_range(where);
    while (pos != begin) {
      auto* x = (--pos)->second;
      if (x != other_than && x->members.size() + coming <= max_members
          && x->last == last)
        return x;
    }
    return nullptr;
  }

  scope_tree<watched> scopes_;
  cohort_list cohorts_;
  // Those that are due some time, and not withdrawn.
  due_map due_;
  // Number of idle cohorts and of `attention` objects.
  std::atomic<size_t> wanting_{0};
};

} // namespace cafreg::detail
