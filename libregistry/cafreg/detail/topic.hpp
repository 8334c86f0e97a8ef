// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cafreg/detail/topic_memory.hpp"
#include "cafreg/detail/topic_snapshot.hpp"

namespace cafreg::detail {

/// All entries under one key of a duplicate registry.
///
/// The problem: a dispatch over a million subscribers calls user code for each
/// of them, which may block, while other actors subscribe and unsubscribe.
/// Holding a lock for that long stops them; copying the subscribers first costs
/// an allocation and two contended reference counts for each entry.
///
/// Hence versions. An entry sits in a slot with the versions of its birth and
/// its death. A reader opens a snapshot, which is a version number and takes
/// constant time, walks the slots without any lock and skips those that were
/// not alive at its version. What a snapshot sees stays where it is until the
/// snapshot is closed.
///
/// Thread safety: every function needs the lock of the topic, one external
/// mutex, except `for_each`, `range` and the iterators, which run without it on
/// a snapshot that is open. Several threads may walk one snapshot. The topic
/// must not be destroyed while a snapshot is open.
///
/// No function but the destructor destroys an entry, since dropping an actor
/// handle runs foreign code and that must not happen under a lock: removed
/// payloads are moved into a *trash* of the caller, who empties it after
/// unlocking; only the moved-from rest is destroyed here. A trash is anything
/// with `push_back(Payload&&)`; when that throws it has to leave its argument
/// alone (all containers of the standard library do), and the payload waits in
/// the topic for the next call that takes a trash.
///
/// Functions that take `moved` call `moved(payload, position)`, under the lock,
/// for each entry that compaction brought to another position, so that the
/// owner can correct what he noted from `add`. It must not throw, nor call the
/// topic.
///
/// Cost: see the functions. Each removal pays for a constant number of steps of
/// compaction, hence a walk takes time proportional to the live entries, not to
/// the most there ever were: unless snapshots hold on to dead ones, there are
/// at most about three slots for each live entry. A topic with one entry
/// allocates nothing. Segments come from `Allocator`, which must be stateless.
//
// Why walking without a lock is correct, and ThreadSanitizer has nothing to
// say about it:
//
// 1. `open` gives the snapshot the present version V and moves the topic on to
//    V + 1. Births and deaths are stamped with the present version, under the
//    lock. A slot is *in* V if and only if birth <= V < death. An entry that
//    moves dies in one slot and is born in another with the same stamp, so it
//    is in V exactly once, and so is one that is replaced by `add` and `remove`
//    under one lock.
// 2. The payload of a slot is written or moved from only while the slot is in
//    no open snapshot (`remove`, `close` and `sort_step` see to that). The
//    reader touches only payloads in its snapshot. They were written before it
//    was opened and are next written after it is closed; the mutex orders both.
// 3. The reader decides from death (acquire), then birth. The mutex shows him
//    at least their values at `open`, where no stamp is above V; all later
//    stamps are.
//    - The slot was alive: it is in V and stays so. Birth does not change;
//      death is `alive` or a later stamp. Found.
//    - It was dead. If the reader still sees that death, which is <= V, he
//      skips the slot whatever its birth. If he sees a newer value of death,
//      that store was a release after the store of a later birth; the acquire
//      shows him this birth or a newer one, all of them > V. Skipped.
//    So it is no harm that the two values may belong to different entries.
// 4. A snapshot knows the end of the used slots at `open` and follows `next` of
//    a segment only when slots below that end are left: such a `next` was set
//    before `open` and changes only when no snapshot is open. Slots are
//    constructed when they first come below the end, segments are freed when no
//    snapshot is open.
template <class Payload, class Allocator = std::allocator<Payload>>
class topic {
  static_assert(std::is_nothrow_move_constructible_v<Payload>,
                "removal cannot fail, so moving a payload must not throw");
  static_assert(std::is_copy_constructible_v<Payload>,
                "compaction beside an open snapshot copies the payload");
  static_assert(std::is_nothrow_destructible_v<Payload>);

  static constexpr uint32_t none = no_slot;

  static constexpr uint64_t alive = std::numeric_limits<uint64_t>::max();

  // How much of each kind of pending work a call does on the side. Two would
  // keep pace with removals; more keeps the slots within three for an entry.
  static constexpr uint32_t steps_on_the_side = 4;

  // Below so many superfluous slots compaction is not worth its while.
  static constexpr uint32_t slack = 8;

