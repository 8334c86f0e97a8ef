// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/detail/changing.hpp"
#include "cafreg/detail/epoch.hpp"
#include "cafreg/detail/hash.hpp"
#include "cafreg/detail/limbo.hpp"
#include "cafreg/detail/registrants.hpp"
#include "cafreg/detail/reservation.hpp"
#include "cafreg/detail/slab.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/spin_mutex.hpp"
#include "cafreg/detail/stored_key.hpp"
#include "cafreg/detail/write_result.hpp"
#include "cafreg/seam/chance.hpp"

namespace cafreg::detail {

/// A concurrent map from keys to one actor and one value each, with a reverse
/// index from actors to keys. Readers take no lock; writers take the lock of
/// one of 64 shards, and inside it the lock of one actor's entries.
///
/// An entry is a node of one cache line (for string keys and small values). It
/// never moves and never changes for its readers: an update puts a new node in
/// its place. So a node is the identity of a registration; late clean-up of a
/// dead actor removes that actor's nodes, whoever holds their keys by then.
///
/// This class knows no actor library. `Actors` says how to hold an actor:
///   - `type`: what a pointer to an actor points to,
///   - `acquire(type*, bool strong)`, `release(type*, bool strong)`: for nodes,
///   - `borrow(type*, bool strong)`: takes a strong reference from a pointer
///     that a node holds; false if the actor is gone,
///   - `dead(const type*)`: whether the actor has terminated,
///   - `prefetch(const type*)`: both will be called soon.
/// `Observer` is told of each change under the lock of the key's shard, in
/// table order, and must neither throw nor call back:
///   - `registered(shard, key, actor, value, cause)`,
///   - `unregistered(shard, key, actor, value, cause, succeeded)`, where the
///     last says whether `registered` follows at once for a successor,
///   - `heir(shard, key)`: an optional {actor, value} that takes over a key
///     which is about to become free (its actor must be enrolled),
/// and without that lock:
///   - `has_heirs()`: whether `heir` is worth a call,
///   - `cause_of_death(actor)`: why an entry goes whose actor is dead while
///     its down message is still under way,
///   - `monitor_for(actor)`: prepares the watch over an actor's life; the
///     result has `start() noexcept` and `stop() noexcept`,
///   - `garbage()`: some entries wait for their last reader, call `flush()`
///     soon; called by every write that removes anything.
template <class Key, class Value, class Actors, class Observer>
class unique_table {
public:
  using actor_type = typename Actors::type;

  using key_arg = key_view<Key>;

  using cause = typename Observer::cause;

  static_assert(std::is_nothrow_move_constructible_v<Value>,
                "a registry's Value must not throw when moved: it is moved "
                "into the table under a lock");

  struct alignas(64) node {
    actor_type* actor;
    node* next;
    uintptr_t prev;
    uint64_t hash;
    stored_key<Key> key;
    [[no_unique_address]] Value value;

    uint64_t hash_value() const noexcept {
      return hash;
    }

    const void* onward() const noexcept {
      return actor;
    }
  };

  using reservation = detail::reservation<Key, Value>;

  using reservation_ptr = std::shared_ptr<reservation>;

  unique_table(Observer& observer, bool strong)
    : observer_(observer), strong_(strong) {
    // nop
  }

  unique_table(const unique_table&) = delete;

  unique_table& operator=(const unique_table&) = delete;

  /// Nobody may use the table any more.
  ~unique_table() {
    close(cause{}, [](actor_type*) {});
    for (auto& shard : shards_) {
      chain<node> nodes;
      shard.nodes.surrender(nodes);
      recycle(shard, nodes);
      chain<slot_array> arrays;
      shard.arrays.surrender(arrays);
      while (auto* array = arrays.pop())
        slot_array::destroy(array);
    }
  }

  [[gnu::always_inline]] uint64_t hash(key_arg key) const {
    return hash_key(key, seed_);
  }

  // -- readers ----------------------------------------------------------------

