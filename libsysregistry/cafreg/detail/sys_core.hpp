// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/detail/audience.hpp"
#include "cafreg/detail/core_base.hpp"
#include "cafreg/detail/ownership_ledger.hpp"
#include "cafreg/detail/step.hpp"
#include "cafreg/detail/store.hpp"
#include "cafreg/detail/subscriber.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/sys_options.hpp"
#include "cafreg/sys_stats.hpp"
#include "cafreg/value.hpp"

namespace cafreg::detail {

/// Everything behind the facade of a system registry: ties the store, the
/// audience and the actors together. Any thread may call anything.
class sys_core final : public core_base {
public:
  using store_type = store<caf::config_value>;

  /// @throws std::invalid_argument if an option makes no sense, or
  ///         `cafreg::prepare_system` was not called
  sys_core(caf::actor_system& sys, system_options options);

  ~sys_core() override;

  // -- called by the keeper ---------------------------------------------------

  void actor_down(caf::actor_control_block* who,
                  const caf::error& reason) override;

  void enroll(caf::actor_control_block* who) override;

  bool flush() noexcept override;

  clock_type::time_point expire(clock_type::time_point now) override;

  bool cancel(uint64_t id) override;

  std::string_view key_noun() const noexcept override {
    return "path";
  }

  // -- looking ----------------------------------------------------------------

  snapshot look() const;

  store_type::leaf_ref find(const path& where) const {
    return store_.find(where);
  }

  size_t count(const path& scope) const {
    return store_.count(scope);
  }

  uint64_t version() const {
    return store_.version();
  }

  snapshot private_state(caf::actor_control_block* who) const;

  std::vector<path> paths_of(caf::actor_control_block* who) const;

  /// Says what there is instead of a leaf.
  std::string what_is_at(const path& where) const;

  caf::strong_actor_ptr owner_of(const path& where) const;

  // -- changes ----------------------------------------------------------------

  /// Adds the steps that set a leaf, or those of a dictionary.
  caf::error add_update(std::vector<step>& steps, path where,
                        values what) const;

  /// Makes changes by an actor: all or none.
  /// @param who May be null or dead: that is an error.
  caf::expected<delta> commit(caf::actor_control_block* who,
                              std::string_view priority,
                              std::vector<step>& steps);

  caf::expected<delta> remove_all(caf::actor_control_block* who);

  /// Why a scope cannot be kept in a file, or not from here.
  caf::error check_persistent(const path& scope) const;

  /// Returns false if somebody has this file already.
  bool claim_file(const std::string& file);

  void release_file(const std::string& file) noexcept;

  /// What of a leaf goes to a file: null if nothing does. At a layered mount
  /// neither what overrides for a while nor what is only a default.
  const caf::config_value* lasting_value(
    const path& where, const leaf_content<caf::config_value>& what) const;

  /// What became of the leaves of a file.
  struct restoration {
    size_t count = 0;
    /// No mount is for them, something is in the way, or they are too large.
    std::vector<path> impossible;
  };

  /// Puts what was read from a file where nothing is yet.
  caf::expected<restoration> restore(std::vector<leaf_entry> leaves);

  // -- subscriptions ----------------------------------------------------------

  caf::expected<subscription> subscribe(caf::actor_control_block* who,
                                        const subscribe_options& how);

  /// @returns whether there was such a subscription.
  bool unsubscribe(caf::actor_control_block* who, const path& scope);

  /// @param version Of the state that was handled; nothing stands for the last.
  void acknowledge(caf::actor_control_block* who, const path& scope,
                   std::optional<uint64_t> version = std::nullopt);

  // -- seen from outside ------------------------------------------------------

  const system_options& limits() const noexcept {
    return limits_;
  }

  bool closed() const noexcept {
    return closed_.load(std::memory_order_acquire);
  }

  std::vector<holder_info> holders() const;

  system_stats stats() const;

  void count_task_failure() noexcept {
    task_failures_.fetch_add(1, std::memory_order_relaxed);
  }

  void count_write(bool succeeded) noexcept {
    (succeeded ? files_written_ : write_failures_)
      .fetch_add(1, std::memory_order_relaxed);
  }

