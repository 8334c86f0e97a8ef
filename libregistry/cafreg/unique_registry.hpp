// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/concepts.hpp"
#include "cafreg/detail/unique_core.hpp"
#include "cafreg/detail/unique_front.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/lookup_result.hpp"
#include "cafreg/options.hpp"
#include "cafreg/registry_base.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/time_span.hpp"
#include "cafreg/types.hpp"
#include "cafreg/via.hpp"

namespace cafreg {

/// What `register_as` gives: who holds the key now, and whether this call made
/// it so.
template <class Handle>
struct registration {
  /// Who holds the key now.
  Handle holder;
  /// Whether this call made it so.
  bool inserted;
};

/// What `update_value` gives.
template <class Value>
struct updated_value {
  /// The new value.
  Value value;
  /// The value before.
  Value previous;
};

template <registry_key Key, registry_value Value, actor_handle Handle>
class unique_registry;

/// A reference to a `unique_registry`, for actors and threads: cheap to copy,
/// never keeps entries or actors alive, usable after the registry is gone
/// (every operation then says `errc::closed`, or finds nothing).
///
/// All operations may be called from any thread and any actor, at any time,
/// and never wait for a mailbox. Complexities are amortised averages. Callbacks
/// run in the calling thread and outside every lock: they may use this and any
/// other registry, and throw. While a callback of `visit`, `update_value`,
/// `unregister_if`, `for_each`, `select` or `match` runs, memory of removed
/// entries is not reused; keep them short.
template <registry_key Key, registry_value Value = unit,
          actor_handle Handle = caf::actor>
class unique_registry_ref
  : public registry_base<detail::unique_core<Key, Value>, Key, Value, Handle> {
public:
  /// @cond
  using super
    = registry_base<detail::unique_core<Key, Value>, Key, Value, Handle>;

  /// @endcond

  using typename super::entry_type;

  using typename super::key_arg;

  using typename super::view_type;

  using super::await;
  using super::closed;
  using super::system;

  // -- registering ------------------------------------------------------------

  /// Registers a living actor under a key, unless another living actor holds
  /// it. A key whose holder has terminated is free, whether it was cleaned up
  /// or not. Like Elixir's `Registry.register/3`, but for any actor.
  /// Complexity: constant.
  /// @returns the holder, and whether this call made it so; `inserted` is false
  ///          if the key was taken, also by the same actor.
  /// @returns an error: `closed`, `null_handle`, `dead_actor`, `remote_actor`,
  ///          `key_too_large`, `would_deadlock` (called from within the spawn
  ///          that this key is reserved for).
  /// @throws std::bad_alloc, and what copying the key throws, without effect
  caf::expected<registration<Handle>> register_as(const Handle& who,
                                                  key_arg key,
                                                  Value value = Value{}) const;

  /// Removes the entry of a key if `who` holds it; anything else is fine too.
  /// Complexity: constant, however many keys the actor holds.
  /// @returns the number of entries removed, 0 or 1, or `errc::closed`.
  caf::expected<size_t> unregister(const Handle& who, key_arg key) const;

  /// Removes the entry of a key if `who` holds it and `pred(const Value&)` is
  /// true: in one step, no other change comes between. `pred` may be called
  /// more than once, if the value changes meanwhile. Like Elixir's
  /// `Registry.unregister_match/4`. Complexity: constant.
  /// @returns the number of entries removed, 0 or 1, or `errc::closed`.
  template <std::predicate<const Value&> Pred>
  caf::expected<size_t> unregister_if(const Handle& who, key_arg key,
                                      Pred&& pred) const {
    return removed(table().erase_if(
                     control_block(who), key,
                     [&pred](const node_type& x) { return pred(x.value); }, {}),
                   key);
  }

  /// Removes all entries of an actor. Complexity: linear in their number.
  /// @returns the number of entries removed, or `errc::closed`.
  caf::expected<size_t> unregister_all(const Handle& who) const;

  /// Replaces the value of a key that `who` holds by `fn(const Value&)`. Atomic
  /// against lookups, which see the one value or the other, and against other
  /// updates; `fn` is called again if one of these was faster, hence must not
  /// replace the entry itself. Like Elixir's `Registry.update_value/3`.
  /// Complexity: constant.
  /// @returns the new and the old value, or an error: `not_holder` (then `fn`
  ///          was not called), `closed`, `would_deadlock` (called from within
  ///          `fn`, or the predicate of `unregister_if`, for the same key).
  /// @throws what `fn` or copying a value throws, without effect
  template <class Fn>
    requires std::convertible_to<std::invoke_result_t<Fn&, const Value&>, Value>
      caf::expected<updated_value<Value>> update_value(const Handle& who,
                                                       key_arg key, Fn&& fn)
  const {
    std::optional<updated_value<Value>> result;
    auto outcome = table().update(
      control_block(who), key, [&](const node_type& x) -> Value {
        result.emplace(updated_value<Value>{fn(x.value), x.value});
        return result->value;
      });
    if (outcome == detail::write_result::done)
      return std::move(*result);
    return detail::failure(write_error(outcome, key));
  }

  /// Hands a key and its value over: no lookup misses it. Like `give_away` of
  /// Erlang's gproc. Complexity: constant.
  /// @returns no error, or `not_holder` if `from` does not hold the key,
  ///          `null_handle`, `dead_actor` or `remote_actor` because of `to`,
  ///          `closed`.
  [[nodiscard]] caf::error give_away(key_arg key, const Handle& from,
                                     const Handle& to) const;

  /// Lets an actor take a key over, with this value, when its present holder
  /// dies or unregisters it: no lookup misses it in between. Several standbys
  /// form a queue. If the key is free now, the actor registers at once. Like
  /// `standby` monitors of Erlang's gproc. Complexity: logarithmic in the
  /// number of open wishes.
  /// @returns a subscription to leave the queue with, or an error as
  ///          `register_as`.
  caf::expected<subscription> standby(key_arg key, const Handle& who,
                                      Value value = Value{}) const;

  // -- looking up -------------------------------------------------------------

  /// Returns the entry of a key: never one whose actor had terminated when the
  /// call began. Like Elixir's `Registry.lookup/2`. Complexity: constant,
  /// without lock or allocation (but for copies of key and value).
  /// @returns `no_such_name` or `closed` when there is none.
  lookup_result<entry_type> lookup(key_arg key) const {
    using result = lookup_result<entry_type>;
    return table().lookup(
      key,
      [](const node_type& x) {
        return result{std::in_place, x.key.get(), x.value, adopt(x)};
      },
      [this] { return result{missing()}; });
  }

  /// Returns the holder of a key, as `lookup` does.
  lookup_result<Handle> whereis(key_arg key) const {
    using result = lookup_result<Handle>;
    return table().lookup(
      key,
      [](const node_type& x) {
        return result{std::in_place, adopt(x)};
      },
      [this] { return result{missing()}; });
  }

  /// Calls `fn(const view_type&)` with the entry of a key, borrowed: nothing is
  /// copied, no reference counted, the actor's memory not touched. So the actor
  /// may have died a moment ago, see `entry_view::alive`. Complexity: constant,
  /// wait-free.
  /// @returns whether there is an entry.
  template <std::invocable<const view_type&> Fn>
  bool visit(key_arg key, Fn&& fn) const {
    return table().visit(key, [&](const node_type& x) {
      const auto borrowed = view(x);
      fn(borrowed);
    });
  }

  /// Returns the values that an actor has under a key: none or one.
  /// Complexity: constant.
  [[nodiscard]] std::vector<Value> values(key_arg key, const Handle& who) const;

  /// Returns the keys of an actor, in no order. Complexity: linear in their
  /// number.
  [[nodiscard]] std::vector<Key> keys(const Handle& who) const;

  /// Number of entries. Complexity: constant.
  [[nodiscard]] size_t count() const {
    return table().size();
  }

  /// Returns 1 if the key has an entry and `pred(const Value&)` is true for it,
  /// else 0. Like Elixir's `Registry.count_match/4`. Complexity: constant.
  template <std::predicate<const Value&> Pred>
  [[nodiscard]] size_t count_if(key_arg key, Pred&& pred) const {
    return match(key, std::forward<Pred>(pred)).size();
  }

  /// Returns the entry of the key if `pred(const Value&)` is true for it. Like
  /// Elixir's `Registry.match/4`. Complexity: constant.
  template <std::predicate<const Value&> Pred>
  [[nodiscard]] std::vector<entry_type> match(key_arg key, Pred&& pred) const {
    std::vector<entry_type> result;
    auto found = lookup(key);
    if (found && pred(found->value()))
      result.push_back(std::move(*found));
    return result;
  }

  /// Calls `fn(const view_type&)` for each entry with a living actor: each
  /// entry that exists from begin to end of the call exactly once. Runs beside
  /// writers. Complexity: linear.
  template <std::invocable<const view_type&> Fn>
  void for_each(Fn&& fn) const {
    table().for_each([&](const node_type& x) {
      if (detail::actors::dead(x.actor))
        return;
      const auto borrowed = view(x);
      fn(borrowed);
    });
  }

  /// Returns `projection(const view_type&)` of each entry for which
  /// `pred(const view_type&)` is true. Like Elixir's `Registry.select/2`.
  /// Complexity: linear.
  template <std::predicate<const view_type&> Pred,
            std::invocable<const view_type&> Projection>
  [[nodiscard]] auto select(Pred&& pred, Projection&& projection) const {
    return super::select_from(*this, pred, projection);
  }

  // -- names in time ----------------------------------------------------------

  /// Sends `name_state` messages to an actor: who holds the key now, then each
  /// change, in order. Complexity: logarithmic in the number of open wishes.
  /// @returns a subscription to stop it, or an error: `null_handle`, `closed`,
  ///          `key_too_large`.
  caf::expected<subscription> watch(key_arg key, const caf::actor& who) const;

  /// Waits until somebody holds a key. For threads: in one that runs actors it
  /// refuses unless the answer is there already, since waiting there could keep
  /// the awaited actor from running.
  /// @returns the entry, or an error: `timeout`, `would_block`, `closed`,
  ///          `key_too_large`.
  [[nodiscard]] caf::expected<entry_type> await(key_arg key,
                                                time_span timeout) const;

  // -- via --------------------------------------------------------------------

  /// Returns a value that stands for whoever holds the key when it is used.
  [[nodiscard]] cafreg::via<unique_registry_ref> via(key_arg key) const {
    return {*this, Key{key}};
  }

  /// Reserves a key, spawns a function-based actor and registers it: the
  /// actor's own code finds its name. If the key is taken, nothing is started;
  /// who else wants the key meanwhile waits for the spawn. Complexity:
  /// constant, and what spawning takes.
  /// @returns the new actor, or an error: `already_registered` (the text names
  ///          the holder), `spawn_failed` (the reservation is gone, and what
  ///          may have been spawned is killed), `closed`, `key_too_large`,
  ///          `would_deadlock`.
  template <caf::spawn_options Os = caf::no_spawn_options,
            detail::actor_function F, class... Ts>
  caf::expected<Handle> spawn_as(key_arg key, F fun, Ts&&... xs) const {
    return spawn_as<Os>(key, Value{}, std::move(fun), std::forward<Ts>(xs)...);
  }

  /// Like the above, with a value.
  template <caf::spawn_options Os = caf::no_spawn_options,
            detail::actor_function F, class... Ts>
  caf::expected<Handle> spawn_as(key_arg key, Value value, F fun,
                                 Ts&&... xs) const {
    return spawn_reserved(key, std::move(value), [&](auto& binder) {
      return detail::spawn_named_function<Os>(system(), binder, std::move(fun),
                                              std::forward<Ts>(xs)...);
    });
  }

  /// Like the above, for an actor class and its constructor arguments.
  template <class Actor, caf::spawn_options Os = caf::no_spawn_options,
            class... Ts>
    requires std::derived_from<Actor, caf::local_actor> caf::expected<Handle>
    spawn_as(key_arg key, Value value, Ts&&... xs)
  const {
    return spawn_reserved(key, std::move(value), [&](auto& binder) {
      return detail::spawn_named<Actor, Os>(system(), binder,
                                            std::forward<Ts>(xs)...);
    });
  }

  // -- the registry -----------------------------------------------------------

  /// Returns an actor that answers the messages of `cafreg::ask`, for remote
  /// nodes and plain message flows. It is hidden, keeps nothing alive, and
  /// answers `errc::closed` after the registry was closed. Its handle must not
  /// outlive the actor system.
  caf::actor
  actor() const requires detail::usable_by_message<Key, Value, Handle>;

  /// @cond
protected:
  using typename super::core_type;

  using table_type = typename core_type::table_type;

  using node_type = typename table_type::node;

  using super::super;

  using super::core_;
  /// @endcond

private:
  using super::add_interest;
  using super::check;
  using super::check_key;
  using super::closed_error;
  using super::control_block;
  using super::error;
  using super::interested;
  using super::to_handle;

  table_type& table() const noexcept {
    return core_->table();
  }

  // Takes over the reference that a lookup has acquired.
  static Handle adopt(const node_type& x) noexcept {
    return detail::adopt_handle<Handle>(x.actor);
  }

  view_type view(const node_type& x) const noexcept {
    return {x.key.get(), x.value, x.actor, table().strong()};
  }

  errc missing() const noexcept {
    return closed() ? errc::closed : errc::no_such_name;
  }

  caf::error write_error(detail::write_result outcome, key_arg key) const;

  caf::expected<size_t> removed(detail::write_result outcome,
                                key_arg key) const;

  template <class Spawn>
  caf::expected<Handle> spawn_reserved(key_arg key, Value value,
                                       Spawn&& spawn) const {
    if (auto err = check_key(key); detail::failed(err))
      return detail::failure(std::move(err));
    std::optional<Handle> holder;
    typename table_type::reservation_ptr reserved;
    auto outcome = table().reserve(
      key, std::move(value),
      [&holder](const node_type& x) { holder.emplace(adopt(x)); }, reserved);
    if (outcome == detail::write_result::taken)
      return detail::failure(error(errc::already_registered, key,
                                   "held by " + detail::actor_text(*holder)));
    if (outcome != detail::write_result::done)
      return detail::failure(write_error(outcome, key));
    // Called by the actor's own thread and by this one, whichever is first.
    auto binder = [core = core_, reserved](caf::actor_control_block* who) {
      return core->table().bind(reserved, who, {});
    };
    std::optional<Handle> spawned;
    try {
      spawned.emplace(spawn(binder));
      core_->relieve(control_block(*spawned));
      if (binder(control_block(*spawned)) == detail::write_result::closed) {
        detail::kill(control_block(*spawned));
        return detail::failure(
          error(errc::closed, key, "the registry is closed"));
      }
      return std::move(*spawned);
    } catch (const std::exception& ex) {
      return detail::failure(
        spawn_error(key, reserved, spawned, std::string{": "} + ex.what()));
    } catch (...) {
      return detail::failure(spawn_error(key, reserved, spawned, {}));
    }
  }

  // What was spawned before the exception must not run without its name.
  caf::error spawn_error(key_arg key,
                         const typename table_type::reservation_ptr& reserved,
                         const std::optional<Handle>& spawned,
                         std::string what) const;
};

// -- not inline: compiled once for common types ------------------------------

/// @cond

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<registration<Handle>>
unique_registry_ref<Key, Value, Handle>::register_as(const Handle& who,
                                                     key_arg key,
                                                     Value value) const {
  auto* ptr = control_block(who);
  if (auto err = check(ptr, key); detail::failed(err))
    return detail::failure(std::move(err));
  core_->relieve(ptr);
  std::optional<Handle> holder;
  auto outcome = table().insert(ptr, key, std::move(value), {},
                                [&holder](const node_type& x) {
                                  holder.emplace(adopt(x));
                                });
  switch (outcome) {
    case detail::write_result::done:
      return registration<Handle>{who, true};
    case detail::write_result::taken:
    case detail::write_result::held:
      return registration<Handle>{std::move(*holder), false};
    default:
      return detail::failure(write_error(outcome, key));
  }
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<size_t> unique_registry_ref<Key, Value, Handle>::unregister(
  const Handle& who, key_arg key) const {
  return removed(table().erase(control_block(who), key, {}), key);
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<size_t> unique_registry_ref<Key, Value, Handle>::unregister_all(
  const Handle& who) const {
  if (closed())
    return detail::failure(closed_error());
  return table().erase_all(control_block(who), {}, false);
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::error unique_registry_ref<Key, Value, Handle>::give_away(
  key_arg key, const Handle& from, const Handle& to) const {
  if (auto err = check(control_block(to), key); detail::failed(err))
    return err;
  if (control_block(from) == control_block(to)) {
    if (!detail::actors::dead(control_block(from))
        && !values(key, from).empty())
      return {};
    return write_error(closed() ? detail::write_result::closed
                                : detail::write_result::not_held,
                       key);
  }
  auto outcome = table().give(control_block(from), key, control_block(to),
                              {departure::given_away, nullptr});
  if (outcome == detail::write_result::done)
    return {};
  return write_error(outcome, key);
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<subscription> unique_registry_ref<Key, Value, Handle>::standby(
  key_arg key, const Handle& who, Value value) const {
  auto* ptr = control_block(who);
  if (auto err = check(ptr, key); detail::failed(err))
    return detail::failure(std::move(err));
  auto x = core_->make_interest(detail::interest::kind::standby, key,
                                detail::add_reference(ptr));
  x->value.emplace(value);
  auto result = add_interest(key, std::move(x));
  if (!result)
    return result;
  // The key may have been free, or the holder may have gone just before.
  auto first = register_as(who, key, std::move(value));
  if (!first) {
    result->cancel();
    return detail::failure(std::move(first.error()));
  }
  if (first->inserted)
    result->cancel();
  return result;
}

template <registry_key Key, registry_value Value, actor_handle Handle>
std::vector<Value> unique_registry_ref<Key, Value, Handle>::values(
  key_arg key, const Handle& who) const {
  std::vector<Value> result;
  table().visit(key, [&](const node_type& x) {
    if (x.actor == control_block(who))
      result.push_back(x.value);
  });
  return result;
}

template <registry_key Key, registry_value Value, actor_handle Handle>
std::vector<Key>
unique_registry_ref<Key, Value, Handle>::keys(const Handle& who) const {
  std::vector<Key> result;
  table().for_each_of(control_block(who), [&result](const node_type& x) {
    result.push_back(x.key.copy());
  });
  return result;
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<subscription> unique_registry_ref<Key, Value, Handle>::watch(
  key_arg key, const caf::actor& who) const {
  return interested(key, who, detail::interest::kind::watch,
                    detail::clock_type::time_point::max());
}

template <registry_key Key, registry_value Value, actor_handle Handle>
auto unique_registry_ref<Key, Value, Handle>::await(key_arg key,
                                                    time_span timeout) const
  -> caf::expected<entry_type> {
  if (auto found = lookup(key))
    return std::move(*found);
  return super::await(key, timeout);
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::actor unique_registry_ref<Key, Value, Handle>::actor()
  const requires detail::usable_by_message<Key, Value, Handle> {
  return core_->front([this] { return detail::spawn_unique_front(*this); });
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::error unique_registry_ref<Key, Value, Handle>::write_error(
  detail::write_result outcome, key_arg key) const {
  switch (outcome) {
    case detail::write_result::closed:
      return error(errc::closed, key, "the registry is closed");
    case detail::write_result::dead:
      return error(errc::dead_actor, key, "the actor has terminated");
    case detail::write_result::would_deadlock:
      return error(errc::would_deadlock, key,
                   "it is reserved for an actor whose spawn waits for this "
                   "thread");
    case detail::write_result::busy:
      return error(errc::would_deadlock, key,
                   "this thread is changing the entry");
    default:
      return error(errc::not_holder, key, "the actor does not hold it");
  }
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<size_t> unique_registry_ref<Key, Value, Handle>::removed(
  detail::write_result outcome, key_arg key) const {
  if (outcome == detail::write_result::closed)
    return detail::failure(write_error(outcome, key));
  return size_t{outcome == detail::write_result::done ? 1u : 0u};
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::error unique_registry_ref<Key, Value, Handle>::spawn_error(
  key_arg key, const typename table_type::reservation_ptr& reserved,
  const std::optional<Handle>& spawned, std::string what) const {
  table().release(reserved);
  if (spawned)
    detail::kill(control_block(*spawned));
  return error(errc::spawn_failed, key,
               (spawned ? "registering the new actor threw" : "spawning threw")
                 + std::move(what));
}

/// @endcond

/// Names for actors: a key belongs to one living actor at most, and an actor's
/// keys vanish when it terminates. The equivalent of Elixir's
/// `Registry` with `keys: :unique`, and a good deal of Erlang's gproc.
///
/// The registry owns its entries. Create it from an actor system after
/// `cafreg::prepare(cfg)`, destroy it before the system; give actors a `ref()`.
/// The destructor closes it. See `unique_registry_ref` for the operations.
///
/// What can go stale: between a lookup and the use of its result the actor may
/// terminate, as always with actors; a message to it is then dropped, a request
/// answered with an error.
template <registry_key Key, registry_value Value = unit,
          actor_handle Handle = caf::actor>
class unique_registry
  : public registry_owner<unique_registry_ref<Key, Value, Handle>> {
public:
  using registry_owner<unique_registry_ref<Key, Value, Handle>>::registry_owner;
};

// What most programs use is compiled with the library.

extern template class detail::unique_core<std::string, unit>;
extern template class detail::unique_table<
  std::string, unit, detail::actors, detail::unique_core<std::string, unit>>;
extern template class registry_base<detail::unique_core<std::string, unit>,
                                    std::string, unit, caf::actor>;
extern template class unique_registry_ref<std::string>;
extern template class registry_owner<unique_registry_ref<std::string>>;

} // namespace cafreg