  /// Calls `fn(const node&)` for the entry of a key, pinned: memory of removed
  /// entries waits for `fn`, nothing else does. Does not ask whether the actor
  /// lives. Complexity: constant, two cache lines. Wait-free.
  /// @returns whether there is an entry.
  template <class Fn>
  bool visit(key_arg key, Fn&& fn) const {
    auto hashed = hash(key);
    epoch::pin pin;
    count_lookup(pin);
    auto* ptr = find(key, hashed);
    if (ptr == nullptr)
      return false;
    fn(std::as_const(*ptr));
    return true;
  }

  /// Like `visit`, for living actors only. If the holder is dead and an heir
  /// stands by, the heir takes over first. Complexity: constant, four cache
  /// lines. Wait-free unless there is an heir to promote.
  /// @param hit `hit(const node&)` is called with a strong reference taken,
  ///            which it must adopt before it can throw.
  /// @returns what `hit` or, without an entry, `miss()` returns.
  template <class Hit, class Miss>
  auto lookup(key_arg key, Hit&& hit, Miss&& miss) {
    auto hashed = hash(key);
    epoch::pin pin;
    count_lookup(pin);
    if (auto* ptr = approach(key, hashed)) [[likely]] {
      if (Actors::dead(ptr->actor) || !Actors::borrow(ptr->actor, strong_))
        [[unlikely]]
        ptr = successor(ptr, key, hashed);
      if (ptr != nullptr) [[likely]]
        return hit(std::as_const(*ptr));
    }
    return miss();
  }

  /// The same for a `hit` without result.
  /// @returns whether there was an entry.
  template <class Hit>
  bool lookup(key_arg key, Hit&& hit) {
    return lookup(
      key,
      [&hit](const node& x) {
        hit(x);
        return true;
      },
      [] { return false; });
  }

  /// Calls `fn(const node&)` for each entry, pinned but without a lock: each
  /// entry that exists from begin to end of the call exactly once.
  /// Complexity: linear; the lock of a shard is held while its entries'
  /// addresses are copied, a fraction of a nanosecond for each.
  template <class Fn>
  void for_each(Fn&& fn) {
    std::vector<const node*> nodes;
    for (size_t i = 0; i < shard_count; ++i) {
      auto& shard = shards_[i];
      epoch::pin pin;
      nodes.clear();
      nodes.reserve(size_of(shard));
      for (;;) {
        std::unique_lock guard{shard.mutex};
        if (shard.index.size() <= nodes.capacity()) {
          shard.index.for_each(roots_[i],
                               [&nodes](node& x) { nodes.push_back(&x); });
          break;
        }
        auto wanted = shard.index.size();
        guard.unlock(); // allocate without the lock
        nodes.reserve(wanted);
      }
      for (auto* ptr : nodes)
        fn(*ptr);
    }
  }

  /// Calls `fn(const node&)`, pinned, for each entry of an actor.
  /// Complexity: linear in the number of its entries; the lock of the actor's
  /// entries is held while their addresses are copied.
  template <class Fn>
  void for_each_of(actor_type* actor, Fn&& fn) {
    std::vector<const node*> nodes;
    epoch::pin pin;
    for (;;) {
      size_t wanted = 0;
      {
        auto entries = registrants_.lock(actor);
        auto* rec = entries.find();
        if (rec == nullptr)
          return;
        for (auto* ptr = rec->head; ptr != nullptr; ptr = ptr->next)
          if (wanted++ < nodes.capacity())
            nodes.push_back(ptr);
      }
      if (wanted <= nodes.capacity())
        break;
      nodes.clear();
      nodes.reserve(wanted + wanted / 4);
    }
    for (auto* ptr : nodes)
      fn(*ptr);
  }

  /// Returns whether this node is in the table now, for callers with a pin.
  bool linked(const node* ptr) {
    auto& shard = shards_[shard_of(ptr->hash)];
    std::lock_guard guard{shard.mutex};
    return is_linked(ptr);
  }

  /// Number of entries. Complexity: constant (64 shards).
  size_t size() noexcept {
    size_t result = 0;
    for (auto& shard : shards_)
      result += size_of(shard);
    return result;
  }

