// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cafreg/detail/duplicate_shard.hpp"
#include "cafreg/detail/hash.hpp"
#include "cafreg/seam/chance.hpp"

namespace cafreg::detail {

/// What became of an entry that was to be added.
enum class add_result {
  done,
  /// The actor has terminated.
  dead,
  /// The table is closed.
  closed,
};

/// A concurrent map from keys to any number of actors, with a value each, and
/// a reverse index from actors to their entries.
///
/// The entries under one key are a `topic`. Who reads them holds the lock of
/// one of 64 shards for a moment, to open and to close a snapshot, and none
/// while he walks it: a million subscribers that are being dispatched to block
/// nobody.
///
/// The table may consist of several *partitions*; all entries of one actor are
/// in one of them. Then one busy key is in all of them: registering for it
/// contends less, and the partitions can be dispatched to in parallel.
///
/// Nothing waits for an epoch here: nodes and records are reused, never freed,
/// and whatever an operation removes is released before it returns or, if
/// readers have it, before the last of these ends.
///
/// This class knows no actor library. `Actors` is as for `unique_table`.
/// `Observer` is told of each change under the lock of the key's shard, in
/// table order, and must neither throw nor call back:
///   - `registered(shard, key, actor, value, cause)`,
///   - `unregistered(shard, key, actor, value, cause)`,
/// and without that lock:
///   - `monitor_for(actor)`: prepares the watch over an actor's life; the
///     result has `start() noexcept` and `stop() noexcept`.
template <class Key, class Value, class Actors, class Observer>
class duplicate_table {
  using shard = duplicate_shard<Key, Value, Actors>;

  using aftermath = typename shard::aftermath;

  using node_type = typename shard::node_type;

  using record_type = typename shard::record_type;

public:
  using actor_type = typename Actors::type;

  using key_arg = key_view<Key>;

  using cause = typename Observer::cause;

  using entry_type = typename shard::entry_type;

  /// The entries under one key in one partition, at one moment.
  class reader : public shard::reader {
  public:
    /// Complexity: constant.
    reader(duplicate_table& table, size_t partition, key_arg key,
           uint64_t hash) {
      auto& in = table.partitions_[partition].shards[shard_of(hash)];
      std::lock_guard guard{in.mutex};
      if (partition == 0)
        ++in.lookups;
      if (auto* node = in.find(key, hash))
        this->open(in, *node);
    }
  };

  /// @param partitions At least one.
  duplicate_table(Observer& observer, bool strong, size_t partitions)
    : observer_(observer),
      strong_(strong),
      partition_count_(partitions),
      partitions_(std::make_unique<partition[]>(partitions)) {
    // nop
  }

  duplicate_table(const duplicate_table&) = delete;

  duplicate_table& operator=(const duplicate_table&) = delete;

  /// Nobody may use the table any more.
  ~duplicate_table() {
    close(cause{}, [](actor_type*) {});
  }

  uint64_t hash(key_arg key) const {
    return hash_key(key, seed_);
  }

  // -- readers ----------------------------------------------------------------

  /// Calls `fn(key, const entry_type&)` for each entry, without a lock: each
  /// entry that exists from begin to end of the call exactly once. Complexity:
  /// linear; the lock of a shard is held while the addresses of its keys are
  /// copied.
  template <class Fn>
  void for_each(Fn&& fn) {
    std::vector<node_type*> nodes;
    for_each_shard([&](shard& in) {
      in.list(nodes);
      for (auto* node : nodes) {
        typename shard::reader all;
        {
          // It may be the node of another key by now, of later entries.
          std::lock_guard guard{in.mutex};
          if (node->linked)
            all.open(in, *node);
        }
        if (!all.empty())
          for (auto& x : all.entries())
            fn(all.key(), x);
      }
    });
  }

