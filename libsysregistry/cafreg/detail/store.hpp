// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cafreg/delta.hpp"
#include "cafreg/detail/editor.hpp"
#include "cafreg/detail/patient_mutex.hpp"

namespace cafreg::detail {

/// What came of a transaction: a delta, refused steps, or neither.
template <class Value>
struct outcome {
  enum class kind {
    /// The delta says what has changed.
    done,
    /// Nothing has changed, for the reasons in `refusals`.
    refused,
    /// Nothing has changed, since somebody else was faster.
    outdated,
    /// Nothing has changed, since this owner does not exist (any more).
    unknown_owner,
    /// Nothing has changed, since the store is closed.
    closed,
  };

  kind what = kind::done;
  basic_delta<Value> changes = {};
  std::vector<refusal> refusals = {};
  /// Owners that may have come to own something, or no longer do; some several
  /// times.
  std::vector<owner_id> owners = {};
};

/// The tree of all and the private ones, their owners, and the versions. Any
/// thread may call anything. Writers wait for one another; who looks waits for
/// none but the change of a single leaf.
template <class Value>
class store {
public:
  using outcome_type = outcome<Value>;
  using editor_type = editor<Value>;
  using tree_type = typename editor_type::tree_type;
  using leaf = typename tree_type::leaf;
  using leaf_ref = typename tree_type::leaf_ref;
  using content = leaf_content<Value>;

  /// @param gone Is called under the locks of this object.
  store(mount_rules rules, tree_limits limits, gone_function gone)
    : rules_(std::move(rules)), limits_(limits), gone_(std::move(gone)) {
    // nop
  }

  store(const store&) = delete;

  store& operator=(const store&) = delete;

  const mount_rules& rules() const noexcept {
    return rules_;
  }

  const tree_limits& limits() const noexcept {
    return limits_;
  }

  // -- looking ----------------------------------------------------------------

  /// A state of the tree of all.
  struct view {
    tree_type tree;
    uint64_t version = 0;
  };

  /// Complexity: constant.
  view look() const {
    std::lock_guard guard{tree_mutex_};
    return {tree_, version_};
  }

  /// The leaf at a path in the tree of all, or null. Complexity: linear in the
  /// number of keys.
  leaf_ref find(key_span where) const {
    std::lock_guard guard{tree_mutex_};
    return leaf_ref{tree_.find_leaf(where)};
  }

  /// The number of leaves at and below a path. Complexity: as above.
  size_t count(key_span where) const {
    std::lock_guard guard{tree_mutex_};
    return tree_type::leaves_of(tree_.find(where));
  }

  uint64_t version() const {
    std::lock_guard guard{tree_mutex_};
    return version_;
  }

  /// How many transactions were made, those without effect included.
  uint64_t transactions() const {
    std::unique_lock guard{write_mutex_};
    return transactions_;
  }

  /// The private tree of an owner. Complexity: constant.
  tree_type private_tree(owner_id who) const {
    std::unique_lock guard{write_mutex_};
    auto pos = owners_.find(who);
    return pos != owners_.end() ? pos->second->mine : tree_type{};
  }

  /// How many leaves of the tree of all an owner has something at.
  size_t owned(owner_id who) const {
    std::unique_lock guard{write_mutex_};
    auto pos = owners_.find(who);
    return pos != owners_.end() ? pos->second->leaves.size() : 0;
  }

  /// Whether an owner has anything, in the tree of all or its own.
  bool owns_anything(owner_id who) const {
    std::unique_lock guard{write_mutex_};
    auto pos = owners_.find(who);
    return pos != owners_.end() && !pos->second->empty();
  }

  /// Where an owner has something. Complexity: linear.
  std::vector<path> paths_of(owner_id who) const {
    std::unique_lock guard{write_mutex_};
    return paths_of_locked(who);
  }

  // -- owners -----------------------------------------------------------------

  /// Makes an owner known.
  /// @returns false if the store is closed.
  bool add_owner(owner_id who) {
    auto fresh = std::make_unique<owner_state>();
    std::unique_lock guard{write_mutex_};
    if (closed_)
      return false;
    owners_.emplace(who, std::move(fresh));
    return true;
  }

  /// Removes an owner with all that it has. Complexity: linear in its leaves.
  /// @throws std::bad_alloc; then nothing has changed
  outcome_type drop_owner(owner_id who) {
    return remove_all(who, true);
  }

  /// Removes all that an owner has. Complexity: as above.
  /// @throws std::bad_alloc; then nothing has changed
  outcome_type remove_all(owner_id who) {
    return remove_all(who, false);
  }

  // -- changes ----------------------------------------------------------------