  /// Number of living actors that ever registered. Complexity: constant.
  size_t registrant_count() noexcept {
    return registrants_.size();
  }

  /// Number of lookups and visits, sampled: a multiple of 1024.
  uint64_t lookups() const noexcept {
    return lookups_.load(std::memory_order_relaxed);
  }

  /// Number of entries that were removed.
  uint64_t removals() noexcept {
    uint64_t result = 0;
    for (auto& shard : shards_) {
      std::lock_guard guard{shard.mutex};
      result += shard.removals;
    }
    return result;
  }

  bool closed() const noexcept {
    return closed_.load(std::memory_order_acquire);
  }

  bool strong() const noexcept {
    return strong_;
  }

  // -- writers ----------------------------------------------------------------

  /// Registers `actor` under `key`, unless a living actor holds it.
  /// Complexity: amortised constant.
  /// @param on_taken `fn(const node&)`: told of the present holder, with a
  ///                 strong reference taken, when the result is `taken` or
  ///                 `held`. Runs under the lock and must not throw.
  /// @param value Moved from only if the result is `done`.
  /// @throws std::bad_alloc without any change.
  template <class Fn>
  write_result insert(actor_type* actor, key_arg key, Value&& value,
                      const cause& why, Fn&& on_taken) {
    auto hashed = hash(key);
    fetch(actor, hashed);
    stored_key<Key> stored{key};
    for (;;) {
      if (Actors::dead(actor))
        return closed() ? write_result::closed : write_result::dead;
      aftermath after;
      reservation_ptr reserved;
      auto outcome = try_insert(hashed, key, stored, actor, value, why,
                                on_taken, reserved, nullptr, after);
      tidy(shards_[shard_of(hashed)], after);
      if (outcome)
        return *outcome;
      if (reserved && reserved->wait() != seam::waited::done)
        return write_result::would_deadlock;
      if (!reserved) // the actor's first registration
        enroll(actor);
    }
  }

  /// Reserves a free key for an actor that is about to be spawned. Whoever
  /// wants to register it meanwhile waits for `bind` or `release`; lookups
  /// miss. Complexity: constant.
  /// @param result Set if the result is `done`.
  /// @param value Moved from only if the result is `done`.
  template <class Fn>
  write_result reserve(key_arg key, Value&& value, Fn&& on_taken,
                       reservation_ptr& result) {
    auto hashed = hash(key);
    auto& in = shards_[shard_of(hashed)];
    auto fresh = std::make_shared<reservation>(hashed, key, std::move(value));
    for (;;) {
      aftermath after;
      reservation_ptr reserved;
      auto outcome = try_reserve(in, hashed, key, fresh, on_taken, reserved,
                                 after);
      tidy(in, after);
      if (outcome) {
        if (*outcome == write_result::done)
          result = std::move(fresh);
        return *outcome;
      }
      if (reserved && reserved->wait() != seam::waited::done)
        return write_result::would_deadlock;
    }
  }

  /// Registers `actor` under the reserved key, unless that was done before.
  /// Called by the new actor or by whoever spawns it, whichever comes first.
  write_result bind(const reservation_ptr& reserved, actor_type* actor,
                    const cause& why) {
    auto& in = shards_[shard_of(reserved->hash)];
    stored_key<Key> stored{reserved->key.get()};
    for (;;) {
      aftermath after;
      reservation_ptr other;
      auto ignore = [](const node& x) { Actors::release(x.actor, true); };
      auto outcome = Actors::dead(actor)
                       ? std::optional{write_result::dead}
                       : try_insert(reserved->hash, reserved->key.get(), stored,
                                    actor, reserved->value, why, ignore, other,
                                    reserved.get(), after);
      tidy(in, after);
      if (outcome) {
        release(reserved);
        return *outcome;
      }
      enroll(actor);
    }
  }

  /// Gives a reservation up, unless it was bound.
  void release(const reservation_ptr& reserved) noexcept {
    auto& in = shards_[shard_of(reserved->hash)];
    {
      std::lock_guard guard{in.mutex};
      std::erase(in.reserved, reserved);
      reserved->given_up = !reserved->bound;
    }
    reserved->finish();
  }

