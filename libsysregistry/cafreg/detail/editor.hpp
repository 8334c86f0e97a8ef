// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/detail/leaf_content.hpp"
#include "cafreg/detail/mount_rules.hpp"
#include "cafreg/detail/refusal.hpp"
#include "cafreg/detail/tree.hpp"
#include "cafreg/path.hpp"

namespace cafreg::detail {

/// How large things may be.
struct tree_limits {
  size_t max_depth = 64;
  size_t max_key_size = std::numeric_limits<size_t>::max();
};

/// Who makes changes, and with what right.
struct author {
  owner_id id = 0;
  std::string_view priority = {};
};

/// The trees that an owner can change: the one of all, and its own for paths
/// outside of every mount.
template <class Value>
struct forest {
  using tree_type = tree<leaf_content<Value>>;

  tree_type shared;
  tree_type mine;
};

/// Makes the changes of one transaction on copies of the trees, by the rules of
/// the mounts. Notes all that is refused; then the copies are of no use.
template <class Value>
class editor {
public:
  using content = leaf_content<Value>;
  using tree_type = tree<content>;
  using leaf = typename tree_type::leaf;

  editor(const mount_rules& rules, const tree_limits& limits, author who,
         forest<Value> trees, const gone_function& gone)
    : rules_(rules),
      limits_(limits),
      who_(who),
      trees_(std::move(trees)),
      gone_(gone) {
    // nop
  }

  // -- steps ------------------------------------------------------------------

  /// The value that shows at a path now: null if there is none.
  const Value* look(key_span where) const noexcept {
    auto* found = tree_of(where).find_leaf(where);
    return found != nullptr ? &found->content.shown.value : nullptr;
  }

  /// Sets a leaf.
  void put(const path& where, Value value) {
    if (auto why = check_leaf_path(rules_, limits_, where)) {
      refuse(*why, where);
      return;
    }
    auto& target = tree_of(where);
    auto found = target.locate(where);
    if (found.blocked && clear(path{key_span{where}.first(found.obstacle)}))
      found = target.locate(where);
    if (found.blocked) {
      refuse_blocked(where, found.obstacle);
      return;
    }
    auto* rule = rules_.find(where);
    auto given = contribution_of(who_, rule, std::move(value));
    auto next = judge(rule, found.at, given, gone_);
    switch (next.what) {
      case ruling::kind::refused:
        refuse(refusal_reason::reserved, where);
        break;
      case ruling::kind::unchanged:
        break;
      case ruling::kind::as_given:
        replace(where, content{std::move(given)});
        break;
      case ruling::kind::merged:
        replace(where, std::move(*next.merged));
        break;
    }
  }

  /// Removes what is at and below a path. To remove nothing is fine.
  void remove(const path& where) {
    if (auto why = check_path(limits_, where)) {
      refuse(*why, where);
      return;
    }
    for (auto& x : leaves_of(where))
      withdraw(x);
  }

  /// Removes the leaf at a path, if there is one.
  void remove_leaf(const path& where) {
    if (auto why = check_path(limits_, where))
      refuse(*why, where);
    else if (tree_of(where).find_leaf(where) != nullptr)
      withdraw(where);
  }

  /// Gives what is at and below a path another one, where nothing is yet.
  void move(const path& from, const path& to) {
    if (auto why = check_path(limits_, from)) {
      refuse(*why, from);
      return;
    }
    if (auto why = check_path(limits_, to)) {
      refuse(*why, to);
      return;
    }
    if (from.contains(to)) {
      if (from != to)
        refuse(refusal_reason::below_itself, to);
      return;
    }
    auto leaves = leaves_of(from);
    std::vector<std::pair<path, Value>> moved;
    for (auto& where : leaves) {
      auto* rule = rules_.find(where);
      auto* found = tree_of(where).find_leaf(where);
      auto& what = found->content;
      auto* mine = is_layered(rule) ? what.of(who_.id) : &what.shown;
      if (mine == nullptr) // somebody else's layer stays
        continue;
      auto target = to / path{key_span{where}.subspan(from.size())};
      moved.emplace_back(std::move(target), mine->value);
      withdraw(where);
    }
    if (moved.empty())
      refuse(refusal_reason::nothing_there, from);
    for (auto& [where, value] : moved) {
      auto* there = tree_of(where).find_leaf(where);
      auto* rule = rules_.find(where);
      if (there != nullptr
          && (is_layered(rule) ? there->content.of(who_.id) != nullptr
                               : !gone_(there->content.shown.owner)))
        refuse(refusal_reason::occupied, where);
      else
        put(where, std::move(value));
    }
  }

  /// Says what the author had before this transaction, for `remove_all`.
  void know_owned(std::vector<path> paths) {
    owned_ = std::move(paths);
  }

  /// Removes all that the author has, by this transaction or before.
  void remove_all() {
    // What was touched before the last call is gone, or was touched again.
    auto paths = std::exchange(owned_, {});
    paths.insert(paths.end(),
                 touched_.begin() + static_cast<ptrdiff_t>(removed_),
                 touched_.end());
    for (auto& where : paths) {
      auto* found = tree_of(where).find_leaf(where);
      if (found != nullptr && found->content.of(who_.id) != nullptr)
        remove_own(where, *found);
    }
    removed_ = touched_.size();
  }

  // -- results ----------------------------------------------------------------

  const std::vector<refusal>& refusals() const noexcept {
    return refusals_;
  }

  /// Leaves that may differ from before; some several times.
  std::vector<path>& touched() noexcept {
    return touched_;
  }

  forest<Value>& trees() noexcept {
    return trees_;
  }

  author who() const noexcept {
    return who_;
  }

