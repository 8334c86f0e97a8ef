// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace cafreg::detail {

/// Messages between two incarnations of a worker: left by one that is gone,
/// until the next one takes them. Also knows when to try to start that one, and
/// that there are not too many such starts at a time. Time is an argument.
/// Thread-safe.
///
/// Whoever may have to leave messages claims a place for them beforehand, since
/// leaving them must not fail.
/// @tparam Legacy What else the next incarnation needs to know.
template <class Key, class Message, class Legacy>
class handover {
public:
  using time_point = std::chrono::steady_clock::time_point;

  using duration = time_point::duration;

  using messages = std::list<Message>;

  class place;

private:
  using agenda = std::set<std::pair<time_point, place*>>;

public:
  /// Where the messages of one id wait. There is at most one for each id, and
  /// it stays as long as it is claimed or messages wait there.
  class place {
  public:
    place() = default;

    place(const place&) = delete;

    place& operator=(const place&) = delete;

  private:
    friend class handover;

    const Key* key_ = nullptr;
    messages waiting_;
    Legacy legacy_{};
    size_t claims_ = 0;
    // Whether a start is under way that `begin_start` has asked for.
    bool starting_ = false;
    // Whether a start has ended, or will, that leaves messages here.
    bool tried_ = false;
    duration pause_ = first_pause;
    time_point due_;
    // Its node of the agenda, as long as it is not in there.
    typename agenda::node_type ticket_;
  };

  /// The pause after the first failed start; each further one doubles it.
  static constexpr auto first_pause = std::chrono::milliseconds{100};

  static constexpr auto longest_pause = std::chrono::seconds{10};

  /// How many starts there may be at a time.
  static constexpr size_t max_starts = 8;

  // -- places -----------------------------------------------------------------

  /// Claims the place of an id. Complexity: amortised constant.
  place* claim(const Key& key, Legacy legacy) {
    garbage old; // outlives the lock
    std::lock_guard guard{mutex_};
    if (places_.size() >= purge_at_)
      purge(old);
    auto pos = places_.try_emplace(key).first;
    auto& x = pos->second;
    if (x.key_ == nullptr) { // it is new
      agenda scratch;
      scratch.emplace(time_point{}, &x);
      x.ticket_ = scratch.extract(scratch.begin());
      x.key_ = &pos->first;
    }
    ++x.claims_;
    std::swap(x.legacy_, legacy);
    return &x;
  }

  /// Claims the place of an id, if there is one.
  place* find(const Key& key) {
    std::lock_guard guard{mutex_};
    auto pos = places_.find(key);
    if (pos == places_.end() || pos->second.key_ == nullptr)
      return nullptr;
    ++pos->second.claims_;
    return &pos->second;
  }

  /// Leaves messages behind those that wait already, and gives a claim up.
  /// @returns whether there were any.
  bool leave(place* at, messages what, time_point now) noexcept {
    std::lock_guard guard{mutex_};
    --at->claims_;
    if (what.empty())
      return false;
    count_.fetch_add(what.size(), std::memory_order_relaxed);
    auto first = at->waiting_.empty();
    at->waiting_.splice(at->waiting_.end(), what);
    if (first && !at->starting_)
      schedule(*at, now);
    return true;
  }

  /// Gives a claim up.
  void release(place* at) noexcept {
    std::lock_guard guard{mutex_};
    --at->claims_;
  }

  // -- messages ---------------------------------------------------------------

  /// Takes the messages that wait, oldest first.
  messages take(place* at) noexcept {
    std::lock_guard guard{mutex_};
    return empty(*at);
  }

  /// Adds a message to those that wait for the worker of an id.
  /// @param msg Moved from if so.
  /// @returns false if none waits.
  bool append(const Key& key, Message& msg) {
    if (size() == 0)
      return false;
    std::lock_guard guard{mutex_};
    auto pos = places_.find(key);
    if (closed_ || pos == places_.end() || pos->second.waiting_.empty())
      return false;
    pos->second.waiting_.push_back(std::move(msg));
    count_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }

