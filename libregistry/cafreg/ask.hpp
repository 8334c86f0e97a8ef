// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/detail/tag.hpp"

/// Tags for asking a registry by message: the first element of a request, the
/// others are the arguments of the operation with the same name. See
/// `unique_registry::actor` and `duplicate_registry::actor`. If the registry's
/// values are `cafreg::unit`, they are left out of requests and answers. What
/// no operation takes is answered with `errc::bad_request`.
namespace cafreg::ask {

/// (register_as, actor, key, value) -> (actor, bool): holder, and whether it
/// was inserted.
using register_as = cafreg::detail::tag<"cafreg::ask::register_as">;

/// (unregister, actor, key) -> bool: whether the actor held the key.
using unregister = cafreg::detail::tag<"cafreg::ask::unregister">;

/// (unregister_all, actor) -> uint64_t: how many entries went.
using unregister_all = cafreg::detail::tag<"cafreg::ask::unregister_all">;

/// (lookup, key) -> (actor, value), or `errc::no_such_name`; in a duplicate
/// registry (std::vector<actor>), empty if there is none.
using lookup = cafreg::detail::tag<"cafreg::ask::lookup">;

/// (keys, actor) -> std::vector<key>, if CAF can send such a vector: with
/// CAF 1.x and string keys, give `std::vector<std::string>` a type id.
using keys = cafreg::detail::tag<"cafreg::ask::keys">;

/// (count) -> uint64_t: number of entries; (count, key): of this key.
using count = cafreg::detail::tag<"cafreg::ask::count">;

/// (give_away, key, from, to) -> bool: true, or `errc::not_holder`.
using give_away = cafreg::detail::tag<"cafreg::ask::give_away">;

/// (await, key, timespan) -> (actor, value), or `errc::timeout`. The wait ends
/// with whoever asks, too.
using await = cafreg::detail::tag<"cafreg::ask::await">;

/// (watch, key, actor) -> uint64_t: the id of the subscription; the actor gets
/// `name_state` messages until it ends, or somebody asks to `cancel`.
using watch = cafreg::detail::tag<"cafreg::ask::watch">;

/// (cancel, uint64_t) -> bool: ends what has this id; false if it has ended.
using cancel = cafreg::detail::tag<"cafreg::ask::cancel">;

/// (publish, key, message) -> uint64_t: how many entries got the message.
using publish = cafreg::detail::tag<"cafreg::ask::publish">;

/// (lookup_or_start, id, arguments...) -> (actor, value): for worker
/// registries, as what follows.
using lookup_or_start = cafreg::detail::tag<"cafreg::ask::lookup_or_start">;

/// (start, id, arguments...) -> (actor, value), or `errc::already_started`.
using start = cafreg::detail::tag<"cafreg::ask::start">;

/// (stop, id) -> bool: true as soon as the worker is gone, or
/// `errc::no_such_name`.
using stop = cafreg::detail::tag<"cafreg::ask::stop">;

/// (may_leave) -> bool: asked of an idle worker by its registry, see
/// `gen_registry_options::ask_before_leaving`.
using may_leave = cafreg::detail::tag<"cafreg::ask::may_leave">;

} // namespace cafreg::ask