  /// Removes the entry of `key` if `actor` holds it. Complexity: constant,
  /// whatever number of keys the actor holds.
  /// @returns `done` or `not_held`
  write_result erase(actor_type* actor, key_arg key, const cause& why) {
    auto hashed = hash(key);
    return erase_where(hashed, why, [&] {
      auto* ptr = find(key, hashed);
      return ptr != nullptr && ptr->actor == actor ? ptr : nullptr;
    });
  }

  /// Removes precisely this entry, unless it is gone or replaced. The caller
  /// has found it under a pin that lasts.
  write_result erase(node* expected, const cause& why) {
    return erase_where(expected->hash, why, [&] {
      return is_linked(expected) ? expected : nullptr;
    });
  }

  /// Removes the entry of `key` if `actor` holds it and `pred(const node&)`,
  /// called without a lock, says so; atomic against all other operations.
  template <class Pred>
  write_result erase_if(actor_type* actor, key_arg key, Pred&& pred,
                        const cause& why) {
    auto hashed = hash(key);
    changing<Key> here{this, key};
    for (;;) {
      epoch::pin pin;
      auto* ptr = find(key, hashed);
      if (ptr == nullptr || ptr->actor != actor || !pred(std::as_const(*ptr)))
        return closed() ? write_result::closed : write_result::not_held;
      auto outcome = erase(ptr, why);
      if (outcome != write_result::not_held)
        return outcome;
    }
  }

  /// Removes all entries of an actor. Complexity: linear in their number.
  /// @param retire_actor Whether the actor is dead, so that its record goes.
  /// @param limit How many to remove at most.
  /// @returns the number of entries removed.
  size_t erase_all(actor_type* actor, const cause& why, bool retire_actor,
                   size_t limit = std::numeric_limits<size_t>::max()) {
    size_t result = 0;
    for (auto more = true; more;) {
      // A long pin would keep the memory of all these entries waiting.
      epoch::pin pin;
      more = false;
      for (auto rounds = 0; rounds < 64 && result < limit; ++rounds) {
        node* victim = nullptr;
        {
          auto entries = registrants_.lock(actor);
          auto* rec = entries.find();
          if (rec == nullptr)
            break;
          victim = rec->head;
          if (victim == nullptr) {
            if (retire_actor)
              entries.erase(rec);
            break;
          }
        }
        // Whoever unlinked it in the meantime has done our work.
        if (erase(victim, why) == write_result::done)
          ++result;
        more = rounds == 63;
      }
    }
    return result;
  }

  /// Puts the result of `fn(const node&)`, a new value, into the entry of
  /// `key` if `actor` holds it; atomic against all other operations. `fn` runs
  /// without a lock and, if somebody else changed the entry meanwhile, again.
  /// Complexity: constant, without contention for the same key.
  /// @returns `busy` from within `fn`, or the predicate of `erase_if`, for the
  ///          same key: these would start all over, and never end.
  template <class Fn>
  write_result update(actor_type* actor, key_arg key, Fn&& fn) {
    if (changing<Key>::underway(this, key))
      return write_result::busy;
    auto hashed = hash(key);
    fetch(actor, hashed);
    changing<Key> here{this, key};
    for (;;) {
      epoch::pin pin;
      auto* old = find(key, hashed);
      if (old == nullptr || old->actor != actor || Actors::dead(actor))
        return closed() ? write_result::closed : write_result::not_held;
      auto outcome = exchange(old, key, actor, fn(std::as_const(*old)),
                              nullptr);
      if (outcome != write_result::not_held)
        return outcome;
      // Somebody else was faster.
    }
  }

