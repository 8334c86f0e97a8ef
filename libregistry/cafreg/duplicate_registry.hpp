// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/concepts.hpp"
#include "cafreg/detail/duplicate_core.hpp"
#include "cafreg/detail/duplicate_front.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/entry_range.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/options.hpp"
#include "cafreg/registry_base.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/types.hpp"

namespace cafreg {

/// Selects the parallel form of `dispatch`.
struct parallel_t {
  explicit parallel_t() = default;
};

/// Selects the parallel form of `dispatch`.
inline constexpr parallel_t parallel{};

template <registry_key Key, registry_value Value, actor_handle Handle>
class duplicate_registry;

/// A reference to a `duplicate_registry`, for actors and threads: cheap to
/// copy, never keeps entries or actors alive, usable after the registry is gone
/// (every operation then says `errc::closed`, or finds nothing).
///
/// All operations may be called from any thread and any actor, at any time,
/// and never wait for a mailbox. Complexities are amortised averages; *n* is
/// the number of entries under the key. Callbacks run in the calling thread
/// (but for parallel dispatch) and outside every lock: they may use this and
/// any other registry, also to close it, may block, and may throw, which
/// reaches the caller. While a callback looks at entries these stay in memory
/// and keep their actors; nothing else waits for it.
///
/// There is no `watch` as unique registries have: it tells who the one holder
/// of a name is. `add_listener` tells of every change, `await` of the first
/// entry.
template <registry_key Key, registry_value Value = unit,
          actor_handle Handle = caf::actor>
class duplicate_registry_ref
  : public registry_base<detail::duplicate_core<Key, Value>, Key, Value,
                         Handle> {
public:
  /// @cond
  using super
    = registry_base<detail::duplicate_core<Key, Value>, Key, Value, Handle>;

  /// @endcond

  using typename super::entry_type;

  using typename super::key_arg;

  using typename super::view_type;

  /// @cond
protected:
  using table_type = typename super::core_type::table_type;

  using reader = typename table_type::reader;

public:
  /// @endcond

  /// What `dispatch` calls its callback with.
  using range_type
    = entry_range<view_type, decltype(std::declval<const reader&>().entries())>;

  using super::closed;
  using super::system;

  // -- registering ------------------------------------------------------------

  /// Adds an entry for a living actor under a key; also another one for an
  /// actor that has some there. Like Elixir's `Registry.register/3`, but for
  /// any actor. Complexity: constant.
  /// @returns nothing, or an error: `closed`, `null_handle`, `dead_actor`,
  ///          `remote_actor`, `key_too_large`.
  /// @throws std::bad_alloc, std::length_error when there are 2^32 - 1 entries
  ///         under the key, and what copying the key throws, without effect
  caf::expected<void> register_as(const Handle& who, key_arg key,
                                  Value value = Value{}) const;

  /// Removes all entries that an actor has under a key. Complexity: linear in
  /// n or in the number of entries of the actor, whichever is smaller: constant
  /// for one subscriber of many, and for an actor with many keys.
  /// @returns the number of entries removed, or `errc::closed`.
  caf::expected<size_t> unregister(const Handle& who, key_arg key) const;

  /// Removes those entries of an actor under a key for which
  /// `pred(const Value&)` is true. All are asked before the first is removed.
  /// Like Elixir's `Registry.unregister_match/4`. Complexity: as `unregister`.
  /// @returns the number of entries removed, or `errc::closed`.
  template <std::predicate<const Value&> Pred>
  caf::expected<size_t> unregister_if(const Handle& who, key_arg key,
                                      Pred&& pred) const {
    if (auto count = table().erase_if(control_block(who), key, pred, {}))
      return *count;
    return detail::failure(closed_error(key));
  }

  /// Removes all entries of an actor. Complexity: linear in their number.
  /// @returns the number of entries removed, or `errc::closed`.
  caf::expected<size_t> unregister_all(const Handle& who) const;

  // -- looking up -------------------------------------------------------------

  /// Returns the entries under a key, in no order: never one whose actor had
  /// terminated when the call began; empty also when the registry is closed.
  /// Like Elixir's `Registry.lookup/2`. Complexity: linear in n.
  [[nodiscard]] std::vector<entry_type> lookup(key_arg key) const;

  /// Calls `fn(const view_type&)` for each entry under a key, borrowed: nothing
  /// is copied or allocated, no reference counted, no actor's memory touched.
  /// So an actor may have died a moment ago, see `entry_view::alive`.
  /// Complexity: linear in n.
  /// @returns the number of entries.
  template <std::invocable<const view_type&> Fn>
  size_t visit(key_arg key, Fn&& fn) const {
    return dispatch(key, [&fn](range_type entries) {
      for (auto& x : entries)
        fn(x);
    });
  }

  /// Returns the values that an actor has under a key, in no order; none if it
  /// has terminated. Complexity: as `unregister`.
  [[nodiscard]] std::vector<Value> values(key_arg key, const Handle& who) const;

  /// Returns the keys of an actor, in no order, a key as often as it is
  /// registered under it; none if it has terminated. Like Elixir's
  /// `Registry.keys/2`. Complexity: linear in their number.
  [[nodiscard]] std::vector<Key> keys(const Handle& who) const;

  /// Number of entries, of actors that died a moment ago too. Complexity:
  /// constant.
  [[nodiscard]] size_t count() const {
    return table().size();
  }

  /// Number of entries under a key, of actors that died a moment ago too.
  /// Complexity: constant.
  [[nodiscard]] size_t count(key_arg key) const {
    return table().size(key);
  }

  /// Number of entries under a key with a living actor for which
  /// `pred(const Value&)` is true. Like Elixir's `Registry.count_match/4`.
  /// Complexity: linear in n.
  template <std::predicate<const Value&> Pred>
  [[nodiscard]] size_t count_if(key_arg key, Pred&& pred) const {
    size_t result = 0;
    for_each_alive(key, [&](const view_type& x) {
      if (pred(x.value()))
        ++result;
    });
    return result;
  }

  /// Returns the entries under a key with a living actor for which
  /// `pred(const Value&)` is true, in no order. Like Elixir's
  /// `Registry.match/4`. Complexity: linear in n.
  template <std::predicate<const Value&> Pred>
  [[nodiscard]] std::vector<entry_type> match(key_arg key, Pred&& pred) const {
    std::vector<entry_type> result;
    for_each_alive(key, [&](const view_type& x) {
      if (!pred(x.value()))
        return;
      // A weak entry may just have lost its actor.
      if (auto holder = x.handle(); control_block(holder) != nullptr)
        result.emplace_back(x.key(), x.value(), std::move(holder));
    });
    return result;
  }

  /// Calls `fn(const view_type&)` for each entry with a living actor: each
  /// entry that exists from begin to end of the call exactly once. Runs beside
  /// writers. Complexity: linear.
  template <std::invocable<const view_type&> Fn>
  void for_each(Fn&& fn) const {
    table().for_each(
      [&, strong = table().strong()](key_arg key, const auto& x) {
        if (detail::actors::dead(x.actor()))
          return;
        const view_type borrowed{key, x.value(), x.actor(), strong};
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

  // -- topics -----------------------------------------------------------------

  /// Calls `fn(range_type)` with the entries under a key, once for each
  /// partition that has some, hence never with an empty range. Each entry that
  /// exists from begin to end of the call is seen exactly once; others register
  /// and unregister meanwhile without waiting. An actor may have died a moment
  /// ago, see `entry_view::alive`; messages to it are dropped. Like Elixir's
  /// `Registry.dispatch/4`. Complexity: linear in n.
  /// @returns the number of entries that `fn` has seen.
  template <std::invocable<range_type> Fn>
  size_t dispatch(key_arg key, Fn&& fn) const {
    size_t result = 0;
    auto hash = table().hash(key);
    for (size_t i = 0; i < table().partitions(); ++i) {
      reader entries{table(), i, key, hash};
      if (entries.empty())
        continue;
      fn(range(entries));
      result += entries.size();
    }
    return result;
  }

  /// Like the above, but for all partitions at once: `fn` is called by the
  /// calling thread and, if several partitions have entries, by others at the
  /// same time. Makes a difference only with `partition_by::registrant`, for
  /// long lists or slow callbacks: a thread takes as long to start as some
  /// thousand entries to see.
  /// @throws the first exception that `fn` threw, after all calls have ended
  template <std::invocable<range_type> Fn>
  size_t dispatch(key_arg key, Fn&& fn, parallel_t) const {
    size_t result = 0;
    auto hash = table().hash(key);
    std::deque<reader> parts;
    for (size_t i = 0; i < table().partitions(); ++i) {
      parts.emplace_back(table(), i, key, hash);
      result += parts.back().size();
      if (parts.back().empty())
        parts.pop_back();
    }
    std::mutex mutex;
    std::exception_ptr failure;
    auto run = [&](reader& entries) {
      try {
        fn(range(entries));
      } catch (...) {
        std::lock_guard guard{mutex};
        if (!failure)
          failure = std::current_exception();
      }
    };
    seam::run_beside(core_->driver(), parts.size(),
                     [&](size_t i) { run(parts[i]); });
    if (failure)
      std::rethrow_exception(failure);
    return result;
  }

  /// Sends one message, made from the arguments, to every entry under a key; an
  /// actor gets it as often as it is registered. Never waits. Complexity:
  /// linear in n.
  /// @returns the number of entries that it was sent to.
  template <class T, class... Ts>
  size_t publish(key_arg key, T&& x, Ts&&... xs) const {
    return publish_message(key, caf::make_message(std::forward<T>(x),
                                                  std::forward<Ts>(xs)...));
  }

  /// Like `publish`, for a message that was made before.
  size_t publish_message(key_arg key, const caf::message& msg) const {
    return dispatch(key, [&msg](range_type entries) {
      // Actors lie anywhere in memory: ask for each a few sends before its
      // turn.
      auto ahead = entries.begin();
      for (auto i = 0; i < 8 && ahead != entries.end(); ++i, ++ahead)
        ahead->prefetch();
      for (auto& x : entries) {
        if (ahead != entries.end()) {
          ahead->prefetch();
          ++ahead;
        }
        x.send_message(msg);
      }
    });
  }

  // -- the registry -----------------------------------------------------------

  /// Returns an actor that answers the messages of `cafreg::ask`, for remote
  /// nodes and plain message flows: `register_as`, `unregister`,
  /// `unregister_all`, `lookup`, `count`, `publish` and, if CAF can send a
  /// vector of keys, `keys`. It is hidden, keeps nothing alive, and answers
  /// `errc::closed` after the registry was closed. Its handle must not outlive
  /// the actor system.
  caf::actor
  actor() const requires detail::usable_by_message<Key, Value, Handle>;

protected:
  using super::super;

  using super::core_;

private:
  using super::closed_error;
  using super::control_block;

  table_type& table() const noexcept {
    return core_->table();
  }

  range_type range(const reader& x) const noexcept {
    return {x.key(), x.entries(), table().strong()};
  }

  template <class Fn>
  void for_each_alive(key_arg key, Fn&& fn) const {
    visit(key, [&fn](const view_type& x) {
      if (x.alive())
        fn(x);
    });
  }
};

// -- not inline: compiled once for common types ------------------------------

/// @cond

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<void> duplicate_registry_ref<Key, Value, Handle>::register_as(
  const Handle& who, key_arg key, Value value) const {
  auto* ptr = control_block(who);
  if (auto err = super::check(ptr, key); detail::failed(err))
    return detail::failure(std::move(err));
  core_->relieve(ptr);
  switch (table().add(ptr, key, std::move(value), {})) {
    case detail::add_result::closed:
      return detail::failure(closed_error(key));
    case detail::add_result::dead:
      return detail::failure(
        super::error(errc::dead_actor, key, "the actor has terminated"));
    default:
      return {};
  }
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<size_t> duplicate_registry_ref<Key, Value, Handle>::unregister(
  const Handle& who, key_arg key) const {
  if (auto count = table().erase(control_block(who), key, {}))
    return *count;
  return detail::failure(closed_error(key));
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::expected<size_t>
duplicate_registry_ref<Key, Value, Handle>::unregister_all(
  const Handle& who) const {
  if (closed())
    return detail::failure(closed_error());
  return table().erase_all(control_block(who), {}, false);
}

template <registry_key Key, registry_value Value, actor_handle Handle>
auto duplicate_registry_ref<Key, Value, Handle>::lookup(key_arg key) const
  -> std::vector<entry_type> {
  return match(key, [](const Value&) { return true; });
}

template <registry_key Key, registry_value Value, actor_handle Handle>
std::vector<Value> duplicate_registry_ref<Key, Value, Handle>::values(
  key_arg key, const Handle& who) const {
  std::vector<Value> result;
  auto* ptr = control_block(who);
  if (ptr != nullptr && !detail::actors::dead(ptr))
    table().for_each_of(ptr, key, [&result](const auto& x) {
      result.push_back(x.value());
    });
  return result;
}

template <registry_key Key, registry_value Value, actor_handle Handle>
std::vector<Key>
duplicate_registry_ref<Key, Value, Handle>::keys(const Handle& who) const {
  std::vector<Key> result;
  auto* ptr = control_block(who);
  if (ptr != nullptr && !detail::actors::dead(ptr))
    table().for_each_key_of(ptr, [&result](key_arg key) {
      result.emplace_back(key);
    });
  return result;
}

template <registry_key Key, registry_value Value, actor_handle Handle>
caf::actor duplicate_registry_ref<Key, Value, Handle>::actor()
  const requires detail::usable_by_message<Key, Value, Handle> {
  return core_->front([this] { return detail::spawn_duplicate_front(*this); });
}

/// @endcond

/// Topics and groups: any number of actors under one key, also one actor
/// several times, and all entries of an actor vanish when it terminates. The
/// equivalent of Elixir's `Registry` with `keys: :duplicate`.
///
/// The registry owns its entries. Create it from an actor system after
/// `cafreg::prepare(cfg)`, destroy it before the system; give actors a `ref()`.
/// The destructor closes it. See `duplicate_registry_ref` for the operations.
///
/// With `partition_by::registrant` (few keys with many entries) an actor's
/// entries are all in one of `partitions` parts, each of which is dispatched to
/// by itself. With `partition_by::key` (many keys with few entries) there is
/// one part, and `partitions` counts only the keepers.
///
/// What can go stale: a dispatch shows the entries of one moment for each
/// partition. Who registers later is not seen, who unregisters or dies
/// meanwhile still is, as with messages that are under way already.
template <registry_key Key, registry_value Value = unit,
          actor_handle Handle = caf::actor>
class duplicate_registry
  : public registry_owner<duplicate_registry_ref<Key, Value, Handle>> {
public:
  using registry_owner<
    duplicate_registry_ref<Key, Value, Handle>>::registry_owner;
};

// What most programs use is compiled with the library.

extern template class detail::duplicate_core<std::string, unit>;
extern template class detail::duplicate_table<
  std::string, unit, detail::actors, detail::duplicate_core<std::string, unit>>;
extern template class registry_base<detail::duplicate_core<std::string, unit>,
                                    std::string, unit, caf::actor>;
extern template class duplicate_registry_ref<std::string>;
extern template class registry_owner<duplicate_registry_ref<std::string>>;

} // namespace cafreg
