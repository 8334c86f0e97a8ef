// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/any_actor.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/lasting_ptr.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/path.hpp"
#include "cafreg/persistence.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/sys_options.hpp"
#include "cafreg/sys_stats.hpp"
#include "cafreg/sys_types.hpp"
#include "cafreg/system_state.hpp"
#include "cafreg/transaction.hpp"
#include "cafreg/value.hpp"

namespace cafreg {

/// A reference to a `system_registry`, to be copied into actors and threads.
/// Never keeps what is in the registry alive. After `close` every call says
/// `errc::closed`, or finds nothing. Any thread may call anything, at any time;
/// no call waits for an actor.
///
/// The registry is one tree of state and configuration. Leaves are
/// `caf::config_value`; each belongs to the actor that created it and goes with
/// it. Who may change what depends on the first key of a path: see
/// `system_options::mounts`. Paths that belong to no mount are private to their
/// owner. Like Elixir's system_registry.
class system_registry_ref {
public:
  // -- looking ----------------------------------------------------------------

  /// The state of all mounts now. Complexity: constant.
  [[nodiscard]] cafreg::snapshot snapshot() const;

  /// The same for what is at and below a path. Complexity: linear in the number
  /// of keys.
  [[nodiscard]] cafreg::snapshot snapshot(const path& scope) const;

  /// The private paths of an actor. Complexity: constant.
  [[nodiscard]] cafreg::snapshot private_snapshot(any_actor who) const;

  /// The value of a leaf as a C++ type, see `value_as`. Takes no snapshot.
  /// Complexity: linear in the number of keys, plus that of the conversion.
  /// @returns an error otherwise: `no_such_path`, `bad_value`, `closed`.
  template <class T>
  [[nodiscard]] caf::expected<T> get(const path& where) const {
    auto found = find(where);
    if (!found)
      return detail::failure(std::move(found.error()));
    auto result = value_as<T>((*found)->content.shown.value);
    if (!result)
      return detail::failure(wrong_type(where, result.error()));
    return result;
  }

  /// The same, or `fallback` if there is no such leaf or it has another type.
  template <class T>
  [[nodiscard]] T get_or(const path& where, T fallback) const {
    if (auto found = find(where))
      if (auto result = value_as<T>((*found)->content.shown.value))
        return std::move(*result);
    return fallback;
  }

  /// Number of leaves at and below a path. Complexity: linear in the number of
  /// keys.
  [[nodiscard]] size_t count(const path& scope = {}) const;

  /// The version now: how many transactions have changed something that shows.
  [[nodiscard]] uint64_t version() const;

  /// The actor whose value shows at a leaf: null if there is no leaf, or it was
  /// restored from a file. Complexity: linear in the number of keys.
  [[nodiscard]] caf::strong_actor_ptr owner_of(const path& where) const;

  /// Where an actor owns something, sorted; private paths included. Complexity:
  /// linear times logarithmic in their number.
  [[nodiscard]] std::vector<path> paths_of(any_actor who) const;

  // -- changes ----------------------------------------------------------------

  /// Begins a transaction of an actor, see there.
  [[nodiscard]] cafreg::transaction
  transaction(any_actor who, transaction_options how = {}) const;

  /// `transaction::update`, and what `transaction::commit` returns.
  caf::expected<delta> update(any_actor who, path where, values what,
                              transaction_options how = {}) const;

  /// `transaction::remove`, and what `transaction::commit` returns.
  caf::expected<delta> remove(any_actor who, path where) const;

  /// The same for some keys of a path.
  caf::expected<delta>
  remove(any_actor who, const path& where,
         std::initializer_list<std::string_view> keys) const;

  /// Removes all that an actor owns, its private paths included. Complexity:
  /// linear in their number.
  caf::expected<delta> remove_all(any_actor who) const;

  /// `transaction::move`, and what `transaction::commit` returns.
  caf::expected<delta> move(any_actor who, path from, path to) const;

  /// `transaction::update_in`, and what `transaction::commit` returns.
  template <detail::update_function Fn>
  caf::expected<delta> update_in(any_actor who, path where, Fn fn,
                                 transaction_options how = {}) const {
    return transaction(who, std::move(how))
      .update_in(std::move(where), std::move(fn))
      .commit();
  }

  // -- deliveries -------------------------------------------------------------