  /// Hands the entry of `key` over from one actor to another; readers see one
  /// of both at any time. Complexity: constant.
  /// @throws whatever copying a Value throws, without any change.
  write_result give(actor_type* from, key_arg key, actor_type* to,
                    const cause& why) {
    auto hashed = hash(key);
    for (;;) {
      epoch::pin pin;
      auto* old = find(key, hashed);
      // A dead holder's key is as good as free, and a standby's before all.
      if (old == nullptr || old->actor != from || Actors::dead(from))
        return closed() ? write_result::closed : write_result::not_held;
      if (Actors::dead(to))
        return write_result::dead;
      auto outcome = exchange(old, key, to, Value{old->value}, &why);
      if (outcome == write_result::dead)
        enroll(to);
      else if (outcome != write_result::not_held)
        return outcome;
    }
  }

  /// Makes sure that the death of `actor` will be noticed. Complexity:
  /// constant.
  /// @throws std::bad_alloc without any change.
  void enroll(actor_type* actor) {
    auto monitor = observer_.monitor_for(actor);
    registrants_.enroll(actor, monitor);
  }

  /// Runs `fn()` under the lock of a key's shard, so that it is ordered with
  /// all changes of that key. `fn` gets the entry or null.
  template <class Fn>
  auto locked(key_arg key, Fn&& fn) {
    auto hashed = hash(key);
    std::lock_guard guard{shards_[shard_of(hashed)].mutex};
    return fn(shard_of(hashed), static_cast<const node*>(find(key, hashed)));
  }

  /// Removes all entries and refuses every later write. Complexity: linear.
  /// Safe beside any other operation, also itself; waits for none.
  /// @param fn `fn(actor_type*)` is told, under a lock, of each enrolled actor;
  ///           must not throw.
  void close(const cause& why,
             const std::function<void(actor_type*)>& fn) noexcept {
    closed_.store(true, std::memory_order_release);
    for (auto& shard : shards_) {
      std::vector<reservation_ptr> reserved;
      {
        std::lock_guard guard{shard.mutex};
        shard.closed = true;
        reserved.swap(shard.reserved);
      }
      for (auto& ptr : reserved)
        ptr->finish();
    }
    // No entry is linked from here on. Lists first: a retired node's links
    // belong to its limbo.
    registrants_.close(fn);
    for (size_t i = 0; i < shard_count; ++i) {
      auto& in = shards_[i];
      aftermath after;
      {
        std::lock_guard guard{in.mutex};
        node* first = nullptr;
        in.index.for_each(roots_[i], [&](node& x) {
          withdraw(x, why, false);
          x.next = std::exchange(first, &x);
        });
        retire_array(in, in.index.reset(roots_[i]), after);
        while (first != nullptr) {
          auto* ptr = std::exchange(first, first->next);
          ++in.removals;
          ptr->prev = 0;
          retire(in, ptr, after);
        }
      }
      tidy(in, after);
    }
    flush();
  }

  /// Frees entries whose last reader has gone.
  /// @returns whether some are left.
  bool flush() noexcept {
    // Twice: then whatever was unlinked before this call is free, unless a
    // reader stays.
    static_cast<void>(epoch::try_advance() && epoch::try_advance());
    auto left = false;
    for (auto& shard : shards_) {
      chain<node> expired;
      chain<slot_array> arrays;
      {
        std::lock_guard guard{shard.mutex};
        shard.nodes.collect(expired);
        shard.arrays.collect(arrays);
        left |= !shard.nodes.empty() || !shard.arrays.empty();
      }
      recycle(shard, expired);
      while (auto* array = arrays.pop())
        slot_array::destroy(array);
    }
    return left;
  }

private:
  struct alignas(64) shard {
    spin_mutex mutex;
    bool closed = false;
    slot_index<node> index;
    slab<node> memory;
    limbo<node> nodes;
    limbo<slot_array> arrays;
    std::vector<reservation_ptr> reserved;
    uint64_t removals = 0;
  };

  // A string's view by value, so that it stays in registers.
  struct same_key {
    explicit same_key(key_arg x) : key(x) {
      // nop
    }

    [[gnu::always_inline]] bool operator()(const node& x) const {
      return x.key.matches(key);
    }

    key_arg key;
  };

  [[gnu::always_inline]] node* find(key_arg key, uint64_t hashed) const {
    return find_slot<node>(
      roots_[shard_of(hashed)].load(std::memory_order_seq_cst), hashed,
      same_key(key));
  }