  /// Calls `fn` with the last state when the registry is closed, in the thread
  /// that closes it.
  /// @param owner By which `off_close` finds it.
  /// @returns false if it is closed.
  bool on_close(const void* owner, std::function<void(const snapshot&)> fn);

  /// Forgets such calls.
  void off_close(const void* owner) noexcept;

  void close() noexcept;

  caf::error closed_error() const;

  caf::error closed_error(const path& where) const;

private:
  using outcome_type = store_type::outcome_type;

  using outcome_kind = outcome_type::kind;

  using editor_type = store_type::editor_type;

  using audience_type = audience<subscriber, snapshot>;

  // -- owners -----------------------------------------------------------------

  // @param about What the error is about.
  caf::error check(caf::actor_control_block* who, const path& about) const;

  // Whether anything at or below a path can ever show.
  caf::error check_scope(const path& scope) const;

  static std::string text_of(const path& where) {
    return where.empty() ? std::string{} : key_text(to_string(where));
  }

  // Returns 0 if the registry is closed.
  owner_id enlist(caf::actor_control_block* who);

  // -- transactions -----------------------------------------------------------

  caf::error check_value(const path& where, const caf::config_value& x) const;

  // Whether a rule of a user may be about this path.
  bool judged(const path& where) const;

  bool judged(const std::vector<step>& steps) const;

  // Without calling anything of a user.
  outcome_type run(author who, std::vector<step>& steps, bool removes_all);

  // With functions and rules of users.
  caf::expected<outcome_type> run_drafts(author who, const caf::actor& whom,
                                         std::vector<step>& steps,
                                         bool removes_all);

  // What an update function made of a value.
  struct decision {
    std::optional<caf::config_value> old;
    std::optional<caf::config_value> fresh;
  };

  // One for each update function, in their order.
  using decisions = std::vector<decision>;

  // With what update functions have decided, which runs none of them. Outdated
  // if one of them would have to decide about another value.
  outcome_type run_decided(author who, const std::vector<step>& steps,
                           decisions& known, bool removes_all);

  // Runs update functions that have not decided yet, or about another value.
  // Returns what one of them threw.
  // @param still_right If not null, runs none, but sets it to false and stops.
  caf::error apply(editor_type& edit, std::vector<step>& steps,
                   decisions& known, bool* still_right);

  // The same for the `index`-th update function.
  caf::error apply_change(editor_type& edit, const step& what, size_t index,
                          decisions& known, bool* still_right);

  // Asks the rules of users, unless the draft is refused already.
  caf::error judge(store_type::draft& what, const caf::actor& whom) const;

  caf::error ask_rules(const caf::actor& who, const delta& changes,
                       const snapshot& before, const snapshot& after) const;

  caf::expected<delta> finish(outcome_type what);

  caf::error refused(const std::vector<refusal>& what) const;

  // -- deliveries -------------------------------------------------------------

  // Starts the pacing of those who want to see these changes.
  void publish(const delta& changes) noexcept;

  snapshot look_at(const path& scope) const;

  void deliver(const path& scope, const snapshot& state,
               std::span<const audience_type::entry> members);

  caf::message message_for(const path& scope, const snapshot& state) const;

  const system_options limits_;
  std::vector<const mount*> validated_;
  std::atomic<bool> closed_{false};
  store_type store_;
  ownership_ledger actors_;

  mutable std::mutex audience_mutex_;
  audience_type audience_;
  bool audience_closed_ = false;

  std::mutex close_mutex_;
  std::set<std::string> files_;
  struct last_call {
    const void* owner;
    std::function<void(const snapshot&)> fn;
  };
  std::vector<last_call> at_close_;

  std::atomic<uint64_t> refusals_{0};
  std::atomic<uint64_t> retries_{0};
  std::atomic<uint64_t> deliveries_{0};
  std::atomic<uint64_t> cleanups_{0};
  std::atomic<uint64_t> task_failures_{0};
  std::atomic<uint64_t> files_written_{0};
  std::atomic<uint64_t> write_failures_{0};
};

} // namespace cafreg::detail