  /// Calls `fn(key)`, without a lock, for each entry of an actor. Complexity:
  /// linear in their number; the lock of the actor's entries is held while
  /// their addresses are copied.
  template <class Fn>
  void for_each_key_of(actor_type* actor, Fn&& fn) {
    struct item {
      shard* in;
      record_type* record;
      uint32_t version;
    };
    auto& part = partition_of(actor);
    std::vector<item> items;
    for (size_t wanted = 0;; wanted += wanted / 4) {
      items.clear();
      items.reserve(wanted); // without the lock
      wanted = 0;
      auto entries = part.registrants.lock(actor);
      auto* holder = entries.find();
      if (holder == nullptr)
        return;
      for (auto* rec = holder->head; rec != nullptr; rec = rec->next)
        if (wanted++ < items.capacity())
          items.push_back({&part.in(rec->node->hash), rec, rec->version});
      if (wanted <= items.capacity())
        break;
    }
    for (auto& x : items) {
      typename shard::user holding;
      {
        std::lock_guard guard{x.in->mutex};
        // Closing leaves the records as they are.
        if (x.in->closed || x.record->version != x.version)
          continue;
        holding.attach(*x.in, *x.record->node);
      }
      fn(holding.key());
    }
  }

  /// Calls `fn(const entry_type&)`, without a lock, for each entry that an
  /// actor has under a key. Complexity: linear in the number of entries of the
  /// actor or of those under the key, whichever is smaller.
  template <class Fn>
  void for_each_of(actor_type* actor, key_arg key, Fn&& fn) {
    typename shard::reader pinned;
    for (auto& x : list_entries(actor, key, pinned))
      fn(*x.entry);
  }

  /// Number of entries. Complexity: constant (64 shards for each partition).
  size_t size() {
    return sum([](shard& in) { return in.entries; });
  }

  /// Number of entries under a key. Complexity: constant.
  size_t size(key_arg key) {
    auto hashed = hash(key);
    size_t result = 0;
    for (size_t i = 0; i < partition_count_; ++i) {
      auto& in = partitions_[i].in(hashed);
      std::lock_guard guard{in.mutex};
      if (auto* node = in.find(key, hashed))
        result += node->entries.size();
    }
    return result;
  }

  /// Number of different keys. Complexity: linear in it.
  size_t key_count() {
    size_t result = 0;
    for (size_t at = 0; at < shard_count; ++at) {
      auto guards = lock_all(at);
      for (size_t i = 0; i < partition_count_; ++i) {
        auto& in = partitions_[i].shards[at];
        in.index.for_each(in.root, [&](node_type& x) {
          if (!x.entries.empty() && !has_before(i, at, x))
            ++result;
        });
      }
    }
    return result;
  }

  /// Number of living actors that ever registered. Complexity: constant.
  size_t registrant_count() noexcept {
    size_t result = 0;
    for (size_t i = 0; i < partition_count_; ++i)
      result += partitions_[i].registrants.size();
    return result;
  }

  /// Number of readers so far; one for each partition counts once.
  uint64_t lookups() {
    return sum([](shard& in) { return in.lookups; });
  }

  /// Number of entries that were removed.
  uint64_t removals() {
    return sum([](shard& in) { return in.removals; });
  }

  /// How many entries were looked at to find those of one actor under one key:
  /// a test wants to know.
  uint64_t search_steps() {
    return sum([](shard& in) { return in.steps; });
  }

  size_t partitions() const noexcept {
    return partition_count_;
  }

  bool closed() const noexcept {
    return closed_.load(std::memory_order_acquire);
  }

  bool strong() const noexcept {
    return strong_;
  }

  // -- writers ----------------------------------------------------------------

  /// Adds an entry. Complexity: amortised constant.
  /// @param value Moved from only if the result is `done`.
  /// @throws std::bad_alloc, std::length_error without any change.
  add_result add(actor_type* actor, key_arg key, Value&& value,
                 const cause& why) {
    auto hashed = hash(key);
    for (;;) {
      if (Actors::dead(actor))
        return closed() ? add_result::closed : add_result::dead;
      if (auto outcome = try_add(hashed, key, actor, value, why))
        return *outcome;
      enroll(actor); // its first registration
    }
  }