  // Inline, or g++ takes it for a function without effect.
  struct fetch_actor {
    [[gnu::always_inline]] void operator()(const void* actor) const noexcept {
      Actors::prefetch(static_cast<const actor_type*>(actor));
    }
  };

  // Asks for what a write will touch: all at once rather than one after the
  // other.
  [[gnu::always_inline]] void fetch(const actor_type* actor,
                                    uint64_t hashed) const {
    Actors::prefetch(actor);
    registrants_.prefetch(actor);
    prefetch_slot<node>(
      roots_[shard_of(hashed)].load(std::memory_order_relaxed), hashed);
  }

  // Like `find`, for those who need the actor's memory too.
  [[gnu::always_inline]] node* approach(key_arg key, uint64_t hashed) const {
    return find_slot<node>(
      roots_[shard_of(hashed)].load(std::memory_order_seq_cst), hashed,
      same_key(key), fetch_actor{});
  }

  bool is_linked(const node* ptr) const {
    return find_slot<node>(
             roots_[shard_of(ptr->hash)].load(std::memory_order_relaxed),
             ptr->hash, [ptr](const node& x) { return &x == ptr; })
           != nullptr;
  }

  static size_t size_of(shard& x) noexcept {
    std::lock_guard guard{x.mutex};
    return x.index.size();
  }

  void count_lookup(epoch::pin& pin) const noexcept {
    if (pin.sample()) [[unlikely]]
      lookups_.fetch_add(1024, std::memory_order_relaxed);
  }

  // What is left to do after the lock of a shard is released.
  struct aftermath {
    chain<node> expired;
    bool garbage = false;
  };

  // Marks a retired node whose reference its successor has taken over. Never a
  // valid link.
  static constexpr uintptr_t reference_moved = 2;

  // No result: the actor must be enrolled first.
  template <class Fn>
  std::optional<write_result>
  try_insert(uint64_t hashed, key_arg key, stored_key<Key>& stored,
             actor_type* actor, Value& value, const cause& why, Fn& on_taken,
             reservation_ptr& reserved, reservation* own, aftermath& after) {
    auto& in = shards_[shard_of(hashed)];
    auto& root = roots_[shard_of(hashed)];
    std::lock_guard guard{in.mutex};
    if (in.closed)
      return write_result::closed;
    if (own != nullptr && own->bound)
      return write_result::done;
    if (own != nullptr && own->given_up)
      return write_result::not_held;
    if (auto* present = borrow_alive(key, hashed, after)) {
      on_taken(std::as_const(*present));
      return present->actor == actor ? write_result::held : write_result::taken;
    }
    if (!in.reserved.empty()) [[unlikely]] {
      reserved = find_reservation(in, key, hashed);
      if (reserved != nullptr && reserved.get() != own)
        return std::nullopt;
    }
    retire_array(in, in.index.reserve(root), after);
    auto* memory = in.memory.allocate();
    node* fresh = nullptr;
    {
      auto entries = registrants_.lock(actor);
      auto* rec = entries.find();
      if (rec == nullptr) {
        in.memory.deallocate(memory);
        return std::nullopt;
      }
      fresh = ::new (memory)
        node{actor, nullptr, 0, hashed, std::move(stored), std::move(value)};
      Actors::acquire(actor, strong_);
      entries.link(rec, fresh);
    }
    in.index.insert(root, fresh);
    announce(*fresh, why);
    if (own != nullptr)
      own->bound = true;
    return write_result::done;
  }

  // Finds the entry of a key. If its holder is dead, its key goes to an heir,
  // who comes before any newcomer, or becomes free: whatever the late clean-up
  // of the dead holder does, its entry is not in the table by then.
  node* find_alive(key_arg key, uint64_t hashed, aftermath& after) {
    for (;;) {
      auto* present = find(key, hashed);
      if (present == nullptr || !Actors::dead(present->actor))
        return present;
      vacate(present, observer_.cause_of_death(present->actor), after);
    }
  }

