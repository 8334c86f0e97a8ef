// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "cafreg/detail/duplicate_entry.hpp"
#include "cafreg/detail/registrants.hpp"
#include "cafreg/detail/slab.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/spin_mutex.hpp"
#include "cafreg/detail/stored_key.hpp"

namespace cafreg::detail {

/// The keys of one shard of a duplicate table, with their entries, and the
/// lock that guards them. Every function needs the lock unless it says
/// otherwise; what they throw away goes to an `aftermath` of the caller, who
/// destroys it after unlocking.
template <class Key, class Value, class Actors>
struct alignas(64) duplicate_shard {
  using actor_type = typename Actors::type;

  using key_arg = key_view<Key>;

  using node_type = duplicate_node<Key, Value, Actors>;

  using entry_type = typename node_type::entry_type;

  using record_type = typename node_type::record_type;

  using topic_type = typename node_type::topic_type;

  using registrants_type = registrants<record_type, actor_type>;

  struct aftermath {
    duplicate_trash<entry_type> trash;
    std::optional<stored_key<Key>> key;
  };

  // How much a reader reclaims under one lock at the end of its life.
  static constexpr uint32_t reclaim_steps = 12;

  // How much room for trash a removal needs.
  static constexpr size_t removal_room = 5;

  // Notes where compaction has brought an entry.
  static constexpr auto moved = [](entry_type& x, uint32_t position) noexcept {
    x.record()->position = position;
  };

  spin_mutex mutex;
  bool closed = false;
  slot_link root;
  slot_index<node_type> index;
  size_t entries = 0;
  uint64_t removals = 0;
  uint64_t lookups = 0;
  // See `search`.
  uint64_t steps = 0;
  record_type* free_records = nullptr;
  node_type* free_nodes = nullptr;
  slab<record_type> record_memory;
  slab<node_type> node_memory;

  duplicate_shard() = default;

  duplicate_shard(const duplicate_shard&) = delete;

  duplicate_shard& operator=(const duplicate_shard&) = delete;

  ~duplicate_shard() {
    if (auto* array = index.reset(root))
      slot_array::destroy(array);
    while (auto* node = free_nodes) {
      free_nodes = node->next;
      std::destroy_at(node);
    }
  }

  // -- nodes ------------------------------------------------------------------

  node_type* find(key_arg key, uint64_t hash) const {
    return find_slot<node_type>(root.load(std::memory_order_relaxed), hash,
                                [&key](const node_type& x) {
                                  return x.key->matches(key);
                                });
  }

  /// Finds the node of a key or adds one.
  /// @throws std::bad_alloc without any change.
  node_type& obtain(key_arg key, uint64_t hash, stored_key<Key>& stored) {
    if (auto* present = find(key, hash))
      return *present;
    if (auto* old = index.reserve(root))
      slot_array::destroy(old); // no reader goes without the lock
    auto* fresh = free_nodes;
    if (fresh != nullptr)
      free_nodes = fresh->next;
    else
      fresh = ::new (node_memory.allocate()) node_type;
    fresh->hash = hash;
    fresh->key.emplace(std::move(stored));
    fresh->linked = true;
    index.insert(root, fresh);
    return *fresh;
  }

  /// Ends the use of a node.
  void leave(node_type& node, aftermath& after) noexcept {
    --node.users;
    drop_if_idle(node, after);
  }

  /// Gives a node back if nothing is in it and nobody uses it.
  void drop_if_idle(node_type& node, aftermath& after) noexcept {
    if (node.users != 0 || !node.entries.vacant())
      return;
    assert(node.key && "a node is given back once");
    if (node.linked)
      index.erase(root, &node);
    node.linked = false;
    after.key.emplace(std::move(*node.key));
    node.key.reset();
    node.next = free_nodes;
    free_nodes = &node;
  }

  /// Copies the addresses of all nodes. Takes the lock itself.
  void list(std::vector<node_type*>& nodes) {
    for (size_t wanted = 0;; wanted += wanted / 4) {
      nodes.clear();
      nodes.reserve(wanted); // without the lock
      std::lock_guard guard{mutex};
      wanted = index.size();
      if (wanted <= nodes.capacity()) {
        index.for_each(root, [&nodes](node_type& x) { nodes.push_back(&x); });
        return;
      }
    }
  }

  /// Keeps a node from being given back. Needs no lock to be destroyed.
  class user {
  public:
    user() = default;