  /// Sends `system_state` messages to an actor: first the present state, before
  /// this call returns. After a change it waits `hysteresis`, sends the state
  /// as it is then, and nothing more for at least `min_interval`; what changes
  /// meanwhile is in one message at the end of that time. The last state always
  /// arrives, an older one never follows a newer one, and nothing is sent when
  /// the scope is as it was. Subscribing again to the same scope replaces the
  /// settings and begins anew. Keeps the subscriber alive until the
  /// subscription is cancelled, the actor terminates, or the registry closes.
  /// Complexity: logarithmic in the number of subscriptions.
  /// @returns a subscription to cancel it, or an error: `null_handle`,
  ///          `dead_actor`, `remote_actor`, `bad_path` (also for private paths,
  ///          where nothing would ever come), `closed`.
  caf::expected<subscription> subscribe(any_actor who,
                                        subscribe_options how = {}) const;

  /// Ends a subscription; what is in the subscriber's mailbox stays there.
  /// @returns whether there was one for this scope.
  bool unsubscribe(any_actor who, const path& scope = {}) const;

  /// Says that a subscriber has handled the last state of a scope: see
  /// `subscribe_options::acknowledged`.
  void acknowledge(any_actor who, const path& scope = {}) const;

  /// The same, for a state that the subscriber has got: of no effect unless it
  /// is the last one.
  void acknowledge(any_actor who, const system_state& what) const;

  /// Runs a function, in a thread of its own, after a scope has changed:
  /// `fn(const snapshot& before, const snapshot& now)`. It may block. Changes
  /// that come while it runs are in one call after it. Exceptions are counted
  /// and otherwise ignored, see `system_stats::task_failures`.
  /// @returns a subscription to end it, or an error as from `subscribe`.
  caf::expected<subscription>
  task(path scope, std::function<void(const cafreg::snapshot& before,
                                      const cafreg::snapshot& now)>
                     fn) const;

  // -- persistence ------------------------------------------------------------

  /// Keeps what is at and below a path in a file: restores what the file holds,
  /// where nothing is yet, and writes the file anew after changes, atomically
  /// and paced, the last time when the registry closes. What is restored has
  /// the priority `persistence`, and belongs to nobody: whoever updates it
  /// first owns it, and anyone may remove it. A file that is torn or foreign is
  /// kept aside; see `persistence::load_error`. This call reads the file,
  /// others never wait for one.
  /// @returns an error: `bad_path`, also for private paths, `closed`,
  ///          `rule_refused`, `callback_threw`, `would_deadlock` (within a rule
  ///          or an update function); `bad_file` if the file can neither be
  ///          read nor set aside, is no regular file, has no directory, or
  ///          holds another part of this registry.
  caf::expected<persistence> persist(path scope, std::filesystem::path file,
                                     persist_options how = {}) const;

  // -- the registry -----------------------------------------------------------

  /// The name given in the options.
  const std::string& name() const noexcept;

  /// The actor system that the registry was created from.
  caf::actor_system& system() const noexcept;

  /// An actor that offers all this by message, also to other nodes: see
  /// `cafreg::ask`. The same actor at each call; answers `errc::closed` when
  /// the registry is closed.
  [[nodiscard]] caf::actor actor() const;

  /// Whether `close` was called.
  [[nodiscard]] bool closed() const noexcept;

  /// Writes what is persisted, drops everything and ends all subscriptions.
  /// Every later call says `errc::closed` or finds nothing. Any thread, also
  /// from a callback. Waits for no actor; in a thread that runs none, for
  /// another call of `close` that is under way. Complexity: linear.
  void close() const noexcept;

  /// Lists the actors that the registry keeps alive. Complexity: linear.
  [[nodiscard]] std::vector<holder_info> holders() const;

  /// The registry in numbers. Complexity: constant.
  [[nodiscard]] system_stats stats() const;

  /// @cond
protected:
  using core_type = detail::sys_core;

  explicit system_registry_ref(std::shared_ptr<core_type> core);

  detail::lasting_ptr<core_type> core_;

private:
  using leaf_ref = detail::config_tree::leaf_ref;

  caf::expected<leaf_ref> find(const path& where) const;

  caf::error wrong_type(const path& where, const caf::error& why) const;
  /// @endcond
};

/// Owns what `system_registry_ref` refers to: one tree of owned state and
/// configuration, delivered to subscribers as often as they want it. To be
/// destroyed before the actor system.
class system_registry : public system_registry_ref {
public:
  /// @throws std::invalid_argument if an option makes no sense, or
  ///         `cafreg::prepare_system` was not called for the configuration of
  ///         `sys`
  explicit system_registry(caf::actor_system& sys, system_options options = {});

  system_registry(const system_registry&) = delete;

  system_registry& operator=(const system_registry&) = delete;

  ~system_registry();

  /// Returns a reference that may be copied into actors.
  [[nodiscard]] system_registry_ref ref() const {
    return *this;
  }
};

} // namespace cafreg
