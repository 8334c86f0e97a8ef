// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/access.hpp"
#include "cafreg/detail/leaf_content.hpp"
#include "cafreg/detail/mount_rules.hpp"
#include "cafreg/detail/refusal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// What a store of owned state must do, in the plainest way: each leaf is in a
// map, with what each owner says at it. Copied as a whole, searched from begin
// to end.

namespace store_model {

using cafreg::access;
using cafreg::detail::owner_id;
using cafreg::detail::refusal_reason;
using cafreg::detail::restorer;

using keys = std::vector<std::string>;

struct mount {
  access kind;
  std::vector<std::string> priorities;
};

struct settings {
  std::map<std::string, mount> mounts;
  size_t max_depth;
  size_t max_key_size;
};

struct author {
  owner_id id;
  std::string priority;
};

/// What one owner says at a leaf. The lowest rank shows, then the lowest age.
struct voice {
  size_t rank;
  uint64_t age;
  owner_id who;
  int value;

  friend bool operator==(const voice&, const voice&) = default;

  friend bool operator<(const voice& x, const voice& y) {
    return std::tie(x.rank, x.age) < std::tie(y.rank, y.age);
  }
};

/// Never empty.
using voices = std::set<voice>;

using leaves = std::map<keys, voices>;

using change = std::pair<std::optional<int>, std::optional<int>>;

using delta = std::map<keys, change>;

/// Says why a step was refused.
inline std::string say(refusal_reason why, const keys& where) {
  std::string result{to_text(why)};
  for (auto& key : where)
    result += " / " + key;
  return result;
}

inline bool begins_with(const keys& x, const keys& start) {
  return x.size() >= start.size()
         && std::equal(start.begin(), start.end(), x.begin());
}

inline voices::const_iterator voice_of(const voices& all, owner_id who) {
  return std::find_if(all.begin(), all.end(),
                      [who](const voice& x) { return x.who == who; });
}

inline delta difference(const leaves& before, const leaves& after) {
  delta result;
  for (auto& [where, all] : before)
    result[where].first = all.begin()->value;
  for (auto& [where, all] : after)
    result[where].second = all.begin()->value;
  std::erase_if(result, [](const auto& x) {
    return x.second.first == x.second.second;
  });
  return result;
}

/// Those who have died. They are there until they are dropped, and whoever
/// comes need not respect what they have left.
using dead_set = std::set<owner_id>;

/// All that a store holds.
struct state {
  leaves all;
  /// Of each owner that exists.
  std::map<owner_id, leaves> own;
  uint64_t version = 0;
  /// Grows with each change, even one that does not show.
  uint64_t changes = 0;
  /// For the age of what is said.
  uint64_t clock = 0;

  std::set<keys> paths_of(owner_id who) const {
    std::set<keys> result;
    for (auto& [where, there] : all)
      if (voice_of(there, who) != there.end())
        result.insert(where);
    return result;
  }
};

/// A transaction on a copy of the state.
class transaction {
public:
  /// @param dead Those at the time of each step.
  transaction(const settings& config, author who, const state& before,
              const dead_set& dead)
    : config_(config),
      who_(std::move(who)),
      before_(before),
      now_(before),
      dead_(dead) {
    // nop
  }

  void put(const keys& where, int value) {
    if (auto why = error_of(where))
      return refuse(*why, where);
    if (where.size() == 1 && mount_of(where) != nullptr)
      return refuse(refusal_reason::is_mount, where);
    auto& tree = tree_of(where);
    std::vector<keys> obstacles;
    auto why = refusal_reason::over_subtree;
    auto dead = true;
    for (auto& [other, what] : tree) {
      if (other == where
          || (!begins_with(where, other) && !begins_with(other, where)))
        continue;
      obstacles.push_back(other);
      if (begins_with(where, other))
        why = refusal_reason::through_leaf;
      for (auto& x : what)
        dead = dead && is_dead(x.who);
    }
    if (!obstacles.empty() && !dead)
      return refuse(why, where);
    for (auto& other : obstacles)
      write(other, {});
    auto rank = rank_at(where);
    auto pos = tree.find(where);
    if (pos == tree.end()) {
      write(where, {{rank, ++now_.clock, who_.id, value}});
      return;
    }
    auto there = pos->second;
    auto mine = voice_of(there, who_.id);
    if (kind_of(where) == access::layered) {
      voice fresh{rank, 0, who_.id, value};
      if (mine != there.end() && mine->rank == rank) {
        if (mine->value == value)
          return;
        fresh.age = mine->age;
      } else {
        fresh.age = ++now_.clock;
      }
      if (mine != there.end())
        there.erase(mine);
      there.insert(fresh);
      write(where, there);
      return;
    }
    // There is but one voice.
    auto fresh = *there.begin();
    if (fresh.who == restorer || is_dead(fresh.who))
      fresh.who = who_.id;
    if (kind_of(where) == access::owned && fresh.who != who_.id)
      return refuse(refusal_reason::reserved, where);
    fresh.value = value;
    if (fresh != *there.begin())
      write(where, {fresh});
  }

