// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "cafreg/detail/limbo.hpp"

namespace cafreg::detail {

/// Number of key shards of a table, a power of two.
constexpr size_t shard_count = 64;

/// Selects the shard; disjoint from the bits for slot and tag.
constexpr size_t shard_of(uint64_t hash) noexcept {
  return (hash >> 36) & (shard_count - 1);
}

/// A slot holds a node's address in its low 48 bits and 16 bits of the hash in
/// the rest, so that a probe almost never touches a node in vain.
using slot_word = std::atomic<uintptr_t>;

static_assert(sizeof(uintptr_t) == 8,
              "cafreg packs 16 bits of hash into a pointer: 64-bit only");

/// An array of slots, with the room that a retired array needs to wait for its
/// last reader. The array is known by one word: its address, which ends in six
/// zero bits, and in these the binary logarithm of its capacity.
struct alignas(64) slot_array {
  slot_array* next = nullptr;

  static constexpr uintptr_t log_mask = 63;

  static uintptr_t make(unsigned log) {
    auto bytes = sizeof(slot_array) + (sizeof(slot_word) << log);
    auto* memory = ::operator new (bytes,
                                   std::align_val_t{alignof(slot_array)});
    auto* array = ::new (memory) slot_array;
    std::uninitialized_value_construct_n(array->slots(), size_t{1} << log);
    return reinterpret_cast<uintptr_t>(array) | log;
  }

  /// The root of an index that has no memory yet, or no longer.
  static uintptr_t none() noexcept;

  static void destroy(slot_array* ptr) noexcept {
    static_assert(std::is_trivially_destructible_v<slot_word>);
    ::operator delete (ptr, std::align_val_t{alignof(slot_array)});
  }

  static slot_array* from(uintptr_t root) noexcept {
    return reinterpret_cast<slot_array*>(root & ~log_mask);
  }

  static size_t mask(uintptr_t root) noexcept {
    return (size_t{1} << (root & log_mask)) - 1;
  }

  slot_word* slots() noexcept {
    return reinterpret_cast<slot_word*>(this + 1);
  }
};

/// One slot that stays empty. It counts as full for writers, hence they never
/// touch it, and is never retired.
struct empty_slot_array {
  slot_array array;
  slot_word slot{0};
};

inline constinit empty_slot_array no_slots;

inline uintptr_t slot_array::none() noexcept {
  return reinterpret_cast<uintptr_t>(&no_slots.array);
}

/// The smallest array has eight slots.
constexpr unsigned min_log = 3;

constexpr uintptr_t slot_address_mask = (uintptr_t{1} << 48) - 1;

/// Marks a slot whose node is gone while later slots may belong to its probe
/// sequence.
constexpr uintptr_t slot_tombstone = 1;

template <class Node>
Node* slot_node(uintptr_t word) noexcept {
  return reinterpret_cast<Node*>(word & slot_address_mask);
}

/// Asks for the memory where `find_slot` will begin. Needs neither pin nor
/// lock.
inline void prefetch_slot(uintptr_t root, uint64_t hash) noexcept {
  __builtin_prefetch(slot_array::from(root)->slots()
                     + (hash & slot_array::mask(root)));
}

/// Finds the node with `hash` for which `match(const Node&)` is true, or null.
/// The caller holds a pin or the writers' lock. Complexity: constant on
/// average; for a hit two cache lines, slot and node.
template <class Node, class Match>
[[gnu::always_inline]] inline Node* find_slot(uintptr_t root, uint64_t hash,
                                              Match&& match) {
  auto* slots = slot_array::from(root)->slots();
  auto mask = slot_array::mask(root);
  auto tag = hash >> 48;
  for (auto i = hash & mask;; i = (i + 1) & mask) {
    // Sequentially consistent for the sake of reclamation, see epoch.hpp; a
    // plain load on x86.
    auto word = slots[i].load(std::memory_order_seq_cst);
    if ((word >> 48) == tag && word > slot_tombstone) [[likely]] {
      auto* node = slot_node<Node>(word);
      if (match(*node)) [[likely]]
        return node;
    }
    if (word == 0)
      return nullptr;
  }
}

/// The writers' side of an open-addressed index: linear probing, at most five
/// eighths full (a miss then ends after four probes or so, at three quarters
/// after eight), one writer at a time, any number of readers through
/// `find_slot`.
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
  /// linear when it grows.
  /// @returns the array that was replaced, to be retired, or null.
  /// @throws std::bad_alloc without any change.
  slot_array* reserve(slot_word& root) {
    auto old = root.load(std::memory_order_relaxed);
    auto capacity = slot_array::mask(old) + 1;
    if ((used_ + 1) * 8 <= capacity * 5)
      return nullptr;
    // From the live nodes alone: an index full of tombstones shrinks.
    auto log = min_log;
    while (live_ * 2 >= (size_t{1} << log))
      ++log;
    auto fresh = slot_array::make(log);
    auto* from = slot_array::from(old)->slots();
    auto* to = slot_array::from(fresh)->slots();
    auto mask = slot_array::mask(fresh);
    for (size_t i = 0; i < capacity; ++i) {
      auto word = from[i].load(std::memory_order_relaxed);
      if (word <= slot_tombstone)
        continue;
      auto pos = slot_node<Node>(word)->hash_value() & mask;
      while (to[pos].load(std::memory_order_relaxed) != 0)
        pos = (pos + 1) & mask;
      to[pos].store(word, std::memory_order_relaxed);
    }
    used_ = live_;
    root.exchange(fresh, std::memory_order_seq_cst);
    return retired(old);
  }