  // Like `find_alive`, and takes a strong reference. A holder that nobody holds
  // any more is as good as dead, and may be calling from its own destruction.
  node* borrow_alive(key_arg key, uint64_t hashed, aftermath& after) {
    for (;;) {
      auto* present = find_alive(key, hashed, after);
      if (present == nullptr || Actors::borrow(present->actor, strong_))
        return present;
      vacate(present, observer_.cause_of_death(present->actor), after);
    }
  }

  static reservation_ptr find_reservation(shard& in, key_arg key,
                                          uint64_t hashed) noexcept {
    for (auto& ptr : in.reserved)
      if (ptr->hash == hashed && ptr->key.matches(key))
        return ptr;
    return nullptr;
  }

  // No result: wait for the other reservation, if there is one, and try again.
  template <class Fn>
  std::optional<write_result> try_reserve(shard& in, uint64_t hashed,
                                          key_arg key,
                                          const reservation_ptr& fresh,
                                          Fn& on_taken, reservation_ptr& other,
                                          aftermath& after) {
    std::lock_guard guard{in.mutex};
    if (in.closed)
      return write_result::closed;
    if (auto* present = borrow_alive(key, hashed, after)) {
      on_taken(std::as_const(*present));
      return write_result::taken;
    }
    other = find_reservation(in, key, hashed);
    if (other != nullptr)
      return std::nullopt;
    in.reserved.push_back(fresh);
    return write_result::done;
  }

  // Returns who comes after an entry whose actor is dead: an heir that is about
  // to take over, or who has just done so. With a strong reference taken, or
  // null. Apart from the lookup, whose code is shorter without.
  [[gnu::noinline]] node* successor(const node* dead, key_arg key,
                                    uint64_t hashed);

  // Lets an heir take over the key of a dead holder.
  // Returns the present entry with a strong reference taken, for a caller who
  // holds a pin, or null.
  node* promote(key_arg key, uint64_t hashed) {
    auto& in = shards_[shard_of(hashed)];
    aftermath after;
    node* present = nullptr;
    {
      std::lock_guard guard{in.mutex};
      present = borrow_alive(key, hashed, after);
    }
    tidy(in, after);
    return present;
  }

  // Puts a node for `actor` in the place of `old`, of the same key. Caller
  // holds the shard's lock.
  // Returns false, without any change, if the actor is not enrolled.
  bool supersede(node* old, stored_key<Key>& key, actor_type* actor,
                 Value& value, aftermath& after) {
    auto& in = shards_[shard_of(old->hash)];
    auto* memory = in.memory.allocate();
    auto same = actor == old->actor;
    {
      auto entries = registrants_.lock(actor);
      auto* rec = entries.find();
      if (rec == nullptr) {
        in.memory.deallocate(memory);
        return false;
      }
      auto* fresh = ::new (memory)
        node{actor, nullptr, 0, old->hash, std::move(key), std::move(value)};
      if (!same)
        Actors::acquire(actor, strong_);
      entries.link(rec, fresh);
      if (same)
        entries.unlink(old);
    }
    if (!same)
      registrants_.lock(old->actor).unlink(old);
    in.index.replace(roots_[shard_of(old->hash)], old,
                     static_cast<node*>(memory));
    old->prev = same ? reference_moved : 0;
    retire(in, old, after);
    return true;
  }

  // Takes the key from a node: for an heir, or away. Caller holds the lock.
  void vacate(node* victim, const cause& why, aftermath& after) {
    auto at = shard_of(victim->hash);
    if (observer_.has_heirs()) {
      // Before an heir is taken out of the queue: copying may throw.
      stored_key<Key> key{victim->key.get()};
      while (auto heir = observer_.heir(at, victim->key.get())) {
        // Who gives a key up does not want it back.
        if (heir->actor == victim->actor || Actors::dead(heir->actor)
            || !supersede(victim, key, heir->actor, heir->value, after))
          continue; // that one died while it stood by
        ++shards_[at].removals;
        withdraw(*victim, why, true);
        announce(*find(victim->key.get(), victim->hash), why);
        return;
      }
    }
    // In this order, or the index, which needs a barrier, waits for the memory
    // of the neighbours.
    shards_[at].index.erase(roots_[at], victim);
    registrants_.lock(victim->actor).unlink(victim);
    ++shards_[at].removals;
    withdraw(*victim, why, false);
    victim->prev = 0;
    retire(shards_[at], victim, after);
  }

