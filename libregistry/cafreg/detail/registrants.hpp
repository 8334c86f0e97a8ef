// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "cafreg/detail/hash.hpp"
#include "cafreg/detail/slab.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/spin_mutex.hpp"

namespace cafreg::detail {

/// The reverse index: for each actor that ever registered, and still lives, a
/// record that starts the list of its entries. Linking and unlinking an entry
/// is constant in the number of entries that the actor has: this is what keeps
/// unregistering cheap for an actor with 100,000 keys, and its death linear.
///
/// A record stays when its list becomes empty, since an actor that registered
/// once tends to do so again; it goes when the actor dies.
///
/// `Node` has the members `next` (Node*) and `prev` (uintptr_t): the address
/// of the node before it or, with the lowest bit set, of the record. Both are
/// guarded by the lock of the actor's shard. Lock order: first the lock of a
/// key's shard, then one lock of this class, never two.
template <class Node, class Actor>
class registrants {
public:
  struct record {
    Actor* actor;
    Node* head;

    uint64_t hash_value() const noexcept {
      return hash_of(actor);
    }
  };

private:
  struct alignas(64) shard {
    spin_mutex mutex;
    bool closed = false;
    slot_link root;
    slot_index<record> index;
    slab<record> memory;
  };

public:
  /// Exclusive access to the actors of one shard.
  class access {
  public:
    /// Returns the record of the actor, or null. Complexity: constant.
    record* find() noexcept {
      return find_slot<record>(shard_.root.load(std::memory_order_relaxed),
                               hash_, [this](const record& rec) {
                                 return rec.actor == actor_;
                               });
    }

    /// Adds a record unless there is one.
    /// @returns whether this call added it; never on a closed index.
    /// @throws std::bad_alloc without any change.
    bool add() {
      if (shard_.closed || find() != nullptr)
        return false;
      if (auto* old = shard_.index.reserve(shard_.root))
        slot_array::destroy(old); // no reader goes without the lock
      auto* rec = ::new (shard_.memory.allocate()) record{actor_, nullptr};
      shard_.index.insert(shard_.root, rec);
      return true;
    }

    /// Removes a record without entries.
    void erase(record* rec) noexcept {
      shard_.index.erase(shard_.root, rec);
      shard_.memory.deallocate(rec);
    }

    static void link(record* rec, Node* node) noexcept {
      node->next = rec->head;
      node->prev = reinterpret_cast<uintptr_t>(rec) | 1;
      if (rec->head != nullptr)
        rec->head->prev = reinterpret_cast<uintptr_t>(node);
      rec->head = node;
    }

    /// Takes a node out of its actor's list. Complexity: constant.
    void unlink(Node* node) noexcept {
      if (shard_.closed) // the lists are gone already
        return;
      if (node->next != nullptr)
        node->next->prev = node->prev;
      if ((node->prev & 1) != 0)
        reinterpret_cast<record*>(node->prev & ~uintptr_t{1})->head
          = node->next;
      else
        reinterpret_cast<Node*>(node->prev)->next = node->next;
    }

    bool closed() const noexcept {
      return shard_.closed;
    }

  private:
    friend class registrants;

    access(registrants& self, Actor* actor)
      : actor_(actor),
        hash_(hash_of(actor)),
        shard_(self.shards_[shard_of(hash_)]),
        guard_(shard_.mutex) {
      // nop
    }

    Actor* actor_;
    uint64_t hash_;
    shard& shard_;
    std::lock_guard<spin_mutex> guard_;
  };

  registrants() = default;

  registrants(const registrants&) = delete;

  registrants& operator=(const registrants&) = delete;

  ~registrants() {
    for (auto& shard : shards_)
      if (auto* array = shard.index.reset(shard.root))
        slot_array::destroy(array);
  }

  /// Locks the shard of `actor`.
  access lock(Actor* actor) noexcept {
    return access{*this, actor};
  }

  /// Adds a record for an actor unless there is one, and with it starts the
  /// watch over its life. The caller keeps the actor alive.
  /// @throws std::bad_alloc without any change.
  template <class Monitor>
  void enroll(Actor* actor, Monitor& monitor) {
    if (!lock(actor).add())
      return;
    monitor.start();
    // If this was closed in between, nobody else will stop what began only
    // now. (Not before: as long as there is a record, the watch keeps the
    // memory of its actor.)
    if (lock(actor).closed())
      monitor.stop();
  }

  /// Asks for the memory that `access::find` will touch first.
  [[gnu::always_inline]] void prefetch(const Actor* actor) const noexcept {
    auto hash = hash_of(actor);
    auto& root = shards_[shard_of(hash)].root;
    prefetch_slot<record>(root.load(std::memory_order_relaxed), hash);
  }

  /// Number of actors that ever registered and still live.
  size_t size() noexcept {
    size_t result = 0;
    for (auto& shard : shards_) {
      std::lock_guard guard{shard.mutex};
      result += shard.index.size();
    }
    return result;
  }

  /// Forgets all records and refuses new ones. Calls `fn(Actor*)` for the
  /// actor of each record, under a lock.
  void close(const std::function<void(Actor*)>& fn) {
    for (auto& shard : shards_) {
      std::lock_guard guard{shard.mutex};
      shard.closed = true;
      shard.index.for_each(shard.root, [&fn](record& rec) { fn(rec.actor); });
      if (auto* array = shard.index.reset(shard.root))
        slot_array::destroy(array);
    }
  }

private:
  static uint64_t hash_of(const Actor* actor) noexcept {
    return hash_word(reinterpret_cast<uintptr_t>(actor), hash_secret_a);
  }

  std::array<shard, shard_count> shards_;
};

} // namespace cafreg::detail
