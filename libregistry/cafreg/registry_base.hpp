// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <any>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/concepts.hpp"
#include "cafreg/detail/blocked_wait.hpp"
#include "cafreg/detail/deadline.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/lasting_ptr.hpp"
#include "cafreg/detail/typed_core.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/options.hpp"
#include "cafreg/seam/waiting.hpp"
#include "cafreg/seam/who.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/time_span.hpp"

namespace cafreg {

/// What `unique_registry_ref` and `duplicate_registry_ref` have in common: all
/// that does not depend on how many actors a key may have. Not to be used by
/// itself.
template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
class registry_base {
public:
  /// What entries are found by.
  using key_type = Key;

  /// What an entry says of its actor.
  using value_type = Value;

  /// `caf::actor` or a statically typed handle.
  using handle_type = Handle;

  /// An entry as a value.
  using entry_type = entry<Key, Value, Handle>;

  /// An entry as callbacks see it.
  using view_type = entry_view<Key, Value, Handle>;

  /// `std::string_view` for strings, `const Key&` for all others.
  using key_arg = detail::key_view<Key>;

  // -- names in time ----------------------------------------------------------

  /// Sends one `awaited` message to an actor: with an entry as soon as there is
  /// one under the key, or with `errc::timeout`, `errc::closed` or
  /// `errc::cancelled`. Nothing polls. Complexity: logarithmic in the number of
  /// open wishes (watches, waits, standbys).
  /// @returns a subscription to cancel it, or an error: `null_handle`,
  ///          `key_too_large`, `closed`.
  caf::expected<subscription> await(key_arg key, const caf::actor& who,
                                    time_span timeout) const;

  /// Waits until there is an entry under a key. For threads: in one that runs
  /// actors it refuses unless the answer is there already, since waiting there
  /// could keep the awaited actor from running. Complexity: as above.
  /// @returns the entry, or an error: `timeout`, `would_block`, `closed`,
  ///          `key_too_large`.
  [[nodiscard]] caf::expected<entry_type> await(key_arg key,
                                                time_span timeout) const;

  /// Runs `fn()` while no other caller of `with_lock` with the same key runs
  /// its function. Lock keys have nothing to do with names. A thread that runs
  /// actors does not wait for one that does not. Like Elixir's
  /// `Registry.lock/3`. Complexity: constant.
  /// @returns the result of `fn`, or an error: `would_block`, `would_deadlock`
  ///          (this thread has the lock, or who has it waits for this thread
  ///          over any number of locks and starts of workers), `closed`.
  /// @throws what `fn` throws, after giving the lock back
  template <std::invocable Fn>
  [[nodiscard]] caf::expected<std::invoke_result_t<Fn&>>
  with_lock(key_arg key, Fn&& fn) const {
    if (closed())
      return detail::failure(closed_error(key));
    Key name{key};
    using outcome = typename detail::keyed_mutex<Key>::outcome;
    switch (core_->locks().lock(name, core_->driver())) {
      case outcome::would_deadlock:
        return detail::failure(error(errc::would_deadlock, key,
                                     "this thread holds the lock, or who does "
                                     "waits for it"));
      case outcome::would_block:
        return detail::failure(
          error(errc::would_block, key,
                "waiting would block a thread that runs actors"));
      case outcome::locked:
        break;
    }
    struct unlocker {
      detail::keyed_mutex<Key>& locks;
      const Key& name;
      ~unlocker() {
        locks.unlock(name);
      }
    } guard{core_->locks(), name};
    if constexpr (std::is_void_v<std::invoke_result_t<Fn&>>) {
      fn();
      return {};
    } else {
      return fn();
    }
  }

  // -- listeners and metadata -------------------------------------------------

  /// Sends `registered` and `unregistered` messages to an actor: for each key
  /// in the order of the changes, and before the call that makes the change
  /// returns. Keeps the listener alive until it is removed, terminates, or the
  /// registry closes. Complexity: linear in the number of listeners.
  [[nodiscard]] caf::error add_listener(const caf::actor& who) const;

  /// Returns whether the actor was a listener.
  bool remove_listener(const caf::actor& who) const {
    return core_->remove_listener(control_block(who));
  }

  /// Attaches any value to the registry, see Elixir's `Registry.put_meta/3`.
  /// Complexity: logarithmic in the number of such values.
  /// @returns false if the registry is closed.
  template <class T>
  bool put_meta(std::string_view key, T value) const {
    if (closed())
      return false;
    return core_->metadata().put(key, std::any{std::move(value)});
  }

  /// Returns the value of type T attached under a key, if there is one.
  template <class T>
  [[nodiscard]] std::optional<T> meta(std::string_view key) const {
    auto found = core_->metadata().get(key);
    if (auto* ptr = std::any_cast<T>(found.get()))
      return *ptr;
    return std::nullopt;
  }