  /// Sets one leaf. Complexity: linear in the number of keys, in general in
  /// place.
  /// @throws std::bad_alloc; then nothing has changed
  outcome_type put(author who, path where, Value value) {
    using kind = typename outcome_type::kind;
    using ruling = typename editor_type::ruling;
    if (auto why = editor_type::check_leaf_path(rules_, limits_, where))
      return {kind::refused, {}, {{*why, std::move(where)}}};
    auto* rule = rules_.find(where);
    if (rule == nullptr) // private: rare, and no need to be fast
      return transact(who, [&](editor_type& edit) {
        edit.put(where, std::move(value));
      });
    // Other writers wait: what can be made before the lock is, and what goes
    // goes after it.
    std::vector<basic_leaf_change<Value>> change(1);
    change[0].new_value = value;
    leaf_ref old;
    auto fresh = tree_type::make_leaf(
      where.back(),
      content{editor_type::contribution_of(who, rule, std::move(value))});
    outcome_type result;
    std::unique_lock guard{write_mutex_};
    auto* owner = owner_of(who.id);
    if (owner == nullptr)
      return nobody();
    // Only who holds this lock changes the tree.
    auto found = tree_.locate(where);
    if (found.blocked) { // if it is not refused, much is to be done
      guard.unlock();
      return transact(who, [&](editor_type& edit) {
        edit.put(where, Value{*change[0].new_value});
      });
    }
    auto next = editor_type::judge(rule, found.at, fresh->content.shown, gone_);
    if (next.what == ruling::kind::refused)
      return {kind::refused, {}, {{refusal_reason::reserved, where}}};
    result.changes.version = version_;
    if (next.what == ruling::kind::unchanged) {
      ++transactions_;
      return result;
    }
    if (next.what == ruling::kind::merged) {
      change[0].new_value = next.merged->shown.value;
      fresh = tree_type::make_leaf(where.back(), std::move(*next.merged));
    }
    if (found.at != nullptr)
      change[0].old_value = found.at->content.shown.value;
    auto visible = !same_value(change[0].old_value, change[0].new_value);
    // An owner may come or go: at a new leaf, a new layer, or a leaf that was
    // restored.
    ownership moves;
    if (found.at == nullptr || rule->kind == access::layered
        || found.at->content.shown.owner != fresh->content.shown.owner)
      moves.note(who.id, where, found.at, fresh.get());
    result.owners.reserve(moves.size());
    add_paths(moves);
    try {
      std::unique_lock tree_guard{tree_mutex_};
      old = tree_.put(where, std::move(fresh));
      ++changes_;
      ++transactions_;
      version_ += visible ? 1 : 0;
      result.changes.version = version_;
    } catch (...) {
      remove_paths(moves.gained);
      throw;
    }
    remove_paths(moves.lost);
    guard.unlock();
    moves.list_owners(result.owners);
    if (visible) {
      change[0].where = std::move(where);
      auto& list = old ? result.changes.changed : result.changes.added;
      list = std::move(change);
    }
    return result;
  }

  /// Makes the changes of `edit(editor&)`, which runs under the lock of all
  /// writers: all of them or none. None if it returns false, and then the
  /// outcome is outdated. Complexity: that of the changes.
  /// @param removes_all Whether it uses `editor::remove_all`.
  /// @throws std::bad_alloc; then nothing has changed
  template <class Edit>
  outcome_type transact(author who, Edit edit, bool removes_all = false) {
    // Destroyed without a lock.
    forest<Value> dropped;
    std::unique_lock guard{write_mutex_};
    auto* owner = owner_of(who.id);
    if (owner == nullptr)
      return nobody();
    editor_type changes{rules_, limits_, who, {tree_, owner->mine}, gone_};
    if (removes_all)
      changes.know_owned(paths_of_locked(who.id));
    if constexpr (std::is_same_v<std::invoke_result_t<Edit&, editor_type&>,
                                 bool>) {
      if (!edit(changes))
        return {outcome_type::kind::outdated};
    } else {
      edit(changes);
    }
    auto result = apply(*owner, changes, dropped);
    guard.unlock();
    return result;
  }

  /// What a transaction is based on that runs without a lock.
  struct draft {
    editor_type edit;
    /// What it found.
    view before;
    uint64_t changes;
  };

  /// Begins a transaction that runs without a lock.
  /// @param removes_all Whether it uses `editor::remove_all`.
  /// @returns nothing if the owner is unknown or the store closed.
  std::optional<draft> begin(author who, bool removes_all = false) {
    std::unique_lock guard{write_mutex_};
    auto* owner = owner_of(who.id);
    if (owner == nullptr)
      return std::nullopt;
    draft result{editor_type{rules_, limits_, who, {tree_, owner->mine}, gone_},
                 {tree_, version_},
                 changes_};
    if (removes_all)
      result.edit.know_owned(paths_of_locked(who.id));
    return result;
  }