  /// Publishes a node whose key is not in the index.
  /// @pre `reserve` was called since the last insertion
  void insert(slot_word& root, Node* node) noexcept {
    auto word = root.load(std::memory_order_relaxed);
    auto* slots = slot_array::from(word)->slots();
    auto mask = slot_array::mask(word);
    auto pos = node->hash_value() & mask;
    auto there = slots[pos].load(std::memory_order_relaxed);
    while (there > slot_tombstone) {
      pos = (pos + 1) & mask;
      there = slots[pos].load(std::memory_order_relaxed);
    }
    if (there == 0)
      ++used_;
    ++live_;
    slots[pos].store(pack(node), std::memory_order_release);
  }

  /// Puts `node` in the place of `old`: readers see the one or the other.
  void replace(slot_word& root, Node* old, Node* node) noexcept {
    locate(root, old).exchange(pack(node), std::memory_order_seq_cst);
  }

  /// Unlinks `node`. Complexity: constant on average.
  void erase(slot_word& root, Node* node) noexcept {
    auto word = root.load(std::memory_order_relaxed);
    auto* slots = slot_array::from(word)->slots();
    auto mask = slot_array::mask(word);
    auto& slot = locate(root, node);
    --live_;
    auto pos = static_cast<size_t>(&slot - slots);
    if (slots[(pos + 1) & mask].load(std::memory_order_relaxed) != 0) {
      slot.exchange(slot_tombstone, std::memory_order_seq_cst);
      return;
    }
    // Nothing follows: this slot and the tombstones before it can go.
    slot.exchange(0, std::memory_order_seq_cst);
    --used_;
    for (pos = (pos - 1) & mask;
         slots[pos].load(std::memory_order_relaxed) == slot_tombstone;
         pos = (pos - 1) & mask) {
      slots[pos].store(0, std::memory_order_release);
      --used_;
    }
  }

  /// Calls `fn(Node&)` for each node.
  template <class Fn>
  void for_each(const slot_word& root, Fn&& fn) const {
    auto word = root.load(std::memory_order_relaxed);
    auto* slots = slot_array::from(word)->slots();
    for (size_t i = 0; i <= slot_array::mask(word); ++i) {
      auto slot = slots[i].load(std::memory_order_relaxed);
      if (slot > slot_tombstone)
        fn(*slot_node<Node>(slot));
    }
  }

  /// Unlinks all nodes at once by replacing the array with an empty one.
  /// @returns the array that was replaced, to be retired, or null.
  slot_array* reset(slot_word& root) noexcept {
    live_ = 0;
    used_ = 0;
    return retired(
      root.exchange(slot_array::none(), std::memory_order_seq_cst));
  }

private:
  static slot_array* retired(uintptr_t root) noexcept {
    return root != slot_array::none() ? slot_array::from(root) : nullptr;
  }

  static uintptr_t pack(Node* node) noexcept {
    auto address = reinterpret_cast<uintptr_t>(node);
    assert((address & ~slot_address_mask) == 0);
    return address | (node->hash_value() >> 48 << 48);
  }

  static slot_word& locate(slot_word& root, Node* node) noexcept {
    auto word = root.load(std::memory_order_relaxed);
    auto* slots = slot_array::from(word)->slots();
    auto mask = slot_array::mask(word);
    auto pos = node->hash_value() & mask;
    while (slot_node<Node>(slots[pos].load(std::memory_order_relaxed)) != node)
      pos = (pos + 1) & mask;
    return slots[pos];
  }

  size_t live_ = 0;
  size_t used_ = 0;
};

} // namespace cafreg::detail