  /// Removes all entries that an actor has under a key. Complexity: linear in
  /// the number of entries of the actor or of those under the key, whichever
  /// is smaller.
  /// @returns how many were removed; nothing if the table is closed.
  std::optional<size_t> erase(actor_type* actor, key_arg key,
                              const cause& why) {
    auto hashed = hash(key);
    auto& part = partition_of(actor);
    auto& in = part.in(hashed);
    record_type* victims = nullptr;
    size_t result = 0;
    for (auto first = true; first || victims != nullptr; first = false) {
      aftermath after;
      std::lock_guard guard{in.mutex};
      if (in.closed && first)
        return std::nullopt;
      if (in.closed) // whoever closed it removes the others
        break;
      if (first) {
        auto* node = in.find(key, hashed);
        if (node == nullptr)
          break;
        victims = take_out(part, in, *node, actor);
      }
      while (victims != nullptr && after.trash.room() >= in.removal_room) {
        remove(in, std::exchange(victims, victims->next), why, after);
        ++result;
      }
    }
    return result;
  }

  /// Removes those entries that an actor has under a key for which
  /// `pred(const Value&)` is true. `pred` runs without a lock; what it was
  /// true for is removed unless somebody else was faster. Complexity: as
  /// `erase`.
  /// @throws what `pred` throws, without any change.
  template <class Pred>
  std::optional<size_t> erase_if(actor_type* actor, key_arg key, Pred&& pred,
                                 const cause& why) {
    if (closed())
      return std::nullopt;
    auto& part = partition_of(actor);
    auto& in = part.in(hash(key));
    typename shard::reader pinned;
    auto found = list_entries(actor, key, pinned);
    std::erase_if(found, [&pred](const found_entry& x) {
      return !pred(x.entry->value());
    });
    size_t result = 0;
    for (auto& x : found) {
      aftermath after;
      std::lock_guard guard{in.mutex};
      if (in.closed)
        break;
      if (unlist(part, actor, x.record, x.version)) {
        remove(in, x.record, why, after);
        ++result;
      }
    }
    return result;
  }

  /// Removes all entries of an actor. Complexity: linear in their number.
  /// @param retire_actor Whether the actor is dead, so that its record goes.
  /// @param limit How many to remove at most.
  /// @returns the number of entries removed.
  size_t erase_all(actor_type* actor, const cause& why, bool retire_actor,
                   size_t limit = std::numeric_limits<size_t>::max()) {
    auto& part = partition_of(actor);
    size_t result = 0;
    while (result < limit) {
      record_type* victim = nullptr;
      uint32_t version = 0;
      shard* in = nullptr;
      {
        auto entries = part.registrants.lock(actor);
        auto* holder = entries.find();
        if (holder == nullptr)
          break;
        victim = holder->head;
        if (victim == nullptr) {
          if (retire_actor)
            entries.erase(holder);
          break;
        }
        version = victim->version;
        in = &part.in(victim->node->hash);
      }
      aftermath after;
      std::lock_guard guard{in->mutex};
      if (in->closed)
        break;
      // Whoever was faster has done our work.
      if (unlist(part, actor, victim, version)) {
        remove(*in, victim, why, after);
        ++result;
      }
    }
    return result;
  }

  /// Makes sure that the death of `actor` will be noticed. Complexity:
  /// constant.
  /// @throws std::bad_alloc without any change.
  void enroll(actor_type* actor) {
    auto monitor = observer_.monitor_for(actor);
    partition_of(actor).registrants.enroll(actor, monitor);
  }

  /// Runs `fn(shard, entry)` under all locks of a key, so that it is ordered
  /// with all changes of it. `entry` is one of a living actor, or null.
  template <class Fn>
  auto locked(key_arg key, Fn&& fn) {
    auto hashed = hash(key);
    auto guards = lock_all(shard_of(hashed));
    for (size_t i = 0; i < partition_count_; ++i) {
      auto* node = partitions_[i].in(hashed).find(key, hashed);
      if (node == nullptr)
        continue;
      typename shard::look all{node->entries};
      for (auto& x : all.entries())
        if (!Actors::dead(x.actor()))
          return fn(shard_of(hashed), &x);
    }
    return fn(shard_of(hashed), static_cast<const entry_type*>(nullptr));
  }