  /// What a draft would change.
  basic_delta<Value> preview(draft& what) const {
    return difference(what.before.tree, what.edit, what.before.version + 1);
  }

  /// Ends it, unless anything has changed since it began.
  /// @throws std::bad_alloc; then nothing has changed
  outcome_type commit(draft& what) {
    forest<Value> dropped;
    std::unique_lock guard{write_mutex_};
    auto* owner = owner_of(what.edit.who().id);
    if (owner == nullptr)
      return nobody();
    if (changes_ != what.changes)
      return {outcome_type::kind::outdated};
    auto result = apply(*owner, what.edit, dropped);
    guard.unlock();
    return result;
  }

  /// Drops everything; no owner exists any more, and none will.
  /// @returns the last state.
  view close() noexcept {
    decltype(owners_) owners; // destroyed without a lock
    view last;
    std::unique_lock guard{write_mutex_};
    std::unique_lock tree_guard{tree_mutex_};
    closed_ = true;
    std::swap(owners, owners_);
    std::swap(last.tree, tree_);
    last.version = version_;
    tree_guard.unlock();
    guard.unlock();
    return last;
  }

private:
  struct owner_state {
    /// The paths of its leaves in the tree of all, as texts.
    std::unordered_set<std::string> leaves;
    tree_type mine;

    bool empty() const noexcept {
      return leaves.empty() && mine.empty();
    }
  };

  // Who comes to own something at a path, and who no longer does.
  struct ownership {
    using list = std::vector<std::pair<owner_id, std::string>>;

    void note(owner_id author, const path& where, const leaf* before,
              const leaf* after) {
      if (before != nullptr && after != nullptr && !before->content.behind
          && !after->content.behind
          && before->content.shown.owner == after->content.shown.owner)
        return; // as in most cases
      auto text = to_string(where);
      each(author, before, after, text, lost);
      each(author, after, before, text, gained);
    }

    size_t size() const noexcept {
      return gained.size() + lost.size();
    }

    // There is room.
    void list_owners(std::vector<owner_id>& result) const noexcept {
      for (auto& x : gained)
        result.push_back(x.first);
      for (auto& x : lost)
        result.push_back(x.first);
    }

    list gained;
    list lost;

  private:
    static void each(owner_id author, const leaf* here, const leaf* there,
                     const std::string& text, list& result) {
      if (here == nullptr)
        return;
      // Between several contributions and several, only those of the author can
      // differ; to compare each with each would take long.
      if (there != nullptr && here->content.behind && there->content.behind) {
        if (here->content.of(author) != nullptr
            && there->content.of(author) == nullptr)
          result.emplace_back(author, text);
        return;
      }
      here->content.for_each_owner([&](owner_id who) {
        if (there == nullptr || there->content.of(who) == nullptr)
          result.emplace_back(who, text);
      });
    }
  };

  owner_state* owner_of(owner_id who) {
    auto pos = owners_.find(who);
    return pos != owners_.end() ? pos->second.get() : nullptr;
  }

  outcome_type nobody() const {
    return {closed_ ? outcome_type::kind::closed
                    : outcome_type::kind::unknown_owner};
  }

  std::vector<path> paths_of_locked(owner_id who) const {
    std::vector<path> result;
    auto pos = owners_.find(who);
    if (pos == owners_.end())
      return result;
    result.reserve(pos->second->leaves.size() + pos->second->mine.size());
    for (auto& text : pos->second->leaves)
      result.emplace_back(text);
    pos->second->mine.for_each({}, [&](const std::vector<std::string>& where,
                                       const leaf&) {
      result.emplace_back(where);
    });
    return result;
  }

  // All or nothing.
  void add_paths(const ownership& moves) {
    size_t done = 0;
    try {
      for (auto& [who, text] : moves.gained) {
        if (auto* owner = owner_of(who))
          owner->leaves.insert(text);
        ++done;
      }
    } catch (...) {
      for (size_t i = 0; i < done; ++i)
        remove_path(moves.gained[i]);
      throw;
    }
  }

  void remove_path(const std::pair<owner_id, std::string>& what) noexcept {
    if (auto* owner = owner_of(what.first))
      owner->leaves.erase(what.second);
  }

  void remove_paths(const typename ownership::list& what) noexcept {
    for (auto& x : what)
      remove_path(x);
  }