  using memory = topic_memory<Payload, Allocator>;

  using slot = topic_slot<Payload>;

  using slot_list = topic_slot_list;

  using segment = topic_segment<Payload>;

  using segment_ptr = typename memory::segment_ptr;

public:
  // -- member types -----------------------------------------------------------

  using value_type = Payload;

  using snapshot = topic_snapshot;

  using iterator = topic_iterator<Payload>;

  using view = topic_view<Payload>;

  // -- constructors, destructors, and assignment operators --------------------

  topic() noexcept : first_(0, first_memory_) {
    // nop
  }

  topic(const topic&) = delete;

  topic& operator=(const topic&) = delete;

  /// Destroys the entries that were not handed to a trash; call `clear` before
  /// where that matters.
  /// @pre No snapshot is open.
  ~topic() {
    assert(newest_ == nullptr && "a snapshot outlives its topic");
    for (auto i = ready_.head; i != none; i = link(i))
      std::destroy_at(&slot_at(i).value);
    if constexpr (!std::is_trivially_destructible_v<Payload>)
      for (uint32_t i = 0; i < end_; ++i)
        if (is_alive(slot_at(i)))
          std::destroy_at(&slot_at(i).value);
  }

  // -- properties -------------------------------------------------------------

  /// Returns how many entries are alive.
  uint32_t size() const noexcept {
    return live_;
  }

  bool empty() const noexcept {
    return live_ == 0;
  }

  /// Returns how many slots a new snapshot has to walk.
  uint32_t capacity_end() const noexcept {
    return end_;
  }

  /// Returns whether nothing is in it any more: no entry, no snapshot, no
  /// payload that waits for a trash. Such a topic can be destroyed at once.
  bool vacant() const noexcept {
    return live_ == 0 && newest_ == nullptr && ready_.head == none;
  }

  /// Returns the live entry at `pos`. While a snapshot is open others may read
  /// it: do not change what they look at.
  Payload& at(uint32_t pos) noexcept {
    assert(pos < end_ && is_alive(slot_at(pos)));
    return slot_at(pos).value;
  }

  const Payload& at(uint32_t pos) const noexcept {
    assert(pos < end_ && is_alive(slot_at(pos)));
    return slot_at(pos).value;
  }

  // -- writers ----------------------------------------------------------------

  /// Makes sure that the next `add` does not throw, provided that it comes
  /// before any other change. Complexity: constant.
  /// @throws std::bad_alloc
  /// @throws std::length_error when there are 2^32 - 1 slots.
  void reserve_next() {
    if (holes_ != 0)
      return;
    if (end_ == none)
      throw std::length_error("cafreg: too many entries under one key");
    if (log_of(end_) > heap_segments_)
      grow();
  }

  /// Adds an entry, in a slot that nobody can see if there is one.
  /// Complexity: constant; memory for a new segment is left uninitialised.
  /// @returns its position, valid until it is removed or `moved` names another.
  /// @throws std::bad_alloc, std::length_error without any change; `value` is
  ///         then untouched.
  uint32_t add(Payload&& value) {
    reserve_next();
    uint32_t pos;
    if (holes_ != 0) {
      pos = take_hole();
    } else {
      pos = end_++;
      if (pos == constructed_) {
        std::construct_at(&slot_at(pos));
        ++constructed_;
      }
    }
    std::construct_at(&slot_at(pos).value, std::move(value));
    publish(pos);
    ++live_;
    return pos;
  }

  /// Removes the live entry at `pos`. Its payload goes to the trash now or, if
  /// an open snapshot has it, some time after that is closed. Along with it the
  /// trash may receive a few others that were due. Complexity: constant; frees
  /// memory of segments that have become superfluous.
  template <class Trash, class Moved>
  void remove(uint32_t pos, Trash& trash, Moved&& moved) noexcept {
    assert(pos < end_ && is_alive(slot_at(pos)));
    bury(pos, trash);
    work(trash, moved, steps_on_the_side);
  }

  /// Removes all entries. Complexity: linear in the number of slots.
  template <class Trash>
  void clear(Trash& trash) noexcept {
    // Downwards, since the end follows as soon as nothing is left above.
    for (auto pos = end_; pos-- > 0;)
      if (pos < end_ && is_alive(slot_at(pos)))
        bury(pos, trash);
    while (ready_.head != none && hand_over(trash)) {
      // nop
    }
    trim();
  }

