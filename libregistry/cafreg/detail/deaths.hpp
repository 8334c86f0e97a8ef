// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/detail/pooled.hpp"
#include "cafreg/detail/spin_mutex.hpp"

namespace cafreg::detail {

/// After a clean-up or a delivery failed for lack of memory: when to try again.
constexpr auto again_delay = std::chrono::milliseconds{10};

/// The end of one actor. Keeps its address from being used again. A crowd may
/// die at once.
class death : public pooled<death> {
public:
  death(caf::actor_control_block* who, const caf::error& reason);

  death(const death&) = delete;

  death& operator=(const death&) = delete;

  ~death();

  caf::actor_control_block* who() const noexcept {
    return who_;
  }

  const caf::error& reason() const noexcept {
    return reason_;
  }

private:
  friend class deaths;

  caf::actor_control_block* who_;
  caf::error reason_;
  death* next_ = nullptr;
};

using death_ptr = std::unique_ptr<death>;

/// The deaths that one keeper has to do with and that nobody has cleaned up
/// after yet, oldest first. Not messages in its mailbox: so it is known how
/// many there are, and whoever is about to add to the keeper's work can do a
/// part of it. Thread-safe.
class deaths : public caf::ref_counted {
public:
  /// How many make `too_many` true. It stays so until only half of them are
  /// left.
  static constexpr size_t limit = 128;

  /// Says whom to wake up. To be called once, before all else.
  void attend(const caf::strong_actor_ptr& keeper);

  /// The one to be woken up: who it is, not whether it still lives.
  const caf::actor_control_block* keeper() const noexcept {
    return keeper_address_;
  }

  /// The system that the keeper runs in.
  const caf::actor_system* system() const noexcept {
    return system_;
  }

  /// Adds a death, and wakes the keeper if it sleeps. Nothing after `close`.
  /// @param ctx Runs this thread's actors, and those of the keeper's system, or
  ///            is null.
  /// @throws std::bad_alloc if there is no memory to note it
  void add(caf::actor_control_block* who, const caf::error& reason,
           execution_context* ctx);

  /// Takes the oldest one, which counts until it is settled.
  /// @returns null if there is none.
  death_ptr take() noexcept;

  /// The same for the keeper, which sleeps if there is none: then the next
  /// death wakes it up.
  death_ptr take_or_sleep() noexcept;

  /// Wakes the keeper, which has not come to the end but lets others run first.
  /// @returns whether there was the memory for it.
  bool go_on() noexcept;

  /// Puts back what was taken, to the front, and wakes the keeper if it sleeps.
  void put_back(death_ptr what) noexcept;

  /// Puts back what was taken and could not be cleaned up after, behind all
  /// others and for the keeper to try again in a while.
  void postpone(death_ptr what) noexcept;

  /// Ends the while.
  void recall() noexcept;

  /// One that was taken is cleaned up after.
  void settle() noexcept;

  /// How many are not settled.
  size_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  /// Whether the keeper falls behind. One relaxed load of what rarely changes.
  bool too_many() const noexcept {
    return too_many_.load(std::memory_order_relaxed);
  }

  /// Drops all and takes no more.
  void close() noexcept;

private:
  ~deaths() override;

  struct list {
    void push(death* what) noexcept;

    // Returns null if it is empty.
    death* pop() noexcept;

    void splice(list& other) noexcept;

    death* head = nullptr;
    death* tail = nullptr;
  };

  // Wakes the keeper, which is noted to be awake. Returns false for lack of
  // memory: then it is not.
  bool wake(execution_context* ctx) noexcept;

  weak_actor keeper_;
  const caf::actor_control_block* keeper_address_ = nullptr;
  const caf::actor_system* system_ = nullptr;
  spin_mutex mutex_;
  bool closed_ = false;
  bool awake_ = false;
  list waiting_;
  // Those to be tried again.
  list postponed_;
  std::atomic<size_t> size_{0};
  // Apart from what each death changes.
  alignas(64) std::atomic<bool> too_many_{false};
};

using deaths_ptr = caf::intrusive_ptr<deaths>;

} // namespace cafreg::detail
