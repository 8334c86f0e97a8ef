// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/slot_index.hpp"
#include "cafreg/events.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

class blocked_wait;

/// Who wants to know what becomes of a name. The name itself, and what else
/// depends on a registry's types, is in a derived class.
class interest {
public:
  enum class kind {
    /// Wants each change.
    watch,
    /// Wants the first holder, once.
    await,
    /// Wants to be the next holder.
    standby,
  };

  interest(kind what, size_t shard, uint64_t hash, caf::strong_actor_ptr who)
    : what(what), shard(shard), hash(hash), who(std::move(who)) {
    // nop
  }

  interest(const interest&) = delete;

  interest& operator=(const interest&) = delete;

  virtual ~interest();

  /// Whether this is about the key at this address.
  virtual bool about(const void* key) const noexcept = 0;

  /// Returns what an event says of the key when nobody holds it.
  virtual event_data_ptr nobody() const = 0;

  /// Renders the key.
  virtual std::string text() const = 0;

  const kind what;
  const size_t shard;
  const uint64_t hash;
  /// The interested actor, with which the interest ends; null for a thread that
  /// waits.
  caf::strong_actor_ptr who;
  /// Who gets what is awaited for it; null for itself.
  caf::strong_actor_ptr reply_to;
  /// The waiting thread, if it is one.
  std::shared_ptr<blocked_wait> blocked;
  clock_type::time_point deadline = clock_type::time_point::max();
  uint64_t id = 0;
};

using interest_ptr = std::unique_ptr<interest>;

/// The interests in the names of one registry. Rarely used, hence one mutex
/// for all; whether a shard has any is one relaxed load. Calls for one key are
/// made under the lock of its shard, so that nobody misses a change between
/// the look at the table and the note of the interest.
class interests {
public:
  interests();

  ~interests();

  /// Whether a key of this shard may be of interest to anyone.
  bool any(size_t shard) const noexcept {
    return counts_[shard].load(std::memory_order_relaxed) > 0;
  }

  /// Keeps `any_standby` true until a standby that was taken holds the key:
  /// who sees none may rely on that.
  class succession {
  public:
    explicit succession(interests& of) noexcept : count_(&of.standbys_) {
      count_->fetch_add(1);
    }

    succession(succession&& other) noexcept
      : count_(std::exchange(other.count_, nullptr)) {
      // nop
    }

    succession& operator=(succession&&) = delete;

    ~succession() {
      if (count_ != nullptr)
        count_->fetch_sub(1);
    }

  private:
    std::atomic<uint32_t>* count_;
  };

  /// Whether anybody stands by for any key.
  bool any_standby() const noexcept {
    return standbys_.load(std::memory_order_acquire) > 0;
  }

  /// Makes an id, so that it can be told before the interest counts.
  uint64_t next_id() noexcept {
    return last_id_.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  /// Returns false when closed.
  bool add(interest_ptr x);

  /// Sends a message to the watchers of a key.
  void post_to_watchers(uint64_t hash, const void* key,
                        const caf::message& msg);

  /// Takes the interests of one kind in a key, oldest first.
  std::vector<interest_ptr> take(uint64_t hash, const void* key,
                                 interest::kind what,
                                 size_t limit = static_cast<size_t>(-1));

  /// Returns null if there is none with this id.
  interest_ptr take(uint64_t id);

  std::vector<interest_ptr> take_of(const caf::actor_control_block* who);

  /// Takes all interests whose deadline has passed.
  /// @param next Set to the earliest deadline of the others.
  std::vector<interest_ptr> take_expired(clock_type::time_point now,
                                         clock_type::time_point& next);

  /// Takes all interests and refuses new ones.
  std::vector<interest_ptr> close();

  /// Adds the interested actors to a list.
  void list(std::vector<holder_info>& result);

  /// How many interests were looked at to find those that were asked for: a
  /// test wants to know.
  uint64_t search_steps();

private:
  struct book;

  // Caller holds the mutex.
  interest_ptr extract(uint64_t id);

  std::array<std::atomic<uint32_t>, shard_count> counts_{};
  std::atomic<uint32_t> standbys_{0};
  std::atomic<uint64_t> last_id_{0};
  // Out of line, for its containers are slow to compile.
  const std::unique_ptr<book> book_;
};

} // namespace cafreg::detail