  /// Does at most `steps` steps of each kind of pending work: handing over
  /// payloads that no snapshot has any more, finding out which these are, and
  /// compaction. To be called again and again, with the lock released in
  /// between, while it returns true. Complexity: linear in `steps`.
  /// @returns whether another call has something to do. False also when memory
  ///          ran out: what is left then waits for the next change.
  template <class Trash, class Moved>
  bool reclaim(Trash& trash, Moved&& moved, uint32_t steps) noexcept {
    return work(trash, moved, steps);
  }

  // -- snapshots --------------------------------------------------------------

  /// Makes `x` a snapshot of the present entries. Complexity: constant.
  /// @pre `x` is not open.
  void open(snapshot& x) noexcept {
    assert(x.version_ == 0);
    x.version_ = version_++;
    x.end_ = end_;
    x.size_ = live_;
    x.newer_ = nullptr;
    x.older_ = newest_;
    if (newest_ != nullptr)
      newest_->newer_ = &x;
    newest_ = &x;
  }

  /// Ends the snapshot; nobody may walk it any more. Complexity: constant.
  /// @returns whether there is more to do. Then the caller ought to call
  ///          `reclaim` until that returns false: entries that were removed
  ///          while the snapshot was open are kept alive until somebody does,
  ///          or until so many changes have passed.
  template <class Trash, class Moved>
  [[nodiscard]] bool close(snapshot& x, Trash& trash, Moved&& moved) noexcept {
    assert(x.version_ != 0);
    if (x.newer_ != nullptr)
      x.newer_->older_ = x.older_;
    else
      newest_ = x.older_;
    if (cursor_ == &x)
      cursor_ = x.older_;
    if (auto* heir = x.older_; heir != nullptr) {
      heir->newer_ = x.newer_;
      splice(heir->unsorted_, x.kept_);
      splice(heir->unsorted_, x.unsorted_);
      heir->num_unsorted_ += x.num_kept_ + x.num_unsorted_;
      unsorted_ += x.num_kept_;
    } else {
      splice(ready_, x.kept_);
      splice(ready_, x.unsorted_);
      unsorted_ -= x.num_unsorted_;
    }
    x.version_ = 0;
    x.kept_ = {};
    x.num_kept_ = 0;
    x.unsorted_ = {};
    x.num_unsorted_ = 0;
    return work(trash, moved, steps_on_the_side);
  }

  /// Calls `fn(const Payload&)` once for each entry of the snapshot. Needs no
  /// lock, allocates nothing. What `fn` throws reaches the caller; the snapshot
  /// stays open. Complexity: linear in `capacity_end()` as it was at `open`.
  template <class F>
  void for_each(const snapshot& x, F&& fn) const {
    assert(x.version_ != 0);
    const auto version = x.version_;
    auto left = x.end_;
    for (const auto* i = &first_; left != 0;) {
      auto n = std::min(left, i->size());
      const slot* ptr = i->slots();
      for (const auto* last = ptr + n; ptr != last; ++ptr)
        if (ptr->visible_at(version))
          std::invoke(fn, std::as_const(ptr->value));
      left -= n;
      // The successor of the last one belongs to writers.
      if (left != 0)
        i = i->next;
    }
  }

  /// Returns the entries of the snapshot. Needs no lock.
  view range(const snapshot& x) const noexcept {
    assert(x.version_ != 0);
    return {&first_, &x};
  }

private:
  // -- slots ------------------------------------------------------------------

  static uint32_t log_of(uint32_t pos) noexcept {
    return static_cast<uint32_t>(std::bit_width(pos + 1)) - 1;
  }

  static bool is_alive(const slot& x) noexcept {
    return x.death.load(std::memory_order_relaxed) == alive;
  }

  const segment& segment_at(uint32_t log) const noexcept {
    return log == 0 ? first_ : *directory_[log - 1];
  }

  segment& segment_at(uint32_t log) noexcept {
    return log == 0 ? first_ : *directory_[log - 1];
  }

  slot& slot_at(uint32_t pos) const noexcept {
    auto& seg = segment_at(log_of(pos));
    return seg.slots()[pos - seg.base()];
  }

  uint32_t& link(uint32_t pos) const noexcept {
    return segment_at(log_of(pos)).link(pos);
  }

  // Returns whether a snapshot has an entry that was born then and is alive or
  // just about to die.
  bool in_snapshot(const slot& x) const noexcept {
    return newest_ != nullptr
           && x.birth.load(std::memory_order_relaxed) <= newest_->version_;
  }

