// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "cafreg/detail/slot_group.hpp"

namespace cafreg::detail {

/// Number of key shards of a table, a power of two.
constexpr size_t shard_count = 64;

/// Selects the shard; disjoint from the bits for group and tag.
constexpr size_t shard_of(uint64_t hash) noexcept {
  return (hash >> 36) & (shard_count - 1);
}

/// An array of groups, with the room that a retired array needs to wait for its
/// last reader.
struct alignas(64) slot_array {
  slot_array* next = nullptr;

  static void destroy(slot_array* ptr) noexcept {
    // Groups have nothing to destroy.
    ::operator delete (ptr, std::align_val_t{alignof(slot_array)});
  }
};

/// What readers know of an array, in one word: its address, which ends in six
/// zero bits, and in these the binary logarithm of its number of groups.
class slot_root {
public:
  constexpr slot_root() noexcept = default;

  /// @throws std::bad_alloc
  template <class Node>
  static slot_root make(unsigned log) {
    using group = slot_group<Node>;
    static_assert(std::is_trivially_destructible_v<group>);
    auto count = size_t{1} << log;
    auto bytes = sizeof(slot_array) + sizeof(group) * count
                 + (leads_onward<Node> ? sizeof(onward_group) * count : 0);
    auto* memory = ::operator new (bytes,
                                   std::align_val_t{alignof(slot_array)});
    auto* array = ::new (memory) slot_array;
    slot_root result;
    result.word_ = reinterpret_cast<uintptr_t>(array) | log;
    std::uninitialized_value_construct_n(result.groups<Node>(), count);
    if constexpr (leads_onward<Node>)
      std::uninitialized_value_construct_n(result.onward<Node>(), count);
    return result;
  }

  /// Null without memory.
  slot_array* array() const noexcept {
    return reinterpret_cast<slot_array*>(word_ & ~log_mask);
  }

  /// Number of groups minus one.
  size_t mask() const noexcept {
    return (size_t{1} << (word_ & log_mask)) - 1;
  }

  /// @pre there is memory
  template <class Node>
  slot_group<Node>* groups() const noexcept {
    return reinterpret_cast<slot_group<Node>*>(array() + 1);
  }

  /// Where the nodes of each group lead.
  /// @pre there is memory
  template <leads_onward Node>
  onward_group* onward() const noexcept {
    return reinterpret_cast<onward_group*>(groups<Node>() + mask() + 1);
  }

private:
  static constexpr uintptr_t log_mask = alignof(slot_array) - 1;

  uintptr_t word_ = 0;
};

/// A link that readers follow while a writer changes it.
using slot_link = std::atomic<slot_root>;

static_assert(slot_link::is_always_lock_free);

/// Asks for the memory where `find_slot` will begin. Needs neither pin nor
/// lock.
template <class Node>
[[gnu::always_inline]] inline void prefetch_slot(slot_root root,
                                                 uint64_t hash) noexcept {
  if (root.array() == nullptr)
    return;
  __builtin_prefetch(root.groups<Node>() + (hash & root.mask()), 1);
  if constexpr (leads_onward<Node>)
    __builtin_prefetch(root.onward<Node>() + (hash & root.mask()), 1);
}

/// For searches that do not go on from the node.
struct stay {
  void operator()(const void*) const noexcept {
    // nop
  }
};

/// Finds the node with `hash` for which `match(const Node&)` is true, or null.
/// The caller holds a pin or the writers' lock. Complexity: constant on
/// average; two cache lines for a hit, group and node, one for a miss.
/// @param approach `approach(const void*)` is told where a node leads before
///                 the node is looked at. That may be out of date: memory to
///                 prefetch, not to touch.
template <class Node, class Match, class Approach>
[[gnu::always_inline]] inline Node* find_slot(slot_root root, uint64_t hash,
                                              Match match, Approach approach) {
  constexpr auto goes_on
    = leads_onward<Node> && !std::is_same_v<Approach, stay>;
  if (root.array() == nullptr) [[unlikely]]
    return nullptr;
  auto* groups = root.groups<Node>();
  auto mask = root.mask();
  auto tag = group_tags::tag_of(hash);
  auto left = mask;
  for (auto i = hash & mask;; i = (i + 1) & mask) {
    auto& group = groups[i];
    if constexpr (goes_on)
      __builtin_prefetch(root.onward<Node>() + i);
    auto tags = group.tags();
    for (auto found = tags.match(tag); found != 0; found &= found - 1) {
      auto pos = group_tags::first(found);
      if constexpr (goes_on)
        approach(root.onward<Node>()[i][pos]);
      auto* node = group.node(pos);
      // Null: the tags are older than the slot.
      if (node != nullptr && match(*node)) [[likely]]
        return node;
    }
    // All groups may have overflowed, one into the other.
    if (!tags.overflowed() || left-- == 0) [[likely]]
      return nullptr;
  }
}

/// The same, for those who do not go on from the node.
template <class Node, class Match>
[[gnu::always_inline]] inline Node* find_slot(slot_root root, uint64_t hash,
                                              Match match) {
  return find_slot<Node>(root, hash, match, stay{});
}

/// The writers' side of an open-addressed index: groups of seven slots, at most
/// three quarters full, one writer at a time, any number of readers through
/// `find_slot`. A node goes into the first group with room, from the one that
/// its hash selects, and each full group on the way counts it, so that searches
/// end where nothing went further. Nothing is left behind by a node that goes.
///
/// The link that readers follow and writers cut is the slot; tags and counts
/// only say where to look.
template <class Node>
class slot_index {
public:
  slot_index() = default;