  /// Takes all messages. From here on none is appended.
  messages close() noexcept {
    messages result;
    std::lock_guard guard{mutex_};
    closed_ = true;
    for (auto& [key, x] : places_)
      result.splice(result.end(), empty(x));
    return result;
  }

  /// Number of messages.
  size_t size() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

  /// Number of places.
  size_t places() const noexcept {
    std::lock_guard guard{mutex_};
    return places_.size();
  }

  // -- starts -----------------------------------------------------------------

  /// A start of a worker for messages that wait, until this object goes. If
  /// they still wait then, there will be another one after a pause.
  class errand {
  public:
    errand(errand&& other) noexcept
      : from_(other.from_),
        place_(std::exchange(other.place_, nullptr)),
        begun_(other.begun_) {
      // nop
    }

    errand& operator=(errand&&) = delete;

    ~errand() {
      if (place_ != nullptr)
        from_->end_start(*place_, begun_);
    }

    const Key& key() const noexcept {
      return *place_->key_;
    }

    /// What the latest incarnation has left.
    Legacy legacy() const {
      std::lock_guard guard{from_->mutex_};
      return place_->legacy_;
    }

    /// Ends it.
    void end(time_point now) noexcept {
      from_->end_start(*std::exchange(place_, nullptr), now);
    }

  private:
    friend class handover;

    errand(handover* from, place* at, time_point now) noexcept
      : from_(from), place_(at), begun_(now) {
      // nop
    }

    handover* from_;
    place* place_;
    time_point begun_;
  };

  /// Begins the start that is due for the longest time, if there are not too
  /// many under way. Complexity: logarithmic.
  std::optional<errand> begin_start(time_point now) noexcept {
    std::lock_guard guard{mutex_};
    if (starts_ == max_starts || agenda_.empty()
        || agenda_.begin()->first > now)
      return std::nullopt;
    auto& x = *agenda_.begin()->second;
    unschedule(x);
    x.starting_ = true;
    x.tried_ = true;
    ++x.claims_;
    ++starts_;
    return errand{this, &x, now};
  }

  /// Returns when the next start is due; none if the end of one that is under
  /// way must come first.
  std::optional<time_point> next() const noexcept {
    std::lock_guard guard{mutex_};
    if (starts_ == max_starts || agenda_.empty())
      return std::nullopt;
    return agenda_.begin()->first;
  }

private:
  using map_type = std::unordered_map<Key, place>;

  using garbage = std::list<typename map_type::node_type>;

  // -- caller holds the lock --------------------------------------------------

  void schedule(place& x, time_point when) noexcept {
    x.due_ = when;
    x.ticket_.value() = {when, &x};
    agenda_.insert(std::move(x.ticket_));
  }

  void unschedule(place& x) noexcept {
    if (!x.ticket_)
      x.ticket_ = agenda_.extract({x.due_, &x});
  }

  messages empty(place& x) noexcept {
    unschedule(x);
    x.tried_ = false;
    x.pause_ = first_pause;
    count_.fetch_sub(x.waiting_.size(), std::memory_order_relaxed);
    return std::exchange(x.waiting_, {});
  }

  void purge(garbage& old) {
    for (auto pos = places_.begin(); pos != places_.end();) {
      auto here = pos++;
      if (here->second.claims_ > 0 || !here->second.waiting_.empty())
        continue;
      old.emplace_back();
      old.back() = places_.extract(here);
    }
    purge_at_ = std::max<size_t>(64, 2 * places_.size());
  }

  // ---------------------------------------------------------------------------

  void end_start(place& x, time_point now) noexcept {
    std::lock_guard guard{mutex_};
    --starts_;
    --x.claims_;
    x.starting_ = false;
    if (x.waiting_.empty())
      return;
    if (!x.tried_) { // these came later
      schedule(x, now);
      return;
    }
    schedule(x, now + x.pause_);
    x.pause_ = std::min<duration>(2 * x.pause_, longest_pause);
  }

  mutable std::mutex mutex_;
  map_type places_;
  size_t purge_at_ = 64;
  // Places where messages wait and no start is under way.
  agenda agenda_;
  size_t starts_ = 0;
  bool closed_ = false;
  std::atomic<size_t> count_{0};
};

} // namespace cafreg::detail
