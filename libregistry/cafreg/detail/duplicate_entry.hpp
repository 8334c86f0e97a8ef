// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "cafreg/detail/stored_key.hpp"
#include "cafreg/detail/topic.hpp"

namespace cafreg::detail {

/// One entry as its actor sees it: an element of the actor's list. Records
/// are reused, never freed, while the table lives; whoever remembers one
/// remembers its version too, and looks whether it is still the same.
template <class Node>
struct duplicate_record {
  // For the list, see `registrants`; `prev` is 0 when it is in none.
  duplicate_record* next = nullptr;
  uintptr_t prev = 0;
  Node* node = nullptr;
  // Where the entry is in the topic of the node.
  uint32_t position = 0;
  // How often the record was given back.
  uint32_t version = 0;
};

/// One entry as its key sees it: the payload of a topic. Holds its actor.
template <class Value, class Actors, class Record>
class duplicate_entry {
public:
  using actor_type = typename Actors::type;

  static_assert(std::is_nothrow_move_constructible_v<Value>,
                "a registry's Value must not throw when moved: it is moved "
                "into the table under a lock");

  duplicate_entry(actor_type* actor, bool strong, Record* rec,
                  Value&& value) noexcept
    : actor_(actor),
      record_(reinterpret_cast<uintptr_t>(rec) | (strong ? 0u : weak_bit)),
      value_(std::move(value)) {
    Actors::acquire(actor_, strong);
  }

  duplicate_entry(const duplicate_entry& other)
    : actor_(other.actor_), record_(other.record_), value_(other.value_) {
    Actors::acquire(actor_, strong());
  }

  duplicate_entry(duplicate_entry&& other) noexcept
    : actor_(std::exchange(other.actor_, nullptr)),
      record_(other.record_),
      value_(std::move(other.value_)) {
    // nop
  }

  duplicate_entry& operator=(const duplicate_entry&) = delete;

  ~duplicate_entry() {
    if (actor_ != nullptr)
      Actors::release(actor_, strong());
  }

  actor_type* actor() const noexcept {
    return actor_;
  }

  const Value& value() const noexcept {
    return value_;
  }

  Record* record() const noexcept {
    return reinterpret_cast<Record*>(record_ & ~weak_bit);
  }

private:
  static constexpr uintptr_t weak_bit = 1;

  bool strong() const noexcept {
    return (record_ & weak_bit) == 0;
  }

  actor_type* actor_;
  uintptr_t record_;
  [[no_unique_address]] Value value_;
};

/// One key with all its entries. Nodes are reused, never freed, while the
/// table lives, so that a pointer to one is never wild. All members are
/// guarded by the lock of the key's shard but the key, which anybody may read
/// who is among the users.
template <class Key, class Value, class Actors>
struct duplicate_node {
  using record_type = duplicate_record<duplicate_node>;

  using entry_type = duplicate_entry<Value, Actors, record_type>;

  using topic_type = topic<entry_type>;

  uint64_t hash = 0;
  // Of the list of unused nodes, or of another of which it is an element.
  duplicate_node* next = nullptr;
  // Number of calls that work on the node, or read from it, without the lock.
  uint32_t users = 0;
  // Whether the index has it.
  bool linked = false;
  std::optional<stored_key<Key>> key;
  topic_type entries;

  uint64_t hash_value() const noexcept {
    return hash;
  }
};

/// Takes a few entries out of a topic under a lock and releases them, which
/// runs foreign code, in its destructor. Needs no memory.
template <class Entry>
class duplicate_trash {
public:
  static constexpr size_t capacity = 16;

  duplicate_trash() noexcept {
    // nop
  }

  duplicate_trash(const duplicate_trash&) = delete;

  duplicate_trash& operator=(const duplicate_trash&) = delete;

  ~duplicate_trash() {
    for (size_t i = 0; i < size_; ++i)
      std::destroy_at(at(i));
  }

  void push_back(Entry&& x) {
    if (size_ == capacity)
      throw std::bad_alloc{};
    ::new (static_cast<void*>(&places_[size_])) Entry{std::move(x)};
    ++size_;
  }

  size_t room() const noexcept {
    return capacity - size_;
  }

private:
  struct place {
    alignas(Entry) std::byte bytes[sizeof(Entry)];
  };

  Entry* at(size_t i) noexcept {
    return std::launder(reinterpret_cast<Entry*>(&places_[i]));
  }

  size_t size_ = 0;
  // Not initialised: most calls throw nothing away.
  std::array<place, capacity> places_;
};

} // namespace cafreg::detail
