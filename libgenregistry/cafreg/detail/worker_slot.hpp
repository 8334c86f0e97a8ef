// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include "cafreg/caf.hpp"
#include "cafreg/detail/handover.hpp"
#include "cafreg/detail/passage.hpp"
#include "cafreg/seam/clock.hpp"

namespace cafreg::detail {

/// What a registry with passivation, a limit or back-off knows of one worker
/// beside its entry.
/// @tparam Args What the worker was started with, for its next incarnation.
template <class Key, class Args>
class worker_record : public caf::ref_counted {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Messages that wait for the next incarnation of their workers.
  using orphans_type
    = handover<Key, caf::mailbox_element_ptr, std::shared_ptr<const Args>>;

  worker_record(Key key, weak_actor who, std::shared_ptr<const Args> args,
                time_point now)
    : key(std::move(key)),
      who(std::move(who)),
      args(std::move(args)),
      last_use_(now.time_since_epoch().count()) {
    // nop
  }

  /// Notes a use. Any thread.
  void touch(time_point now) noexcept {
    last_use_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  time_point last_use() const noexcept {
    return time_point{
      time_point::duration{last_use_.load(std::memory_order_relaxed)}};
  }

  const Key key;
  /// Keeps the address from being used again, not the actor alive.
  const weak_actor who;
  const std::shared_ptr<const Args> args;
  passage<caf::mailbox_element_ptr> way;
  /// Where it leaves what the way has kept. Set when the way is prepared.
  typename orphans_type::place* place = nullptr;
  /// Whether the registry wants it gone: then its end is no failure.
  std::atomic<bool> unwanted{false};

  // For the passivator, under its lock.

  /// Whether it is in the table.
  bool listed = true;
  /// Its last use when it was chosen to leave.
  time_point judged_by;
  /// Its last use when it would not leave.
  time_point refused_at;

  /// Whether it was used since it was chosen to leave.
  bool used_since() const noexcept {
    return last_use() != judged_by;
  }

private:
  std::atomic<time_point::rep> last_use_;
};

/// The value of a worker's entry in the table.
template <class Key, class Args, class Value>
struct worker_slot {
  using record_type = worker_record<Key, Args>;

  /// Null unless an option needs it.
  caf::intrusive_ptr<record_type> record;
  [[no_unique_address]] Value value;

  void touch(const seam::clock& clock) const noexcept {
    if (record)
      record->touch(clock.now());
  }
};

} // namespace cafreg::detail
