// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/detail/counted.hpp"
#include "cafreg/detail/hash.hpp"
#include "cafreg/detail/trie.hpp"
#include "cafreg/seam/chance.hpp"

namespace cafreg::detail {

/// Part of a path.
using key_span = std::span<const std::string>;

/// A seed for this process: nobody who chooses keys from outside can make them
/// collide, and all trees agree on their shape.
inline uint64_t tree_seed() {
  static const auto seed = seam::random_seed();
  return seed;
}

inline uint64_t hash_of_key(std::string_view key) {
  return hash_bytes(key.data(), key.size(), tree_seed());
}

/// What a tree consists of: branches, and leaves with a `Content`. Which of
/// them it is, is known without a virtual table.
template <class Content>
class tree_item : public counted {
public:
  uint64_t hash() const noexcept {
    return hash_;
  }

  const std::string& key() const noexcept {
    return key_;
  }

  bool is_leaf() const noexcept {
    return is_leaf_;
  }

  friend void destroy(const tree_item* x) noexcept {
    if (x->is_leaf_)
      delete static_cast<const leaf*>(x);
    else
      delete static_cast<const branch*>(x);
  }

  class leaf;

  class branch;

protected:
  tree_item(bool is_leaf, std::string_view key)
    : is_leaf_(is_leaf), hash_(hash_of_key(key)), key_(key) {
    // nop
  }

  tree_item(const tree_item&) = default;

  ~tree_item() = default;

private:
  bool is_leaf_;
  uint64_t hash_;
  std::string key_;
};

/// Never changes: a change of the tree puts another leaf in its place.
template <class Content>
class tree_item<Content>::leaf : public tree_item {
public:
  leaf(std::string_view key, Content what)
    : tree_item(true, key), content(std::move(what)) {
    // nop
  }

  const Content content;
};

template <class Content>
class tree_item<Content>::branch : public tree_item {
public:
  explicit branch(std::string_view key) : tree_item(false, key) {
    // nop
  }

  trie<tree_item> children;

  /// Number of leaves below.
  size_t leaves = 0;
};

/// A tree of keys with contents at its leaves, which copies share: copying is
/// one reference, a change copies the way from the root to the leaf as far as
/// others use it, and changes the rest in place. There are no branches without
/// leaves. A change needs exclusive access to this object; trees that share
/// parts may be used by different threads.
template <class Content>
class tree {
public:
  using item = tree_item<Content>;
  using leaf = typename item::leaf;
  using branch = typename item::branch;
  using item_ref = counted_ref<const item>;
  using leaf_ref = counted_ref<const leaf>;

  bool empty() const noexcept {
    return size() == 0;
  }

  /// Number of leaves.
  size_t size() const noexcept {
    return root_ ? root_->leaves : 0;
  }

  /// Whether nobody shares the root, so that changes are made in place.
  bool unshared() const noexcept {
    return !root_ || root_->unique();
  }

  // -- looking ----------------------------------------------------------------

  /// What is at a path: null if nothing is. Complexity: linear in the number
  /// of keys.
  const item* find(key_span where) const noexcept {
    const item* at = root_.get();
    for (auto& key : where) {
      if (at == nullptr || at->is_leaf())
        return nullptr;
      at = as_branch(at)->children.find(hash_of_key(key), key);
    }
    return at;
  }

  /// The leaf at a path: null if there is none.
  const leaf* find_leaf(key_span where) const noexcept {
    auto* found = find(where);
    return found != nullptr && found->is_leaf() ? as_leaf(found) : nullptr;
  }

  /// What is in the way of a leaf.
  struct location {
    /// There is one at the path.
    const leaf* at = nullptr;
    /// There is a branch at the path, or a leaf on the way to it, after so
    /// many keys.
    bool blocked = false;
    size_t obstacle = 0;
  };

  location locate(key_span where) const noexcept {
    const item* at = root_.get();
    for (size_t i = 0; i < where.size(); ++i) {
      if (at == nullptr)
        return {};
      if (at->is_leaf())
        return {nullptr, true, i};
      at = as_branch(at)->children.find(hash_of_key(where[i]), where[i]);
    }
    if (at == nullptr)
      return {};
    if (at->is_leaf())
      return {as_leaf(at), false, 0};
    return {nullptr, true, where.size()};
  }