  /// Removes all entries and refuses every later one. What a running reader
  /// sees lives on until the reader ends. Complexity: linear. Safe beside any
  /// other operation; waits for none.
  /// @param fn `fn(actor_type*)` is told, under a lock, of each enrolled actor;
  ///           must not throw.
  void close(const cause& why,
             const std::function<void(actor_type*)>& fn) noexcept {
    closed_.store(true, std::memory_order_release);
    for_each_shard([](shard& in) {
      std::lock_guard guard{in.mutex};
      in.closed = true;
    });
    // Nothing is added from here on, and nothing is removed but here.
    for (size_t i = 0; i < partition_count_; ++i)
      partitions_[i].registrants.close(fn);
    for_each_shard([&](shard& in) { clear(in, why); });
  }

private:
  struct partition {
    std::array<shard, shard_count> shards;
    typename shard::registrants_type registrants;

    shard& in(uint64_t hash) noexcept {
      return shards[shard_of(hash)];
    }
  };

  struct found_entry {
    record_type* record;
    uint32_t version;
    const entry_type* entry;
  };

  partition& partition_of(const actor_type* actor) const noexcept {
    auto hashed = hash_word(reinterpret_cast<uintptr_t>(actor), hash_secret_b);
    return partitions_[(hashed >> 32) * partition_count_ >> 32];
  }

  template <class Fn>
  void for_each_shard(Fn&& fn) {
    for (size_t i = 0; i < partition_count_; ++i)
      for (auto& in : partitions_[i].shards)
        fn(in);
  }

  template <class Fn>
  auto sum(Fn&& fn) {
    decltype(fn(std::declval<shard&>())) result = 0;
    for_each_shard([&](shard& in) {
      std::lock_guard guard{in.mutex};
      result += fn(in);
    });
    return result;
  }

  // Locks one shard in all partitions, in this order: nobody else holds two.
  std::vector<std::unique_lock<spin_mutex>> lock_all(size_t at) {
    std::vector<std::unique_lock<spin_mutex>> result;
    result.reserve(partition_count_);
    for (size_t i = 0; i < partition_count_; ++i)
      result.emplace_back(partitions_[i].shards[at].mutex);
    return result;
  }

  // Whether a partition before this one has entries under the same key.
  bool has_before(size_t end, size_t at, const node_type& node) {
    for (size_t i = 0; i < end; ++i) {
      auto* twin = partitions_[i].shards[at].find(node.key->get(), node.hash);
      if (twin != nullptr && !twin->entries.empty())
        return true;
    }
    return false;
  }

  // Finds the entries of an actor under a key; `pinned` keeps them in place.
  std::vector<found_entry> list_entries(actor_type* actor, key_arg key,
                                        typename shard::reader& pinned) {
    auto hashed = hash(key);
    auto& part = partition_of(actor);
    auto& in = part.in(hashed);
    std::vector<found_entry> result;
    for (size_t wanted = 4;; wanted += wanted / 4) {
      result.clear();
      result.reserve(wanted); // without the lock
      wanted = 0;
      std::lock_guard guard{in.mutex};
      auto* node = in.find(key, hashed);
      if (node == nullptr)
        return result;
      auto entries = part.registrants.lock(actor);
      in.search(entries, *node, actor, [&](record_type& rec) {
        if (wanted++ < result.capacity())
          result.push_back({&rec, rec.version, nullptr});
      });
      if (wanted > result.capacity())
        continue;
      // Only now, for the search may have moved them.
      for (auto& x : result)
        x.entry = &node->entries.at(x.record->position);
      pinned.open(in, *node);
      return result;
    }
  }