  void remove(const keys& scope) {
    if (auto why = error_of(scope))
      return refuse(*why, scope);
    for (auto& where : leaves_in(scope))
      remove_leaf(where);
  }

  void move(const keys& from, const keys& to) {
    if (auto why = error_of(from))
      return refuse(*why, from);
    if (auto why = error_of(to))
      return refuse(*why, to);
    if (from == to)
      return;
    if (begins_with(to, from))
      return refuse(refusal_reason::below_itself, to);
    std::map<keys, int> moved;
    for (auto& where : leaves_in(from)) {
      auto there = tree_of(where).at(where);
      auto taken = there.begin();
      if (kind_of(where) == access::layered)
        taken = voice_of(there, who_.id);
      if (taken == there.end())
        continue;
      auto target = to;
      target.insert(target.end(),
                    where.begin() + static_cast<ptrdiff_t>(from.size()),
                    where.end());
      moved[target] = taken->value;
      remove_leaf(where);
    }
    if (moved.empty())
      refuse(refusal_reason::nothing_there, from);
    for (auto& [where, value] : moved) {
      auto& tree = tree_of(where);
      auto pos = tree.find(where);
      auto free = pos == tree.end()
                  || (kind_of(where) == access::layered
                        ? voice_of(pos->second, who_.id) == pos->second.end()
                        : is_dead(pos->second.begin()->who));
      if (free)
        put(where, value);
      else
        refuse(refusal_reason::occupied, where);
    }
  }

  void remove_all() {
    for (auto& where : now_.paths_of(who_.id)) {
      auto rest = now_.all[where];
      rest.erase(voice_of(rest, who_.id));
      write(where, rest);
    }
    auto own = now_.own[who_.id];
    for (auto& [where, there] : own)
      write(where, {});
  }

  std::optional<int> look(const keys& where) {
    auto& tree = tree_of(where);
    auto pos = tree.find(where);
    if (pos == tree.end())
      return std::nullopt;
    return pos->second.begin()->value;
  }

  owner_id who() const {
    return who_.id;
  }

  const std::multiset<std::string>& refusals() const {
    return refusals_;
  }

  delta changes() const {
    return difference(before_.all, now_.all);
  }

  uint64_t version() const {
    return before_.version + (changes().empty() ? 0 : 1);
  }

  bool outdated(const state& current) const {
    return current.changes != before_.changes;
  }

  /// Makes its changes; nothing was refused, and this is not outdated.
  void apply_to(state& current) const {
    auto fresh = version();
    current.all = now_.all;
    current.own[who_.id] = now_.own.at(who_.id);
    current.changes = now_.changes;
    current.clock = now_.clock;
    current.version = fresh;
  }

private:
  bool is_dead(owner_id who) const {
    return dead_.count(who) > 0;
  }

  const mount* mount_of(const keys& where) const {
    if (where.empty())
      return nullptr;
    auto pos = config_.mounts.find(where.front());
    return pos != config_.mounts.end() ? &pos->second : nullptr;
  }

  std::optional<access> kind_of(const keys& where) const {
    if (auto* found = mount_of(where))
      return found->kind;
    return std::nullopt;
  }

  size_t rank_at(const keys& where) const {
    if (kind_of(where) != access::layered)
      return 0;
    auto& list = mount_of(where)->priorities;
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i] == who_.priority)
        return i;
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i] == "*")
        return i;
    return list.size();
  }

  std::optional<refusal_reason> error_of(const keys& where) const {
    if (where.empty())
      return refusal_reason::no_keys;
    if (where.size() > config_.max_depth)
      return refusal_reason::too_deep;
    for (auto& key : where) {
      if (key.empty())
        return refusal_reason::empty_key;
      if (key.size() > config_.max_key_size)
        return refusal_reason::key_too_long;
    }
    return std::nullopt;
  }

  leaves& tree_of(const keys& where) {
    return mount_of(where) != nullptr ? now_.all : now_.own[who_.id];
  }

  std::vector<keys> leaves_in(const keys& scope) {
    std::vector<keys> result;
    for (auto& [where, there] : tree_of(scope))
      if (begins_with(where, scope))
        result.push_back(where);
    return result;
  }

  void remove_leaf(const keys& where) {
    auto there = tree_of(where).at(where);
    auto mine = voice_of(there, who_.id);
    auto restored = there.size() == 1 && there.begin()->who == restorer;
    if (mine != there.end()) {
      there.erase(mine);
      write(where, there);
    } else if (restored || kind_of(where) == access::open) {
      write(where, {});
    } else if (kind_of(where) != access::layered) {
      if (is_dead(there.begin()->who))
        write(where, {});
      else
        refuse(refusal_reason::reserved, where);
    }
  }

  void write(const keys& where, const voices& what) {
    if (what.empty())
      tree_of(where).erase(where);
    else
      tree_of(where)[where] = what;
    now_.changes = before_.changes + 1;
  }

  void refuse(refusal_reason why, const keys& where) {
    refusals_.insert(say(why, where));
  }

  const settings& config_;
  author who_;
  state before_;
  state now_;
  const dead_set& dead_;
  std::multiset<std::string> refusals_;
};

} // namespace store_model