  slot_index(const slot_index&) = delete;

  slot_index& operator=(const slot_index&) = delete;

  /// Number of nodes in the index.
  size_t size() const noexcept {
    return live_;
  }

  /// Makes sure that one `insert` succeeds. Complexity: amortised constant,
  /// linear when it grows, or shrinks because hardly anything is left.
  /// @returns the array that was replaced, to be retired, or null.
  /// @throws std::bad_alloc without any change.
  slot_array* reserve(slot_link& root) {
    auto old = root.load(std::memory_order_relaxed);
    auto slots = capacity(old);
    if ((live_ + 1) * 4 <= slots * 3
        && (slots <= 8 * group::size || live_ * 16 >= slots))
      return nullptr;
    // Half full at most, so that it takes a while to the next time.
    unsigned log = 0;
    while ((live_ + 1) * 2 > (group::size << log))
      ++log;
    auto fresh = slot_root::make<Node>(log);
    for_each(root, [fresh](Node& x) { place(fresh, &x); });
    root.exchange(fresh, std::memory_order_seq_cst);
    return old.array();
  }

  /// Publishes a node whose key is not in the index.
  /// @pre `reserve` was called since the last insertion
  void insert(slot_link& root, Node* node) noexcept {
    place(root.load(std::memory_order_relaxed), node);
    ++live_;
  }

  /// Puts `node` in the place of `old`: readers see the one or the other.
  void replace(slot_link& root, Node* old, Node* node) noexcept {
    auto in = root.load(std::memory_order_relaxed);
    auto [i, pos] = locate(in, old);
    if constexpr (leads_onward<Node>)
      if (old->onward() != node->onward())
        in.onward<Node>()[i].set(pos, node->onward());
    in.groups<Node>()[i].replace(pos, node);
  }

  /// Unlinks `node`. Complexity: constant on average.
  void erase(slot_link& root, Node* node) noexcept {
    auto in = root.load(std::memory_order_relaxed);
    auto [last, pos] = locate(in, node);
    auto* groups = in.groups<Node>();
    groups[last].clear(pos);
    --live_;
    // Only now: until then a search for this node had to get this far.
    for (auto i = node->hash_value() & in.mask(); i != last;
         i = (i + 1) & in.mask())
      groups[i].tags(groups[i].tags().with_one_less());
  }

  /// Calls `fn(Node&)` for each node.
  template <class Fn>
  void for_each(const slot_link& root, Fn&& fn) const {
    auto in = root.load(std::memory_order_relaxed);
    if (in.array() == nullptr)
      return;
    auto* groups = in.groups<Node>();
    for (size_t i = 0; i <= in.mask(); ++i)
      for (size_t pos = 0; pos < group::size; ++pos)
        if (auto* node = groups[i].node(pos))
          fn(*node);
  }

  /// Unlinks all nodes at once by taking the array away.
  /// @returns the array, to be retired, or null.
  slot_array* reset(slot_link& root) noexcept {
    live_ = 0;
    return root.exchange(slot_root{}, std::memory_order_seq_cst).array();
  }

  /// Number of slots.
  static size_t capacity(slot_root root) noexcept {
    return root.array() != nullptr ? (root.mask() + 1) * group::size : 0;
  }

private:
  using group = slot_group<Node>;

  static void place(slot_root root, Node* node) noexcept {
    auto hash = node->hash_value();
    auto* groups = root.groups<Node>();
    auto i = hash & root.mask();
    for (; groups[i].tags().empty() == 0; i = (i + 1) & root.mask())
      groups[i].tags(groups[i].tags().with_one_more());
    auto pos = group_tags::first(groups[i].tags().empty());
    if constexpr (leads_onward<Node>)
      root.onward<Node>()[i].set(pos, node->onward());
    groups[i].put(pos, node, group_tags::tag_of(hash));
  }

  struct position {
    size_t group;
    size_t pos;
  };

  // Finds a node that is in the index.
  static position locate(slot_root root, const Node* node) noexcept {
    auto hash = node->hash_value();
    auto* groups = root.groups<Node>();
    for (auto i = hash & root.mask();; i = (i + 1) & root.mask())
      for (auto found = groups[i].tags().match(group_tags::tag_of(hash));
           found != 0; found &= found - 1) {
        auto pos = group_tags::first(found);
        if (groups[i].node(pos) == node)
          return {i, pos};
      }
  }

  size_t live_ = 0;
};

} // namespace cafreg::detail