  /// Returns whether there was a value.
  bool delete_meta(std::string_view key) const {
    return core_->metadata().erase(key);
  }

  // -- the registry -----------------------------------------------------------

  /// The name given in the options.
  const std::string& name() const noexcept {
    return *core_->name();
  }

  /// The actor system that the registry was created from.
  caf::actor_system& system() const noexcept {
    return core_->system();
  }

  /// Whether `close` was called.
  [[nodiscard]] bool closed() const noexcept {
    return core_->table().closed();
  }

  /// Drops all entries and handles, tells listeners, answers waiters with
  /// `errc::closed`, ends the keepers. Every later call says `errc::closed` or
  /// finds nothing. Any thread, also from a callback, beside any other call.
  /// Waits for nobody but, in a thread that runs no actors, for another call of
  /// `close` to end that is under way. Complexity: linear in the number of
  /// entries.
  void close() const noexcept {
    core_->close();
  }

  /// Lists the actors that the registry keeps alive, for the day that a system
  /// does not stop. Complexity: linear.
  [[nodiscard]] std::vector<holder_info> holders() const {
    return core_->holders();
  }

  /// The registry in numbers. Complexity: at most linear in the number of keys.
  [[nodiscard]] registry_stats stats() const {
    return core_->stats();
  }

  /// The error that a failed lookup stands for.
  [[nodiscard]] caf::error lookup_error(errc why, key_arg key) const;

  /// @cond
  // For fronts: `who` waits, and `reply_to` is told.
  caf::expected<subscription> await_for(caf::strong_actor_ptr who,
                                        const caf::actor& reply_to, key_arg key,
                                        time_span timeout) const;

  // The same as `subscription::cancel`.
  bool cancel(uint64_t id) const {
    return core_->cancel(id);
  }

protected:
  using core_type = Core;

  using interest_type = typename core_type::interest_type;

  explicit registry_base(std::shared_ptr<core_type> core)
    : core_(std::move(core)) {
    // nop
  }

  static caf::actor_control_block* control_block(const auto& x) noexcept {
    return caf::actor_cast<caf::actor_control_block*>(x);
  }

  static Handle to_handle(caf::strong_actor_ptr ptr) {
    return caf::actor_cast<Handle>(std::move(ptr));
  }

  auto deadline_after(time_span timeout) const {
    return detail::later(core_->now(),
                         std::max(timeout.get(), time_span::duration::zero()));
  }

  // `select` of a derived class, which has the `for_each`.
  template <class Ref, class Pred, class Projection>
  static auto select_from(const Ref& ref, Pred& pred, Projection& projection) {
    using result_type
      = std::decay_t<std::invoke_result_t<Projection&, const view_type&>>;
    std::vector<result_type> result;
    ref.for_each([&](const view_type& x) {
      if (pred(x))
        result.push_back(projection(x));
    });
    return result;
  }

  [[gnu::cold, gnu::noinline]] caf::error error(errc code, key_arg key,
                                                std::string_view reason) const;

  caf::error closed_error() const {
    return core_->error(errc::closed, {}, "the registry is closed");
  }

  caf::error closed_error(key_arg key) const {
    return error(errc::closed, key, "the registry is closed");
  }

  caf::error null_handle_error() const {
    return core_->error(errc::null_handle, {}, "the handle is null");
  }

  caf::error check_key(key_arg key) const;

  caf::error check(caf::actor_control_block* who, key_arg key) const;

  caf::expected<subscription>
  interested(key_arg key, const caf::actor& who, detail::interest::kind what,
             detail::clock_type::time_point deadline) const;

  caf::expected<subscription>
  add_interest(key_arg key, std::unique_ptr<interest_type> x) const;