  void announce(const node& x, const cause& why) noexcept {
    observer_.registered(shard_of(x.hash), x.key.get(), x.actor, x.value, why);
  }

  void withdraw(const node& x, const cause& why, bool succeeded) noexcept {
    observer_.unregistered(shard_of(x.hash), x.key.get(), x.actor, x.value, why,
                           succeeded);
  }

  // Removes the entry that `pick()` finds under the lock, if any.
  template <class Pick>
  write_result erase_where(uint64_t hashed, const cause& why, Pick&& pick) {
    auto& in = shards_[shard_of(hashed)];
    aftermath after;
    {
      std::lock_guard guard{in.mutex};
      auto* victim = pick();
      if (victim == nullptr)
        return in.closed ? write_result::closed : write_result::not_held;
      vacate(victim, why, after);
    }
    tidy(in, after);
    return write_result::done;
  }

  // Replaces exactly this entry; `not_held` when somebody was faster, `dead`
  // when the new holder is not enrolled.
  write_result exchange(node* expected, key_arg key, actor_type* actor,
                        Value&& value, const cause* announced) {
    auto& in = shards_[shard_of(expected->hash)];
    stored_key<Key> stored{key};
    aftermath after;
    {
      std::lock_guard guard{in.mutex};
      if (in.closed)
        return write_result::closed;
      if (!is_linked(expected) || Actors::dead(expected->actor))
        return write_result::not_held;
      if (!supersede(expected, stored, actor, value, after))
        return write_result::dead;
      if (announced != nullptr) {
        withdraw(*expected, *announced, true);
        announce(*find(key, expected->hash), *announced);
      }
    }
    tidy(in, after);
    return write_result::done;
  }

  void retire(shard& in, node* unlinked, aftermath& after) noexcept {
    in.nodes.retire(unlinked, after.expired);
    after.garbage = true;
  }

  void retire_array(shard& in, slot_array* array, aftermath& after) noexcept {
    if (array == nullptr)
      return;
    chain<slot_array> expired;
    in.arrays.retire(array, expired);
    while (auto* ptr = expired.pop())
      slot_array::destroy(ptr);
    after.garbage = true;
  }

  void tidy(shard& in, aftermath& after) noexcept {
    recycle(in, after.expired);
    if (after.garbage) {
      epoch::note_retired();
      observer_.garbage();
    }
  }

  // Releases what expired nodes hold: foreign code, hence outside the locks.
  void recycle(shard& in, chain<node>& expired) noexcept {
    if (expired.empty())
      return;
    typename slab<node>::places free;
    while (auto* ptr = expired.pop()) {
      if (ptr->prev != reference_moved)
        Actors::release(ptr->actor, strong_);
      std::destroy_at(ptr);
      free.add(ptr);
    }
    std::lock_guard guard{in.mutex};
    in.memory.deallocate(free);
  }

  Observer& observer_;
  const bool strong_;
  const uint64_t seed_ = seam::random_seed();
  alignas(64) std::array<slot_link, shard_count> roots_;
  alignas(64) mutable std::atomic<uint64_t> lookups_{0};
  alignas(64) std::atomic<bool> closed_{false};
  registrants<node, actor_type> registrants_;
  std::array<shard, shard_count> shards_;
};

// Not inline, so that it is compiled once for common types.
template <class Key, class Value, class Actors, class Observer>
auto unique_table<Key, Value, Actors, Observer>::successor(const node* dead,
                                                           key_arg key,
                                                           uint64_t hashed)
  -> node* {
  if (observer_.has_heirs() || find(key, hashed) != dead)
    return promote(key, hashed);
  return nullptr;
}

} // namespace cafreg::detail
