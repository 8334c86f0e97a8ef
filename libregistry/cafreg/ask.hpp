// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/caf.hpp"

/// Tags for asking a registry by message: the first element of a request, the
/// others are the arguments of the operation with the same name. See
/// `unique_registry::actor` and `duplicate_registry::actor`. If the registry's
/// values are `cafreg::unit`, they are left out of requests and answers. What
/// no operation takes is answered with `errc::bad_request`.
namespace cafreg::ask {

namespace detail {

/// An empty message type.
template <class Derived>
struct tag {
  template <class Inspector>
  friend auto inspect(Inspector& f, Derived& x) {
    auto nop = [] {};
    return cafreg::detail::inspect_fields(f, x, Derived::type_name, nop);
  }

  /// Tags of one type are equal.
  friend bool operator==(const Derived&, const Derived&) {
    return true;
  }
};

} // namespace detail

/// (register_as, actor, key, value) -> (actor, bool): holder, and whether it
/// was inserted.
struct register_as : detail::tag<register_as> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::register_as";
  /// @endcond
};

/// (unregister, actor, key) -> bool: whether the actor held the key.
struct unregister : detail::tag<unregister> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::unregister";
  /// @endcond
};

/// (unregister_all, actor) -> uint64_t: how many entries went.
struct unregister_all : detail::tag<unregister_all> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::unregister_all";
  /// @endcond
};

/// (lookup, key) -> (actor, value), or `errc::no_such_name`; in a duplicate
/// registry (std::vector<actor>), empty if there is none.
struct lookup : detail::tag<lookup> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::lookup";
  /// @endcond
};

/// (keys, actor) -> std::vector<key>, if CAF can send such a vector: with
/// CAF 1.x and string keys, give `std::vector<std::string>` a type id.
struct keys : detail::tag<keys> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::keys";
  /// @endcond
};

/// (count) -> uint64_t: number of entries; (count, key): of this key.
struct count : detail::tag<count> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::count";
  /// @endcond
};

/// (give_away, key, from, to) -> bool: true, or `errc::not_holder`.
struct give_away : detail::tag<give_away> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::give_away";
  /// @endcond
};

/// (await, key, timespan) -> (actor, value), or `errc::timeout`.
struct await : detail::tag<await> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::await";
  /// @endcond
};

/// (watch, key, actor) -> uint64_t: the id of the subscription; the actor gets
/// `name_state` messages.
struct watch : detail::tag<watch> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::watch";
  /// @endcond
};

/// (publish, key, message) -> uint64_t: how many entries got the message.
struct publish : detail::tag<publish> {
  /// @cond
  static constexpr auto type_name = "cafreg::ask::publish";
  /// @endcond
};

} // namespace cafreg::ask
