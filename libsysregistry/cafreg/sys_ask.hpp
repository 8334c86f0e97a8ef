// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/detail/tag.hpp"

/// Tags for asking a system registry by message, see `system_registry::actor`:
/// the first element of a request. Paths are texts with dots, as in
/// `cafreg::path`; values are `caf::config_value`, a dictionary stands for its
/// leaves.
namespace cafreg::ask {

/// (update, actor, path, value) -> uint64_t: the version now.
using update = cafreg::detail::tag<"cafreg::ask::update">;

/// (remove, actor, path) -> uint64_t: the version now.
using remove = cafreg::detail::tag<"cafreg::ask::remove">;

/// (remove_all, actor) -> uint64_t: the version now.
using remove_all = cafreg::detail::tag<"cafreg::ask::remove_all">;

/// (move, actor, path, path) -> uint64_t: the version now.
using move = cafreg::detail::tag<"cafreg::ask::move">;

/// (get, path) -> value: of a leaf, or `errc::no_such_path`.
using get = cafreg::detail::tag<"cafreg::ask::get">;

/// (snapshot, path) -> system_state: what is at and below the path now.
using snapshot = cafreg::detail::tag<"cafreg::ask::snapshot">;

/// (subscribe, actor, path, timespan, timespan, bool) -> uint64_t: the id of
/// the subscription; the actor gets `system_state` messages. The timespans are
/// `min_interval` and `hysteresis`, the last one is `acknowledged`.
using subscribe = cafreg::detail::tag<"cafreg::ask::subscribe">;

/// (unsubscribe, actor, path) -> bool: whether there was a subscription.
using unsubscribe = cafreg::detail::tag<"cafreg::ask::unsubscribe">;

/// (acknowledge, actor, path) -> no answer: the actor has handled the last
/// `system_state` of this scope.
using acknowledge = cafreg::detail::tag<"cafreg::ask::acknowledge">;

} // namespace cafreg::ask
