// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <type_traits>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/stored_key.hpp"

namespace cafreg {

/// A registration as a value: a copy of key and value, and a handle that keeps
/// the actor alive. What it says was true when it was made.
template <class Key, class Value, class Handle>
class entry {
public:
  /// What the entry is found by.
  using key_type = Key;

  /// What the entry says of its actor.
  using value_type = Value;

  /// `caf::actor` or a statically typed handle.
  using handle_type = Handle;

  /// For registries.
  entry(detail::key_view<Key> key, const Value& value, Handle handle)
    : key_(key), value_(value), handle_(std::move(handle)) {
    // nop
  }

  /// The key.
  const Key& key() const noexcept {
    return key_;
  }

  /// The value.
  const Value& value() const noexcept {
    return value_;
  }

  /// The actor, kept alive by this object.
  const Handle& handle() const noexcept {
    return handle_;
  }

  /// Whether the actor has not terminated yet.
  [[nodiscard]] bool alive() const noexcept {
    return !detail::actors::dead(control_block());
  }

  /// Sends an anonymous message to the actor. Never waits.
  template <class... Ts>
  void send(Ts&&... xs) const {
    detail::post(control_block(), caf::make_message(std::forward<Ts>(xs)...));
  }

  /// Equal in all three.
  friend bool operator==(const entry& x, const entry& y) {
    return x.key_ == y.key_ && x.value_ == y.value_ && x.handle_ == y.handle_;
  }

private:
  caf::actor_control_block* control_block() const noexcept {
    return caf::actor_cast<caf::actor_control_block*>(handle_);
  }

  Key key_;
  [[no_unique_address]] Value value_;
  Handle handle_;
};

/// A registration that is borrowed from the table: valid only during the
/// callback that gets it, and free of reference counting. Use `to_entry` to
/// keep it.
template <class Key, class Value, class Handle>
class entry_view {
public:
  /// `std::string_view` for strings, `const Key&` for all others.
  using key_view = detail::key_view<Key>;

  /// For registries.
  entry_view(key_view key, const Value& value, caf::actor_control_block* actor,
             bool strong) noexcept
    : key_(key), value_(&value), actor_(actor), strong_(strong) {
    // nop
  }

  /// The key; a `std::string_view` for strings.
  key_view key() const noexcept {
    return key_;
  }

  /// The value.
  const Value& value() const noexcept {
    return *value_;
  }

  /// A handle that keeps the actor alive; null if the registry's entries are
  /// weak and the actor has just ended.
  [[nodiscard]] Handle handle() const {
    if (!detail::actors::borrow(actor_, strong_))
      return caf::actor_cast<Handle>(caf::strong_actor_ptr{});
    return detail::adopt_handle<Handle>(actor_);
  }

  /// The id of the actor.
  caf::actor_id id() const noexcept {
    return actor_->id();
  }

  /// Whether the actor has not terminated yet. Touches the actor's memory,
  /// which the rest of a view does not.
  [[nodiscard]] bool alive() const noexcept {
    return !detail::actors::dead(actor_);
  }

  /// Sends an anonymous message to the actor. Never waits.
  template <class... Ts>
  void send(Ts&&... xs) const {
    send_message(caf::make_message(std::forward<Ts>(xs)...));
  }

  /// Sends a message that was made before, for many receivers.
  void send_message(const caf::message& msg) const {
    if (strong_)
      detail::post(actor_, msg);
    else if (auto ptr = handle())
      detail::post(caf::actor_cast<caf::actor_control_block*>(ptr), msg);
  }

  /// Asks for the actor's memory, which `send`, `alive` and `handle` touch: to
  /// be called a few entries ahead. No effect but on speed.
  [[gnu::always_inline]] void prefetch() const noexcept {
    detail::actors::prefetch(actor_);
  }

  /// Returns a copy that may be kept.
  [[nodiscard]] entry<Key, Value, Handle> to_entry() const {
    return {key_, *value_, handle()};
  }

private:
  key_view key_;
  const Value* value_;
  caf::actor_control_block* actor_;
  bool strong_;
};

} // namespace cafreg