  // -- lists ------------------------------------------------------------------

  void append(slot_list& xs, uint32_t pos) noexcept {
    link(pos) = none;
    if (xs.head == none)
      xs.head = pos;
    else
      link(xs.tail) = pos;
    xs.tail = pos;
  }

  uint32_t pop(slot_list& xs) noexcept {
    auto result = xs.head;
    xs.head = link(result);
    return result;
  }

  void splice(slot_list& xs, const slot_list& suffix) noexcept {
    if (suffix.head == none)
      return;
    if (xs.head == none)
      xs.head = suffix.head;
    else
      link(xs.tail) = suffix.head;
    xs.tail = suffix.tail;
  }

  // -- holes ------------------------------------------------------------------

  // The lowest segment first, so that the upper ones can become empty.
  uint32_t take_hole() noexcept {
    auto& seg = segment_at(static_cast<uint32_t>(std::countr_zero(holes_)));
    auto result = seg.hole;
    seg.hole = seg.link(result);
    if (seg.hole == none)
      holes_ &= holes_ - 1;
    return result;
  }

  void put_hole(segment& seg, uint32_t pos) noexcept {
    seg.link(pos) = seg.hole;
    seg.hole = pos;
    holes_ |= uint32_t{1} << seg.log;
  }

  // Brings a slot to life whose payload was constructed.
  void publish(uint32_t pos) noexcept {
    auto& seg = segment_at(log_of(pos));
    auto& x = seg.slots()[pos - seg.base()];
    x.birth.store(version_, std::memory_order_relaxed);
    x.death.store(alive, std::memory_order_release);
    ++seg.used;
    scan_ = std::max(scan_, pos + 1);
  }

  // Takes back a slot whose payload was destroyed.
  void vacate(uint32_t pos) noexcept {
    auto& seg = segment_at(log_of(pos));
    put_hole(seg, pos);
    if (--seg.used == 0)
      lower_end();
  }

  // Gives up empty segments at the end. Whole segments are good enough: what
  // would fit into the segments below is moved there.
  void lower_end() noexcept {
    while (end_ != 0) {
      auto& seg = segment_at(log_of(end_ - 1));
      if (seg.used != 0)
        return;
      seg.hole = none;
      holes_ &= ~(uint32_t{1} << seg.log);
      end_ = seg.base();
      scan_ = end_;
    }
  }

  // -- death ------------------------------------------------------------------

  template <class Trash>
  void bury(uint32_t pos, Trash& trash) noexcept {
    auto& x = slot_at(pos);
    x.death.store(version_, std::memory_order_release);
    --live_;
    if (in_snapshot(x))
      keep(pos);
    else if (give(trash, x.value))
      vacate(pos);
    else
      append(ready_, pos);
  }

  void keep(uint32_t pos) noexcept {
    append(newest_->kept_, pos);
    ++newest_->num_kept_;
  }

  template <class Trash>
  static bool give(Trash& trash, Payload& value) noexcept {
    try {
      trash.push_back(std::move(value));
    } catch (...) {
      return false;
    }
    std::destroy_at(&value);
    return true;
  }

  // -- work on the side -------------------------------------------------------

  template <class Trash, class Moved>
  bool work(Trash& trash, Moved& moved, uint32_t steps) noexcept {
    auto stuck = false;
    for (uint32_t i = 0; i < steps && !stuck && ready_.head != none; ++i)
      stuck = !hand_over(trash);
    for (uint32_t i = 0; i < steps && unsorted_ != 0; ++i)
      sort_step();
    for (uint32_t i = 0; i < steps && !stuck && sparse(); ++i)
      stuck = !compact_step(moved);
    trim();
    return !stuck && (ready_.head != none || unsorted_ != 0 || sparse());
  }

  template <class Trash>
  bool hand_over(Trash& trash) noexcept {
    if (!give(trash, slot_at(ready_.head).value))
      return false;
    vacate(pop(ready_));
    return true;
  }

  // Looks at one slot that a closed snapshot left to an older one, or at one
  // snapshot that has no such slots.
  void sort_step() noexcept {
    if (cursor_ == nullptr)
      cursor_ = newest_;
    auto& x = *cursor_;
    if (x.num_unsorted_ == 0) {
      cursor_ = x.older_;
      return;
    }
    auto pos = pop(x.unsorted_);
    --x.num_unsorted_;
    --unsorted_;
    // Newer snapshots than `x` were opened after the entry's death. If it was
    // born after `x` was opened, no older one has it either.
    if (slot_at(pos).birth.load(std::memory_order_relaxed) <= x.version_) {
      append(x.kept_, pos);
      ++x.num_kept_;
    } else {
      append(ready_, pos);
    }
  }

