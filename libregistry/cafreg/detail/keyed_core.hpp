// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/interests.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/stats.hpp"

namespace cafreg::detail {

/// What registries with keys share and what does not depend on the types of key
/// and value: who wants to know what becomes of a name, what is told of each
/// change, the end. Compiled once, for all types.
class keyed_core : public core_base {
public:
  using core_base::core_base;

  // -- called by keepers ------------------------------------------------------

  void actor_down(caf::actor_control_block* who,
                  const caf::error& reason) override;

  clock_type::time_point expire(clock_type::time_point now) final;

  bool cancel(uint64_t id) final;

  // -- seen from outside ------------------------------------------------------

  /// Lists whom this registry keeps alive.
  std::vector<holder_info> holders();

  // -- interests --------------------------------------------------------------

  /// Notes an interest and tells of the present state, in one step.
  /// @returns its id, or 0 if the registry is closed.
  uint64_t add_interest(interest_ptr x);

  // -- shutting down ----------------------------------------------------------

  /// Drops everything. Any thread, any number of times, beside any operation.
  /// Who is not the first does not rely on that one: each goes through all of
  /// it, so that the registry is closed for good when any of them returns, and
  /// nobody needs to be waited for but to see the end of foreign destructors.
  void close() noexcept;

protected:
  // -- what depends on the types ----------------------------------------------

  /// Removes the entries of an actor that has died, so many at most.
  /// @returns how many: fewer than the limit if none is left.
  virtual size_t erase_dead(caf::actor_control_block* who, const change& how,
                            size_t limit)
    = 0;

  /// Calls `fn()` in order with all changes of the key that `x` is about.
  /// @param now Set to the present entry of the key before.
  /// @returns what `fn` returns, or false if the registry is closed.
  virtual bool look(const interest& x, event& now,
                    const std::function<bool()>& fn)
    = 0;

  /// Calls `fn` for the actor of each entry.
  virtual void
  for_each_actor(const std::function<void(const caf::actor_control_block*)>& fn)
    = 0;

  /// Removes all entries and refuses new ones.
  /// @returns those of the actors that ever registered who are still alive.
  virtual std::vector<caf::strong_actor_ptr> close_table() noexcept = 0;

  // -- changes, under the lock of the key's shard -----------------------------

  /// Whether anybody wants to hear of new holders in a shard.
  bool announces(size_t shard) const noexcept {
    return interests_.any(shard) || has_listeners();
  }

  /// Tells listeners, watchers, and those who wait.
  void announce(size_t shard, uint64_t hash, const void* key, event what);

  /// Tells listeners.
  void withdraw(event what, const change& how);

  /// Tells watchers that nobody holds a key.
  void announce_nobody(uint64_t hash, const void* key, event what);

  /// Returns an event about an entry; of nobody if its actor is null, or being
  /// destroyed.
  event make_event(event_data_ptr data,
                   caf::actor_control_block* who = nullptr) const;

  // -- members ----------------------------------------------------------------

  bool strong() const noexcept {
    return options().hold == hold::strong;
  }

  uint64_t cleanups() const noexcept {
    return cleanups_.load(std::memory_order_relaxed);
  }

  interests interests_;

private:
  void answer(interest& x, const event& what);

  void disappoint(interest& x, errc why) noexcept;

  // The one who was interested has died.
  void give_up(interest& x) noexcept;

  void help(deaths& work) noexcept final;

  std::atomic<uint64_t> cleanups_{0};
};

} // namespace cafreg::detail