  // -- rules ------------------------------------------------------------------

  static bool is_layered(const mount_rule* rule) noexcept {
    return rule != nullptr && rule->kind == access::layered;
  }

  static std::optional<refusal_reason> check_path(const tree_limits& limits,
                                                  key_span where) noexcept {
    if (where.empty())
      return refusal_reason::no_keys;
    if (where.size() > limits.max_depth)
      return refusal_reason::too_deep;
    for (auto& key : where) {
      if (key.empty())
        return refusal_reason::empty_key;
      if (key.size() > limits.max_key_size)
        return refusal_reason::key_too_long;
    }
    return std::nullopt;
  }

  static std::optional<refusal_reason>
  check_leaf_path(const mount_rules& rules, const tree_limits& limits,
                  key_span where) noexcept {
    if (auto why = check_path(limits, where))
      return why;
    if (where.size() == 1 && rules.find(where) != nullptr)
      return refusal_reason::is_mount;
    return std::nullopt;
  }

  /// What becomes of a leaf when somebody sets it.
  struct ruling {
    enum class kind {
      refused,
      /// It stays as it is.
      unchanged,
      /// It holds what is given, and nothing else.
      as_given,
      /// It holds `merged`.
      merged
    };

    kind what;
    std::optional<content> merged = {};
  };

  /// @param rule Null for private paths.
  /// @param old Null if there is no leaf yet.
  static ruling judge(const mount_rule* rule, const leaf* old,
                      const contribution<Value>& given,
                      const gone_function& gone) {
    using kind = typename ruling::kind;
    if (old == nullptr)
      return {kind::as_given};
    auto& before = old->content;
    if (is_layered(rule)) {
      auto* mine = before.of(given.owner);
      if (mine != nullptr && mine->rank == given.rank
          && same_value(mine->value, given.value))
        return {kind::unchanged};
      return {kind::merged, content::with(&before, given)};
    }
    auto owner = before.shown.owner;
    if (owner != given.owner && free(owner, gone))
      owner = given.owner;
    if (rule != nullptr && rule->kind == access::owned && owner != given.owner)
      return {kind::refused};
    if (owner == before.shown.owner
        && same_value(before.shown.value, given.value))
      return {kind::unchanged};
    if (owner == given.owner)
      return {kind::as_given};
    return {kind::merged, content{{owner, 0, given.value}}};
  }

  /// What somebody says at a leaf.
  static contribution<Value> contribution_of(author who, const mount_rule* rule,
                                             Value value) {
    return {who.id, is_layered(rule) ? rule->rank(who.priority) : 0,
            std::move(value)};
  }

private:
  // Whether anyone may take over what an owner has.
  static bool free(owner_id who, const gone_function& gone) {
    return who == restorer || gone(who);
  }

  tree_type& tree_of(key_span where) noexcept {
    return rules_.find(where) != nullptr ? trees_.shared : trees_.mine;
  }

  const tree_type& tree_of(key_span where) const noexcept {
    return rules_.find(where) != nullptr ? trees_.shared : trees_.mine;
  }

  void refuse(refusal_reason why, path where) {
    refusals_.push_back({why, std::move(where)});
  }

  void refuse_blocked(const path& where, size_t obstacle) {
    refusals_.push_back(refusal_of(where, obstacle));
  }

  std::vector<path> leaves_of(const path& scope) const {
    std::vector<path> result;
    tree_of(scope).for_each(scope,
                            [&](const std::vector<std::string>& where,
                                const leaf&) { result.emplace_back(where); });
    return result;
  }

  // Removes what is at and below a path if only the dead have said it.
  // Complexity: linear in their leaves, at most until that of a living one.
  bool clear(const path& scope) {
    std::vector<path> found;
    auto left_behind = [&](const std::vector<std::string>& where,
                           const leaf& x) {
      auto all_gone = true;
      x.content.for_each_owner(
        [&](owner_id who) { all_gone = all_gone && gone_(who); });
      if (all_gone)
        found.emplace_back(where);
      return all_gone;
    };
    if (!tree_of(scope).all_of(scope, left_behind))
      return false;
    for (auto& where : found)
      erase(where);
    return true;
  }

  // Removes a leaf that exists, as far as that is the author's right.
  void withdraw(const path& where) {
    auto* rule = rules_.find(where);
    auto* found = tree_of(where).find_leaf(where);
    auto owner = found->content.shown.owner;
    if (is_layered(rule)) {
      auto& what = found->content;
      if (what.of(who_.id) != nullptr)
        remove_own(where, *found);
      else if (owner == restorer && !what.behind)
        erase(where); // nobody else could
    } else if (owner == who_.id
               || (rule != nullptr && rule->kind == access::open)
               || free(owner, gone_)) {
      erase(where);
    } else {
      refuse(refusal_reason::reserved, where);
    }
  }

  void remove_own(const path& where, const leaf& found) {
    if (auto rest = found.content.without(who_.id))
      replace(where, std::move(*rest));
    else
      erase(where);
  }

  void replace(const path& where, content fresh) {
    touched_.push_back(where);
    tree_of(where).put(where,
                       tree_type::make_leaf(where.back(), std::move(fresh)));
  }

  void erase(const path& where) {
    touched_.push_back(where);
    tree_of(where).erase(where);
  }

  const mount_rules& rules_;
  const tree_limits& limits_;
  author who_;
  forest<Value> trees_;
  const gone_function& gone_;
  std::vector<refusal> refusals_;
  std::vector<path> touched_;
  std::vector<path> owned_;
  // How many of `touched_` are before the last `remove_all`.
  size_t removed_ = 0;
};

} // namespace cafreg::detail