  // Returns whether entries of the last segment ought to move down, and can.
  bool sparse() const noexcept {
    if (end_ <= uint64_t{2} * live_ + slack)
      return false;
    // What is dead there but kept by snapshots is waited for. There is always
    // room below unless such slots take it, too: fewer than half of the slots
    // are alive, and the last segment is at most half of them.
    auto base = segment_at(log_of(end_ - 1)).base();
    return scan_ > base && (holes_ & base) != 0;
  }

  // Passes a dead slot or moves a live one down.
  template <class Moved>
  bool compact_step(Moved& moved) noexcept {
    auto pos = scan_ - 1;
    auto& x = slot_at(pos);
    if (is_alive(x)) {
      auto seen = in_snapshot(x);
      auto hole = take_hole();
      auto& y = slot_at(hole);
      if (!seen) {
        std::construct_at(&y.value, std::move(x.value));
      } else if (!copy(x.value, y.value)) {
        put_hole(segment_at(log_of(hole)), hole);
        return false;
      }
      publish(hole);
      moved(y.value, hole);
      x.death.store(version_, std::memory_order_release);
      // Before `vacate`, which may lower it further.
      scan_ = pos;
      if (seen) {
        keep(pos);
      } else {
        std::destroy_at(&x.value);
        vacate(pos);
      }
      return true;
    }
    scan_ = pos;
    return true;
  }

  static bool copy(const Payload& from, Payload& to) noexcept {
    try {
      std::construct_at(&to, from);
    } catch (...) {
      return false;
    }
    return true;
  }

  // -- memory -----------------------------------------------------------------

  void grow() {
    if (heap_segments_ == directory_size_) {
      auto n = std::max<uint32_t>(2, 2 * directory_size_);
      auto bigger = std::make_unique<segment_ptr[]>(n);
      std::move(directory_.get(), directory_.get() + heap_segments_,
                bigger.get());
      directory_ = std::move(bigger);
      directory_size_ = static_cast<uint8_t>(n);
    }
    auto log = uint32_t{heap_segments_} + 1;
    auto seg = memory::allocate(log);
    segment_at(heap_segments_).next = seg.get();
    directory_[heap_segments_++] = std::move(seg);
  }

  // Frees segments above the end but one: a topic whose size goes back and
  // forth over the border of a segment ought not to allocate each time.
  void trim() noexcept {
    if (newest_ != nullptr)
      return;
    uint32_t wanted = end_ == 0 ? 0 : log_of(end_ - 1) + 1;
    while (heap_segments_ > wanted) {
      auto& seg = directory_[--heap_segments_];
      constructed_ = std::min(constructed_, seg->base());
      seg.reset();
      segment_at(heap_segments_).next = nullptr;
    }
    if (heap_segments_ == 0 && directory_size_ != 0) {
      directory_.reset();
      directory_size_ = 0;
    }
  }

  // -- member variables -------------------------------------------------------

  // The one segment that is not on the heap, of one slot.
  segment first_;
  alignas(slot) std::byte first_memory_[sizeof(slot) + sizeof(uint32_t)];

  uint32_t live_ = 0;
  // All slots from here on are in no snapshot and have no payload.
  uint32_t end_ = 0;
  // Slots from here on are raw memory.
  uint32_t constructed_ = 0;
  // Compaction: no slot of the last segment from here on is alive.
  uint32_t scan_ = 0;
  // Bit i: segment i has holes.
  uint32_t holes_ = 0;
  // Dead slots that are in no snapshot but still have their payload.
  slot_list ready_;
  // Sum of `num_unsorted_` over the open snapshots.
  uint32_t unsorted_ = 0;
  uint8_t heap_segments_ = 0;
  uint8_t directory_size_ = 0;
  std::unique_ptr<segment_ptr[]> directory_;
  // The version that births, deaths and the next snapshot get.
  uint64_t version_ = 1;
  // Newest of the open snapshots, linked in the order of their versions.
  snapshot* newest_ = nullptr;
  // Where `sort_step` goes on.
  snapshot* cursor_ = nullptr;
};

} // namespace cafreg::detail
