// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cafreg/detail/slot_index.hpp"
#include "cafreg/detail/spin_mutex.hpp"
#include "cafreg/detail/stored_key.hpp"
#include "cafreg/detail/waitable.hpp"

namespace cafreg::detail {

/// The starts that are under way: for each id at most one. Who wants a start
/// while it is under way waits for it and shares its outcome; starts of
/// different ids have nothing to do with one another.
///
/// Messages may wait for a start: whoever makes it takes them when there is
/// somebody to get them, or nobody will be.
/// @tparam Message Movable.
template <class Key, class Outcome, class Message>
class flights {
public:
  using key_arg = key_view<Key>;

  /// One start.
  class flight final : public waitable {
  public:
    flight(uint64_t hash, key_arg key) : hash_(hash), key_(key) {
      // nop
    }

    /// What became of it.
    /// @pre it is done
    const Outcome& outcome() const noexcept {
      return *outcome_;
    }

    key_arg key() const noexcept {
      return key_.get();
    }

  private:
    friend class flights;

    const uint64_t hash_;
    const stored_key<Key> key_;
    std::optional<Outcome> outcome_;

    // Guarded by the lock of its shard.
    std::vector<Message> early_;
    bool boarded_ = false;
  };

  using flight_ptr = std::shared_ptr<flight>;

  /// A start, if there is any need for one, and whether it is the caller who
  /// must make it and `land` it.
  struct boarding {
    flight_ptr what;
    bool mine;
  };

  /// Joins the start of an id, or begins it. Complexity: constant.
  /// @param needless `needless()` says, under a lock, whether there is what
  ///                 would be started: that comes and goes only with a start.
  /// @param msg If not null, a message that waits for the start: moved from,
  ///            unless there is none, or it is too late for this one.
  template <class Needless>
  boarding board(uint64_t hash, key_arg key, Needless&& needless,
                 Message* msg = nullptr) {
    auto fresh = std::make_shared<flight>(hash, key);
    if (msg != nullptr)
      fresh->early_.reserve(1);
    auto& in = shards_[shard_of(hash)];
    std::lock_guard guard{in.mutex};
    for (auto& x : in.under_way)
      if (x->hash_ == hash && x->key_.matches(key)) {
        if (msg != nullptr && !x->boarded_)
          x->early_.push_back(std::move(*msg));
        return {x, false};
      }
    if (needless())
      return {nullptr, false};
    in.under_way.push_back(fresh);
    if (msg != nullptr)
      fresh->early_.push_back(std::move(*msg));
    return {std::move(fresh), true};
  }

  /// The same where a start is needed in any case.
  boarding board(uint64_t hash, key_arg key) {
    return board(hash, key, [] { return false; });
  }

  /// Takes the messages that wait for a start, oldest first. From here on none
  /// does.
  std::vector<Message> take_early(const flight_ptr& what) noexcept {
    std::lock_guard guard{shards_[shard_of(what->hash_)].mutex};
    what->boarded_ = true;
    return std::exchange(what->early_, {});
  }

  /// Returns the start of an id if its messages were taken: it is about to end.
  /// Else null. Complexity: constant.
  flight_ptr boarded(uint64_t hash, key_arg key) {
    auto& in = shards_[shard_of(hash)];
    std::lock_guard guard{in.mutex};
    for (auto& x : in.under_way)
      if (x->boarded_ && x->hash_ == hash && x->key_.matches(key))
        return x;
    return nullptr;
  }

  /// Returns all such starts.
  std::vector<flight_ptr> boarded() {
    auto result = all();
    std::erase_if(result, [this](const flight_ptr& x) {
      std::lock_guard guard{shards_[shard_of(x->hash_)].mutex};
      return !x->boarded_;
    });
    return result;
  }

  /// Ends a start that the caller has made, and whose messages it has taken.
  void land(const flight_ptr& what, Outcome outcome) noexcept {
    what->outcome_.emplace(std::move(outcome));
    auto& in = shards_[shard_of(what->hash_)];
    {
      std::lock_guard guard{in.mutex};
      auto pos = std::find(in.under_way.begin(), in.under_way.end(), what);
      *pos = std::move(in.under_way.back());
      in.under_way.pop_back();
    }
    what->finish();
  }

  /// Returns the starts that are under way.
  std::vector<flight_ptr> all() {
    std::vector<flight_ptr> result;
    for (auto& in : shards_) {
      std::lock_guard guard{in.mutex};
      result.insert(result.end(), in.under_way.begin(), in.under_way.end());
    }
    return result;
  }

  /// Number of starts that are under way.
  size_t size() {
    size_t result = 0;
    for (auto& in : shards_) {
      std::lock_guard guard{in.mutex};
      result += in.under_way.size();
    }
    return result;
  }

private:
  struct alignas(64) shard {
    spin_mutex mutex;
    // As many as threads start workers right now.
    std::vector<flight_ptr> under_way;
  };

  std::array<shard, shard_count> shards_;
};

} // namespace cafreg::detail