  /// Number of leaves at and below what is at a path.
  static size_t leaves_of(const item* x) noexcept {
    if (x == nullptr)
      return 0;
    return x->is_leaf() ? 1 : as_branch(x)->leaves;
  }

  /// Calls `fn(std::vector<std::string>& where, const leaf&)` for each leaf at
  /// and below a path, in no particular order; `where` has all its keys.
  template <class Fn>
  void for_each(key_span scope, Fn&& fn) const {
    if (auto* found = find(scope)) {
      std::vector<std::string> where{scope.begin(), scope.end()};
      visit(*found, where, fn);
    }
  }

  /// The same for a part of a tree that is known.
  template <class Fn>
  static void visit(const item& x, std::vector<std::string>& where, Fn& fn) {
    if (x.is_leaf()) {
      fn(where, *as_leaf(&x));
      return;
    }
    as_branch(&x)->children.for_each([&](const item& child) {
      where.push_back(child.key());
      visit(child, where, fn);
      where.pop_back();
    });
  }

  /// Calls `fn(const std::vector<std::string>& where, const leaf&)` for each
  /// leaf at and below a path, as long as it returns true.
  /// @returns whether it always did.
  template <class Fn>
  bool all_of(key_span scope, Fn&& fn) const {
    auto* found = find(scope);
    if (found == nullptr)
      return true;
    std::vector<std::string> where{scope.begin(), scope.end()};
    return all_of(*found, where, fn);
  }

  /// Calls `fn(const std::vector<std::string>& where, const leaf* in_a,
  /// const leaf* in_b)` for each leaf that is not the same object in both, as
  /// long as it returns true. Complexity: linear in what is not shared.
  /// @returns whether it always did.
  template <class Fn>
  static bool compare(const item* a, const item* b,
                      std::vector<std::string>& where, Fn& fn) {
    if (a == b)
      return true;
    if (is_branch(a) && is_branch(b))
      return trie<item>::compare(as_branch(a)->children, as_branch(b)->children,
                                 [&](const item* x, const item* y) {
                                   where.push_back(
                                     (x != nullptr ? x : y)->key());
                                   auto go_on = compare(x, y, where, fn);
                                   where.pop_back();
                                   return go_on;
                                 });
    if (!is_branch(a) && !is_branch(b))
      return fn(where, as_leaf(a), as_leaf(b));
    return compare_all<true>(a, where, fn) && compare_all<false>(b, where, fn);
  }

  const item* root() const noexcept {
    return root_.get();
  }

  // -- changes ----------------------------------------------------------------

  /// Makes a leaf for `put`.
  static leaf_ref make_leaf(std::string_view key, Content content) {
    return leaf_ref::adopt(
      std::make_unique<leaf>(key, std::move(content)).release());
  }

  /// Puts a leaf at a path; its key is the last one of the path. Nothing but
  /// another leaf may be in the way. Complexity: linear in the number of keys;
  /// for each of them at most some hundred pointers are copied if others share
  /// this tree.
  /// @returns the leaf that was there.
  /// @throws std::bad_alloc; then nothing has changed
  leaf_ref put(key_span where, leaf_ref fresh) {
    if (!root_) {
      auto first = make_branch({});
      put(*first, where, std::move(fresh));
      root_ = std::move(first);
      return {};
    }
    own(root_);
    return put(*root_, where, std::move(fresh));
  }

  /// Removes the leaf at a path, which exists, and the branches that have no
  /// leaf then. Complexity: as above.
  /// @returns the leaf.
  /// @throws std::bad_alloc; then nothing has changed
  leaf_ref erase(key_span where) {
    own(root_);
    auto* at = root_.get();
    for (size_t i = 0; i + 1 < where.size(); ++i)
      at = own_child(find_child(*at, where[i]));
    auto result = leaf_ref{as_leaf(find_child(*at, where.back()).get())};
    erase(*root_, where);
    if (empty())
      root_ = {};
    return result;
  }

