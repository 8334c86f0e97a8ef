// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstdint>

#include "cafreg/seam/who.hpp"

/// Epoch-based reclamation: when may memory that readers reach without a lock
/// be used again?
///
/// A reader *pins* the epoch before it follows a pointer and releases the pin
/// when it has let go of all of them. A writer first unlinks a node, then
/// stamps it with the epoch of that moment, and frees it when the epoch has
/// advanced twice. The epoch advances only when every pinned reader has seen
/// the present one.
///
/// Why that is safe: a pin must be visible before the first link is followed.
/// Readers pin far more often than writers advance the epoch, so writers pay:
/// where the kernel offers it (Linux's expedited membarrier), a pin is a plain
/// store, and who advances the epoch first makes every running thread issue a
/// barrier. After it, each reader either shows its pin, or will see all links
/// as they are now. Elsewhere a pin is an exchange, unlinking is one too, and
/// they are in one total order with the loads of links and epochs, all of them
/// sequentially consistent. In both cases the epoch moves at most one beyond
/// the stamp of a node while a reader of this node stays pinned. No
/// `atomic_thread_fence`: ThreadSanitizer knows none.
///
/// The state is one for the process, as threads are: a pin touches one cache
/// line that belongs to the thread alone, whatever number of registries there
/// is.
namespace cafreg::detail::epoch {

/// The pin of one thread.
struct alignas(128) reader {
  /// The pinned epoch, 0 when there is no pin.
  std::atomic<uint64_t> pinned{0};
  /// Counts pins, so that statistics can take samples without a shared
  /// counter.
  uint32_t tick = 0;
  /// Whether a running thread owns this object.
  std::atomic<bool> owned{true};
  /// Readers are only ever added.
  reader* next = nullptr;
};

struct alignas(128) clock {
  std::atomic<uint64_t> now{3};
  /// Whether whoever advances the epoch issues barriers in all threads. Set
  /// before the first pin, by `enter`.
  std::atomic<bool> barriers{false};
};

extern constinit clock global;

/// Registers the calling thread. Complexity: linear in the number of threads.
/// @throws std::bad_alloc
reader& enter();

/// Returns the epoch with which a node is stamped that was unlinked before.
inline uint64_t stamp() noexcept {
  return global.now.load(std::memory_order_seq_cst);
}

/// Returns whether nodes with this stamp can no longer be seen by anyone.
inline bool expired(uint64_t stamped) noexcept {
  return global.now.load(std::memory_order_seq_cst) >= stamped + 2;
}

/// Moves to the next epoch when no reader holds on to an older one.
/// Complexity: linear in the number of threads. Never waits.
bool try_advance() noexcept;

/// Takes note of a retired node. Advancing the epoch interrupts all threads for
/// a moment, hence only one in so many retirements tries; more would wait
/// longer, and memory that is used again soon is still in the cache.
inline void note_retired() noexcept {
  constexpr uint32_t batch = 256;
  auto& retired = seam::this_thread.retired;
  if (++retired >= batch) {
    retired = 0;
    try_advance();
  }
}

/// Keeps everything that is reachable from being freed while it lives.
class pin {
public:
  [[gnu::always_inline]] pin()
    : reader_(seam::this_thread.reader != nullptr ? *seam::this_thread.reader
                                                  : enter()),
      // Pins nest: a visitor may look up another name.
      nested_(reader_.pinned.load(std::memory_order_relaxed) != 0) {
    if (nested_) [[unlikely]]
      return;
    // Acquire: who sees an epoch sees what was unlinked before it began.
    auto now = global.now.load(std::memory_order_acquire);
    if (global.barriers.load(std::memory_order_relaxed)) [[likely]] {
      reader_.pinned.store(now, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      reader_.pinned.exchange(now, std::memory_order_seq_cst);
    }
  }

  pin(const pin&) = delete;

  pin& operator=(const pin&) = delete;

  [[gnu::always_inline]] ~pin() {
    if (!nested_) [[likely]]
      reader_.pinned.store(0, std::memory_order_release);
  }

  /// Returns true for one in 1024 calls of this thread.
  bool sample() noexcept {
    return (++reader_.tick & 1023u) == 0;
  }

private:
  reader& reader_;
  const bool nested_;
};

/// Returns whether the calling thread holds a pin.
inline bool pinned() noexcept {
  auto* mine = seam::this_thread.reader;
  return mine != nullptr && mine->pinned.load(std::memory_order_relaxed) != 0;
}

} // namespace cafreg::detail::epoch