    user(const user&) = delete;

    user& operator=(const user&) = delete;

    ~user() {
      if (node_ == nullptr)
        return;
      aftermath after;
      std::lock_guard guard{in_->mutex};
      in_->leave(*node_, after);
    }

    void attach(duplicate_shard& in, node_type& node) noexcept {
      in_ = &in;
      node_ = &node;
      ++node.users;
    }

    key_arg key() const noexcept {
      return node_->key->get();
    }

  protected:
    duplicate_shard* in_ = nullptr;
    node_type* node_ = nullptr;
  };

  // -- readers ----------------------------------------------------------------

  /// The entries under one key at one moment. What it shows stays in place,
  /// and its actors are held, as long as it lives, whatever happens to the
  /// table meanwhile. Needs the lock only to be opened.
  class reader : public user {
  public:
    reader() = default;

    /// Releases what was removed while it lived and nobody else looks at.
    /// Complexity: linear in the number of these.
    ~reader() {
      for (auto first = true; this->node_ != nullptr; first = false) {
        aftermath after;
        std::lock_guard guard{this->in_->mutex};
        auto& entries = this->node_->entries;
        auto more = first ? entries.close(snapshot_, after.trash, moved)
                          : entries.reclaim(after.trash, moved, reclaim_steps);
        if (!more)
          this->in_->leave(*std::exchange(this->node_, nullptr), after);
      }
    }

    /// Complexity: constant.
    void open(duplicate_shard& in, node_type& node) noexcept {
      if (node.entries.empty())
        return;
      this->attach(in, node);
      node.entries.open(snapshot_);
    }

    bool empty() const noexcept {
      return snapshot_.empty();
    }

    size_t size() const noexcept {
      return snapshot_.size();
    }

    /// The entries, a range. @pre `!empty()`
    typename topic_type::view entries() const noexcept {
      return this->node_->entries.range(snapshot_);
    }

  private:
    typename topic_type::snapshot snapshot_;
  };

  /// A short look at a topic under the lock.
  class look {
  public:
    explicit look(topic_type& entries) noexcept : topic_(entries) {
      topic_.open(snapshot_);
    }

    look(const look&) = delete;

    look& operator=(const look&) = delete;

    // Nothing was removed in between, so that nothing is due. If others have
    // something left to do, they do it.
    ~look() {
      struct {
        void push_back(entry_type&&) {
          throw std::bad_alloc{};
        }
      } nothing;
      static_cast<void>(topic_.close(snapshot_, nothing, moved));
    }

    typename topic_type::view entries() const noexcept {
      return topic_.range(snapshot_);
    }

  private:
    topic_type& topic_;
    typename topic_type::snapshot snapshot_;
  };

  // -- records ----------------------------------------------------------------

  /// Makes sure that there is an unused record.
  /// @throws std::bad_alloc without any change.
  void reserve_record() {
    if (free_records == nullptr)
      give_back(::new (record_memory.allocate()) record_type);
  }

  /// @pre `reserve_record` was called.
  record_type* take_record() noexcept {
    return std::exchange(free_records, free_records->next);
  }

  /// Who remembers the record sees by its version that it is gone.
  void give_back(record_type* rec) noexcept {
    ++rec->version;
    rec->next = free_records;
    free_records = rec;
  }

  /// Calls `fn(record&)` for the entries of an actor under a key; `fn` may take
  /// the record out of its actor's list, but not remove the entry. Walks the
  /// actor's list or, if that has more elements than the topic has slots, the
  /// topic.
  /// @param actors Access to the list, that is its lock.
  template <class Fn>
  void search(typename registrants_type::access& actors, node_type& node,
              const actor_type* actor, Fn&& fn) {
    auto* holder = actors.find();
    if (holder == nullptr)
      return;
    auto limit = node.entries.capacity_end();
    uint32_t length = 0;
    for (auto* rec = holder->head; rec != nullptr && length <= limit;
         rec = rec->next)
      ++length;
    steps += length;
    if (length <= limit) {
      for (auto* rec = holder->head; rec != nullptr;) {
        auto* next = rec->next;
        if (rec->node == &node)
          fn(*rec);
        rec = next;
      }
      return;
    }
    steps += limit;
    look all{node.entries};
    for (auto& x : all.entries())
      if (x.actor() == actor && x.record()->prev != 0)
        fn(*x.record());
  }
};

} // namespace cafreg::detail