  /// Returns a tree of only what is at and below a path, with the same paths.
  /// Complexity: linear in the number of keys.
  tree restricted_to(key_span scope) const {
    tree result;
    auto* found = find(scope);
    if (found == nullptr || scope.empty()) {
      if (scope.empty())
        result.root_ = root_;
      return result;
    }
    auto below = counted_ref<item>{const_cast<item*>(found)};
    auto count = leaves_of(found);
    for (auto i = scope.size(); i-- > 0;) {
      auto above = make_branch(i > 0 ? std::string_view{scope[i - 1]}
                                     : std::string_view{});
      above->children.insert(std::exchange(below, {}));
      above->leaves = count;
      if (i == 0)
        result.root_ = std::move(above);
      else
        below = counted_ref<item>::adopt(above.detach());
    }
    return result;
  }

  // -- kinds ------------------------------------------------------------------

  static const branch* as_branch(const item* x) noexcept {
    return static_cast<const branch*>(x);
  }

  static const leaf* as_leaf(const item* x) noexcept {
    return static_cast<const leaf*>(x);
  }

private:
  using branch_ref = counted_ref<branch>;

  static bool is_branch(const item* x) noexcept {
    return x != nullptr && !x->is_leaf();
  }

  static branch_ref make_branch(std::string_view key) {
    return branch_ref::adopt(std::make_unique<branch>(key).release());
  }

  template <bool InA, class Fn>
  static bool compare_all(const item* x, std::vector<std::string>& where,
                          Fn& fn) {
    if (x == nullptr)
      return true;
    auto each = [&](const std::vector<std::string>& at, const leaf& found) {
      return InA ? fn(at, &found, nullptr) : fn(at, nullptr, &found);
    };
    return all_of(*x, where, each);
  }

  template <class Fn>
  static bool all_of(const item& x, std::vector<std::string>& where, Fn& fn) {
    if (x.is_leaf())
      return fn(std::as_const(where), *as_leaf(&x));
    return trie<item>::compare(as_branch(&x)->children, {},
                               [&](const item* child, const item*) {
                                 where.push_back(child->key());
                                 auto go_on = all_of(*child, where, fn);
                                 where.pop_back();
                                 return go_on;
                               });
  }

  // Replaces a branch by a copy if others use it, too.
  static void own(branch_ref& place) {
    if (!place->unique())
      place = branch_ref::adopt(std::make_unique<branch>(*place).release());
  }

  using child_place = typename trie<item>::place;

  // In a branch that nobody else uses.
  static child_place find_child(branch& at, const std::string& key) {
    return at.children.own(hash_of_key(key), key);
  }

  // The same as `own` for a child that is a branch.
  static branch* own_child(child_place place) {
    auto* child = static_cast<branch*>(place.get());
    if (child->unique())
      return child;
    auto copy = std::make_unique<branch>(*child).release();
    place.replace(counted_ref<item>::adopt(copy));
    return copy;
  }

  static leaf_ref put(branch& at, key_span where, leaf_ref fresh) {
    auto& key = where.front();
    auto place = find_child(at, key);
    auto* there = place.get();
    if (there == nullptr) {
      at.children.insert(chain(where, std::move(fresh)));
      ++at.leaves;
      return {};
    }
    if (there->is_leaf()) {
      auto old = place.replace(
        counted_ref<item>::adopt(const_cast<leaf*>(fresh.detach())));
      return leaf_ref::adopt(static_cast<leaf*>(old.detach()));
    }
    auto old = put(*own_child(place), where.subspan(1), std::move(fresh));
    if (!old)
      ++at.leaves;
    return old;
  }

  // The branches for all keys of a path, the leaf in the last one.
  static counted_ref<item> chain(key_span where, leaf_ref fresh) {
    auto below = counted_ref<item>::adopt(const_cast<leaf*>(fresh.detach()));
    for (auto i = where.size() - 1; i-- > 0;) {
      auto above = make_branch(where[i]);
      above->children.insert(std::move(below));
      above->leaves = 1;
      below = counted_ref<item>::adopt(above.detach());
    }
    return below;
  }

  // Nobody else uses what is on the way.
  static void erase(branch& at, key_span where) noexcept {
    auto& key = where.front();
    auto hash = hash_of_key(key);
    --at.leaves;
    if (where.size() > 1) {
      auto* child = const_cast<branch*>(as_branch(at.children.find(hash, key)));
      erase(*child, where.subspan(1));
      if (child->leaves > 0)
        return;
    }
    at.children.erase(hash, key);
  }

  branch_ref root_;
};

} // namespace cafreg::detail
