// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "cafreg/detail/counted.hpp"

namespace cafreg::detail {

/// A node of a hash trie: up to 32 places, of which each is free, holds an
/// item, or leads to another node. Only what is there takes memory: first the
/// items, then the nodes, both in the order of their places. Below the last
/// bit of a hash, a node is a list of items. References are counted by `trie`,
/// which knows the type of the items.
class trie_node : public counted {
public:
  static constexpr unsigned bits = 5;

  /// From this shift on a hash says nothing more.
  static constexpr unsigned end = 64;

  static constexpr uint32_t bit_of(uint64_t hash, unsigned shift) noexcept {
    return uint32_t{1} << (hash >> shift & 31);
  }

  /// Makes an empty node with room for `capacity` slots.
  static trie_node* make(size_t capacity) {
    // Even numbers, since memory comes in units of two pointers.
    auto room = static_cast<uint32_t>(capacity + (capacity & 1));
    auto* memory = ::operator new(sizeof(trie_node) + room * sizeof(void*));
    return new (memory) trie_node(room);
  }

  /// Frees the memory, and only that.
  static void free(const trie_node* ptr) noexcept {
    ptr->~trie_node();
    ::operator delete(const_cast<trie_node*>(ptr));
  }

  trie_node(const trie_node&) = delete;

  trie_node& operator=(const trie_node&) = delete;

  uint32_t items = 0; // in a list: how many
  uint32_t nodes = 0;

  size_t item_count(bool list) const noexcept {
    return list ? items : static_cast<size_t>(std::popcount(items));
  }

  size_t node_count() const noexcept {
    return static_cast<size_t>(std::popcount(nodes));
  }

  size_t size(bool list) const noexcept {
    return item_count(list) + node_count();
  }

  bool is_one_item(bool list) const noexcept {
    return nodes == 0 && item_count(list) == 1;
  }

  bool full(bool list) const noexcept {
    return size(list) == capacity_;
  }

  void** slots() noexcept {
    return reinterpret_cast<void**>(this + 1);
  }

  void* const* slots() const noexcept {
    return reinterpret_cast<void* const*>(this + 1);
  }

  size_t item_index(uint32_t bit) const noexcept {
    return static_cast<size_t>(std::popcount(items & (bit - 1)));
  }

  size_t node_index(uint32_t bit) const noexcept {
    return item_count(false)
           + static_cast<size_t>(std::popcount(nodes & (bit - 1)));
  }

  trie_node* node(uint32_t bit) const noexcept {
    return static_cast<trie_node*>(slots()[node_index(bit)]);
  }

  /// Opens a gap; there must be room.
  void insert_slot(size_t index, size_t old_size, void* content) noexcept {
    auto* pos = slots() + index;
    std::memmove(pos + 1, pos, (old_size - index) * sizeof(void*));
    *pos = content;
  }

  void remove_slot(size_t index, size_t old_size) noexcept {
    auto* pos = slots() + index;
    std::memmove(pos, pos + 1, (old_size - index - 1) * sizeof(void*));
  }

  /// Takes over all slots of another node, which is empty then.
  void take(trie_node& other, bool list) noexcept {
    std::copy_n(other.slots(), other.size(list), slots());
    items = other.items;
    nodes = other.nodes;
    other.items = 0;
    other.nodes = 0;
  }

  /// Makes the place of an item one of a node; no memory is needed.
  void item_to_node(uint32_t bit, trie_node* below) noexcept {
    auto count = size(false);
    remove_slot(item_index(bit), count);
    items &= ~bit;
    nodes |= bit;
    insert_slot(node_index(bit), count - 1, below);
  }

  /// The reverse.
  void node_to_item(uint32_t bit, void* item) noexcept {
    auto count = size(false);
    remove_slot(node_index(bit), count);
    nodes &= ~bit;
    items |= bit;
    insert_slot(item_index(bit), count - 1, item);
  }

private:
  explicit trie_node(uint32_t capacity) noexcept : capacity_(capacity) {
    // nop
  }

  ~trie_node() = default;

  uint32_t capacity_;
};

static_assert(sizeof(trie_node) % sizeof(void*) == 0);

} // namespace cafreg::detail
