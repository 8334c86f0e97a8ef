// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace cafreg::detail {

/// A node that leads on to other memory, `node->onward()`, which a reader is
/// going to touch. The index keeps a copy of that address, so that both can be
/// fetched at once rather than one after the other.
template <class Node>
concept leads_onward = requires(const Node& x) {
  { x.onward() } -> std::convertible_to<const void*>;
};

/// What one word says of seven slots, compared all at once: what vector
/// instructions do for other tables, with plain arithmetic, since a word of
/// eight bytes is the most that can be loaded atomically everywhere. The seven
/// low bytes are tags: a byte of the hash of the node in this slot, 0 for an
/// empty slot. The high byte counts the nodes that belong into this group but
/// found no place in it; at 255 it stays.
class group_tags {
public:
  constexpr explicit group_tags(uint64_t word) noexcept : word_(word) {
    // nop
  }

  constexpr uint64_t word() const noexcept {
    return word_;
  }

  /// Returns the tag of a node with this hash, never 0.
  static constexpr uint64_t tag_of(uint64_t hash) noexcept {
    auto tag = hash >> 56;
    return tag + (tag == 0 ? 1 : 0);
  }

  /// Returns a set of the slots that may have this tag. The first one does have
  /// it, others may differ from it by one.
  constexpr uint64_t match(uint64_t tag) const noexcept {
    auto different = word_ ^ (low_bits * tag);
    return (different - low_bits) & ~different & set_bits;
  }

  /// Returns the set of empty slots. Its first one is exact.
  constexpr uint64_t empty() const noexcept {
    return (word_ - low_bits) & ~word_ & set_bits;
  }

  /// Returns the first slot of a set that has one.
  static constexpr size_t first(uint64_t set) noexcept {
    return static_cast<size_t>(std::countr_zero(set)) / 8;
  }

  /// Returns whether nodes of this group are in the groups after it.
  constexpr bool overflowed() const noexcept {
    return (word_ >> 56) != 0;
  }

  constexpr group_tags with_tag(size_t pos, uint64_t tag) const noexcept {
    return group_tags{(word_ & ~(uint64_t{0xFF} << (8 * pos)))
                      | (tag << (8 * pos))};
  }

  constexpr group_tags with_one_more() const noexcept {
    return group_tags{(word_ >> 56) < 255 ? word_ + one : word_};
  }

  constexpr group_tags with_one_less() const noexcept {
    return group_tags{(word_ >> 56) < 255 ? word_ - one : word_};
  }

private:
  static constexpr uint64_t low_bits = 0x0101'0101'0101'0101ull;

  static constexpr uint64_t set_bits = 0x0080'8080'8080'8080ull;

  static constexpr uint64_t one = uint64_t{1} << 56;

  uint64_t word_;
};

/// Seven slots and their tags, in one cache line. One writer at a time, any
/// number of readers.
template <class Node>
class alignas(64) slot_group {
public:
  static constexpr size_t size = 7;

  group_tags tags() const noexcept {
    return group_tags{tags_.load(std::memory_order_acquire)};
  }

  void tags(group_tags value) noexcept {
    tags_.store(value.word(), std::memory_order_release);
  }

  /// Null if the slot is empty. Sequentially consistent for the sake of
  /// reclamation, see epoch.hpp; a plain load on x86.
  Node* node(size_t pos) const noexcept {
    return nodes_[pos].load(std::memory_order_seq_cst);
  }

  /// Puts a node into an empty slot. Readers come by the tag, set after it.
  void put(size_t pos, Node* ptr, uint64_t tag) noexcept {
    nodes_[pos].store(ptr, std::memory_order_release);
    tags(tags().with_tag(pos, tag));
  }

  /// Puts a node in the place of another with the same hash.
  void replace(size_t pos, Node* ptr) noexcept {
    nodes_[pos].exchange(ptr, std::memory_order_seq_cst);
  }

  /// Cuts the link to a node.
  void clear(size_t pos) noexcept {
    nodes_[pos].exchange(nullptr, std::memory_order_seq_cst);
    tags(tags().with_tag(pos, 0));
  }

private:
  std::atomic<uint64_t> tags_{0};
  std::atomic<Node*> nodes_[size]{};
};

/// Where the nodes of a group lead, or where those led that were there before.
/// Apart from the group: searches that stop at the node never touch it.
class alignas(64) onward_group {
public:
  const void* operator[](size_t pos) const noexcept {
    return to_[pos].load(std::memory_order_relaxed);
  }

  void set(size_t pos, const void* to) noexcept {
    to_[pos].store(to, std::memory_order_relaxed);
  }

private:
  std::atomic<const void*> to_[7]{};
};

} // namespace cafreg::detail