  // Each path once. Hashes are faster to sort than paths.
  static std::vector<const path*> distinct(const std::vector<path>& xs) {
    std::vector<std::pair<uint64_t, const path*>> hashed;
    hashed.reserve(xs.size());
    for (auto& x : xs) {
      uint64_t hash = 0;
      for (auto& key : x)
        hash = hash_word(hash_of_key(key), hash);
      hashed.emplace_back(hash, &x);
    }
    if (xs.size() > 1)
      std::sort(hashed.begin(), hashed.end(), [](const auto& x, const auto& y) {
        return x.first != y.first ? x.first < y.first : *x.second < *y.second;
      });
    std::vector<const path*> result;
    result.reserve(xs.size());
    for (auto& [hash, x] : hashed)
      if (result.empty() || *result.back() != *x)
        result.push_back(x);
    return result;
  }

  // What the author's changes come to.
  basic_delta<Value> difference(const tree_type& before, editor_type& changes,
                                uint64_t version,
                                ownership* moves = nullptr) const {
    basic_delta<Value> result;
    for (auto* touched : distinct(changes.touched())) {
      auto& where = *touched;
      if (rules_.find(where) == nullptr)
        continue;
      auto* was = before.find_leaf(where);
      auto* is = changes.trees().shared.find_leaf(where);
      if (moves != nullptr)
        moves->note(changes.who().id, where, was, is);
      basic_leaf_change<Value> change{where, {}, {}};
      if (was != nullptr)
        change.old_value = was->content.shown.value;
      if (is != nullptr)
        change.new_value = is->content.shown.value;
      if (!same_value(change.old_value, change.new_value))
        result.add(std::move(change));
    }
    result.version = result.empty() ? version - 1 : version;
    return result;
  }

  outcome_type apply(owner_state& owner, editor_type& changes,
                     forest<Value>& dropped) {
    using kind = typename outcome_type::kind;
    if (!changes.refusals().empty())
      return {kind::refused, {}, changes.refusals()};
    outcome_type result;
    ownership moves;
    result.changes = difference(tree_, changes, version_ + 1, &moves);
    if (changes.touched().empty()) {
      ++transactions_;
      return result;
    }
    result.owners.reserve(moves.size() + 1);
    add_paths(moves);
    // From here on nothing can fail.
    ++transactions_;
    remove_paths(moves.lost);
    moves.list_owners(result.owners);
    result.owners.push_back(changes.who().id); // for its private tree
    dropped.mine = std::exchange(owner.mine, std::move(changes.trees().mine));
    dropped.shared = std::move(changes.trees().shared);
    replace_tree(dropped.shared, result.changes.version);
    return result;
  }

  outcome_type remove_all(owner_id who, bool forever) {
    // Destroyed without a lock.
    tree_type dropped;
    std::unique_ptr<owner_state> gone;
    std::unique_lock guard{write_mutex_};
    auto* owner = owner_of(who);
    if (owner == nullptr)
      return nobody();
    outcome_type result;
    auto& changes = result.changes;
    result.owners.push_back(who);
    dropped = tree_;
    for (auto& text : owner->leaves)
      withdraw(dropped, path(text), who, changes);
    auto fresh = forever ? nullptr : std::make_unique<owner_state>();
    // From here on nothing can fail.
    transactions_ += forever ? 0 : 1;
    auto pos = owners_.find(who);
    gone = std::exchange(pos->second, std::move(fresh));
    if (forever)
      owners_.erase(pos);
    changes.version = version_ + (changes.empty() ? 0 : 1);
    if (!gone->empty())
      replace_tree(dropped, changes.version);
    guard.unlock();
    return result;
  }

  // Removes what an owner has at a leaf.
  static void withdraw(tree_type& from, path where, owner_id who,
                       basic_delta<Value>& changes) {
    // In general nobody else has anything there.
    auto old = from.erase(where);
    basic_leaf_change<Value> change{
      std::move(where), old->content.shown.value, {}};
    if (auto rest = old->content.without(who)) {
      change.new_value = rest->shown.value;
      from.put(change.where,
               tree_type::make_leaf(change.where.back(), std::move(*rest)));
    }
    if (!same_value(change.old_value, change.new_value))
      changes.add(std::move(change));
  }

  void replace_tree(tree_type& by, uint64_t version) noexcept {
    std::unique_lock tree_guard{tree_mutex_};
    std::swap(by, tree_);
    version_ = version;
    ++changes_;
  }

  // What writers pass to one another is kept together, at the end: each cache
  // line takes about as long as all else that they do under the lock.
  const mount_rules rules_;
  const tree_limits limits_;
  const gone_function gone_;
  std::unordered_map<owner_id, std::unique_ptr<owner_state>> owners_;
  bool closed_ = false;

  // Held by who changes anything. From here on all fits into one of them.
  alignas(64) mutable patient_mutex write_mutex_;
  uint64_t transactions_ = 0;
  uint64_t changes_ = 0;

  // Held by who looks at the tree, or changes or replaces it.
  mutable patient_mutex tree_mutex_;
  tree_type tree_;
  uint64_t version_ = 0;
};

} // namespace cafreg::detail