  detail::lasting_ptr<core_type> core_;
  /// @endcond
};

// -- not inline: compiled once for common types ------------------------------

/// @cond

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::expected<subscription> registry_base<Core, Key, Value, Handle>::await(
  key_arg key, const caf::actor& who, time_span timeout) const {
  return interested(key, who, detail::interest::kind::await,
                    deadline_after(timeout));
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
auto registry_base<Core, Key, Value, Handle>::await(key_arg key,
                                                    time_span timeout) const
  -> caf::expected<entry_type> {
  if (closed())
    return detail::failure(closed_error(key));
  if (auto err = check_key(key); detail::failed(err))
    return detail::failure(std::move(err));
  auto must_not_wait = seam::this_thread.runs_actors;
  auto deadline = must_not_wait ? core_->now() : deadline_after(timeout);
  auto blocked = std::make_shared<detail::blocked_wait>();
  auto x = core_->make_interest(detail::interest::kind::await, key, nullptr);
  x->blocked = blocked;
  if (core_->driver() != nullptr) // time passes only if there is a timer
    x->deadline = deadline;
  auto noted = add_interest(key, std::move(x));
  if (!noted)
    return detail::failure(std::move(noted.error()));
  if (auto ended = blocked->wait(core_->driver(), deadline);
      ended != seam::waited::done) {
    // In this order, for cancelling tells it, too.
    blocked->fail(must_not_wait || ended == seam::waited::stuck
                    ? errc::would_block
                    : errc::timeout);
    noted->cancel();
  }
  if (auto& found = blocked->found(); found.holder())
    return entry_type{Key{key}, *found.template value<Value>(),
                      found.template handle<Handle>()};
  switch (blocked->why()) {
    case errc::closed:
      return detail::failure(
        error(errc::closed, key, "the registry is closed"));
    case errc::timeout:
      return detail::failure(
        error(errc::timeout, key, "nobody registered it in time"));
    default:
      return detail::failure(
        error(errc::would_block, key,
              "waiting would block a thread that runs actors"));
  }
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::error registry_base<Core, Key, Value, Handle>::add_listener(
  const caf::actor& who) const {
  if (!who)
    return null_handle_error();
  if (closed())
    return closed_error();
  if (!core_->add_listener(caf::actor_cast<caf::strong_actor_ptr>(who)))
    return closed_error();
  return {};
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::error registry_base<Core, Key, Value, Handle>::lookup_error(
  errc why, key_arg key) const {
  return error(why, key,
               why == errc::closed ? "the registry is closed"
                                   : "nobody holds it");
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::error registry_base<Core, Key, Value, Handle>::error(
  errc code, key_arg key, std::string_view reason) const {
  return core_->error(code, detail::key_text<Key>(Key{key}), reason);
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::error
registry_base<Core, Key, Value, Handle>::check_key(key_arg key) const {
  if (detail::stored_key<Key>::bytes(key) > core_->options().max_key_size)
    return core_->key_too_large(detail::key_text<Key>(Key{key}));
  return {};
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::error registry_base<Core, Key, Value, Handle>::check(
  caf::actor_control_block* who, key_arg key) const {
  if (who == nullptr)
    return error(errc::null_handle, key, "the handle is null");
  if (!core_->options().allow_remote && who->node() != system().node())
    return error(errc::remote_actor, key, "the actor is on another node");
  return check_key(key);
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::expected<subscription> registry_base<Core, Key, Value, Handle>::await_for(
  caf::strong_actor_ptr who, const caf::actor& reply_to, key_arg key,
  time_span timeout) const {
  if (auto err = check_key(key); detail::failed(err))
    return detail::failure(std::move(err));
  auto x = core_->make_interest(detail::interest::kind::await, key,
                                std::move(who));
  x->reply_to = caf::actor_cast<caf::strong_actor_ptr>(reply_to);
  x->deadline = deadline_after(timeout);
  return add_interest(key, std::move(x));
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::expected<subscription> registry_base<Core, Key, Value, Handle>::interested(
  key_arg key, const caf::actor& who, detail::interest::kind what,
  detail::clock_type::time_point deadline) const {
  auto* ptr = control_block(who);
  if (ptr == nullptr)
    return detail::failure(error(errc::null_handle, key, "the handle is null"));
  if (auto err = check_key(key); detail::failed(err))
    return detail::failure(std::move(err));
  auto x = core_->make_interest(what, key, detail::add_reference(ptr));
  x->deadline = deadline;
  return add_interest(key, std::move(x));
}

template <class Core, registry_key Key, registry_value Value,
          actor_handle Handle>
caf::expected<subscription>
registry_base<Core, Key, Value, Handle>::add_interest(
  key_arg key, std::unique_ptr<interest_type> x) const {
  auto id = core_->add_interest(std::move(x));
  if (id == 0)
    return detail::failure(closed_error(key));
  return subscription{core_, id};
}

/// @endcond

/// What `unique_registry` and `duplicate_registry` have in common: they own
/// what their `Ref` refers to. Not to be used by itself.
template <class Ref>
class registry_owner : public Ref {
public:
  /// What `ref` returns.
  using super = Ref;

  /// @throws std::invalid_argument if an option makes no sense, or
  ///         `cafreg::prepare` was not called for the configuration of `sys`
  explicit registry_owner(caf::actor_system& sys,
                          registry_options options = {});

  registry_owner(const registry_owner&) = delete;

  registry_owner& operator=(const registry_owner&) = delete;

  ~registry_owner();

  /// Returns a reference that may be copied into actors.
  [[nodiscard]] Ref ref() const {
    return *this;
  }
};

template <class Ref>
registry_owner<Ref>::registry_owner(caf::actor_system& sys,
                                    registry_options options)
  : Ref(std::make_shared<typename Ref::core_type>(sys, std::move(options))) {
  this->core_->start();
}

template <class Ref>
registry_owner<Ref>::~registry_owner() {
  this->close();
}

} // namespace cafreg