  // No result: the actor must be enrolled first.
  std::optional<add_result> try_add(uint64_t hashed, key_arg key,
                                    actor_type* actor, Value& value,
                                    const cause& why) {
    auto& part = partition_of(actor);
    auto& in = part.in(hashed);
    stored_key<Key> stored{key};
    aftermath after;
    std::lock_guard guard{in.mutex};
    if (in.closed)
      return add_result::closed;
    in.reserve_record();
    auto& node = in.obtain(key, hashed, stored);
    // Gives the node back if this fails.
    struct usage {
      shard& in;
      node_type& node;
      aftermath& after;
      ~usage() {
        in.leave(node, after);
      }
    } busy{in, node, after};
    ++node.users;
    node.entries.reserve_next();
    record_type* rec = nullptr;
    {
      auto entries = part.registrants.lock(actor);
      auto* holder = entries.find();
      if (holder == nullptr)
        return std::nullopt;
      rec = in.take_record();
      rec->node = &node;
      rec->position
        = node.entries.add(entry_type{actor, strong_, rec, std::move(value)});
      entries.link(holder, rec);
    }
    ++in.entries;
    observer_.registered(shard_of(hashed), node.key->get(), actor,
                         node.entries.at(rec->position).value(), why);
    return add_result::done;
  }

  // Takes a record out of its actor's list, unless somebody else has done so.
  // Caller holds the lock of the key's shard.
  static bool unlist(partition& part, actor_type* actor, record_type* rec,
                     uint32_t version) noexcept {
    if (rec->version != version)
      return false;
    auto entries = part.registrants.lock(actor);
    if (rec->prev == 0)
      return false;
    entries.unlink(rec);
    rec->prev = 0;
    return true;
  }

  // Takes the records of an actor under a key out of its list, and chains
  // them. Their entries stay until `remove`.
  static record_type* take_out(partition& part, shard& in, node_type& node,
                               actor_type* actor) noexcept {
    record_type* result = nullptr;
    auto entries = part.registrants.lock(actor);
    in.search(entries, node, actor, [&](record_type& rec) {
      entries.unlink(&rec);
      rec.prev = 0;
      rec.next = std::exchange(result, &rec);
    });
    return result;
  }

  // Removes an entry whose record is in no list. Caller holds the lock.
  void remove(shard& in, record_type* rec, const cause& why,
              aftermath& after) noexcept {
    auto& node = *rec->node;
    withdraw(node, node.entries.at(rec->position), why);
    node.entries.remove(rec->position, after.trash, in.moved);
    in.give_back(rec);
    --in.entries;
    ++in.removals;
    in.drop_if_idle(node, after);
  }

  void withdraw(const node_type& node, const entry_type& x,
                const cause& why) noexcept {
    observer_.unregistered(shard_of(node.hash), node.key->get(), x.actor(),
                           x.value(), why);
  }

  // Empties a shard that is closed.
  void clear(shard& in, const cause& why) noexcept {
    node_type* nodes = nullptr;
    slot_array* array = nullptr;
    {
      std::lock_guard guard{in.mutex};
      in.index.for_each(in.root, [&nodes](node_type& x) {
        ++x.users;
        x.linked = false;
        x.next = std::exchange(nodes, &x);
      });
      array = in.index.reset(in.root);
    }
    slot_array::destroy(array);
    while (nodes != nullptr) {
      auto& node = *std::exchange(nodes, nodes->next);
      // There may be many entries, too many to take them out under one lock.
      // So they are left to the last reader, which may be this one.
      typename shard::reader mine;
      aftermath after;
      std::lock_guard guard{in.mutex};
      mine.open(in, node);
      if (!mine.empty())
        for (auto& x : mine.entries())
          withdraw(node, x, why);
      in.entries -= node.entries.size();
      in.removals += node.entries.size();
      node.entries.clear(after.trash);
      in.leave(node, after);
    }
  }

  Observer& observer_;
  const bool strong_;
  const size_t partition_count_;
  const uint64_t seed_ = seam::random_seed();
  std::atomic<bool> closed_{false};
  const std::unique_ptr<partition[]> partitions_;
};

} // namespace cafreg::detail
