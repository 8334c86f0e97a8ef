// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/tag.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"

// The first of the type ids that cafreg uses. CAF allocates a table up to the
// highest id in a program; a program whose own ids lie here defines the macro,
// when it builds cafreg and when it uses it.
#ifndef CAFREG_FIRST_TYPE_ID
#  define CAFREG_FIRST_TYPE_ID 2400
#endif

namespace cafreg::detail {

/// Asks a keeper to free what nobody reads any more.
using flush_request = tag<"cafreg::detail::flush_request">;

/// Tells a keeper that a deadline may have passed. With the time of the alarm
/// in ticks, if it comes from that.
using deadline_passed = tag<"cafreg::detail::deadline_passed">;

/// Wakes a keeper to clean up after actors that have ended.
using deaths_noticed = tag<"cafreg::detail::deaths_noticed">;

/// The same for those of them after which it could not clean up before.
using try_again = tag<"cafreg::detail::try_again">;

/// Asks a keeper to end as soon as nothing is left to free, and a front to say
/// that the registry is closed.
using close_request = tag<"cafreg::detail::close_request">;

/// Tells the front of a registry of workers that one is gone, and which of the
/// wishes to stop it that answers.
using worker_gone = tag<"cafreg::detail::worker_gone">;

} // namespace cafreg::detail

CAF_BEGIN_TYPE_ID_BLOCK(cafreg, CAFREG_FIRST_TYPE_ID)

  CAF_ADD_TYPE_ID(cafreg, (cafreg::errc))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::registered))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::unregistered))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::name_state))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::awaited))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::register_as))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::unregister))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::unregister_all))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::lookup))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::keys))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::count))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::give_away))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::await))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::watch))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::publish))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::flush_request))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::deadline_passed))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::close_request))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::lookup_or_start))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::start))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::stop))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::may_leave))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::worker_gone))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::ask::cancel))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::deaths_noticed))
  CAF_ADD_TYPE_ID(cafreg, (cafreg::detail::try_again))

CAF_END_TYPE_ID_BLOCK(cafreg)

CAFREG_ERROR_CODE_ENUM(cafreg::errc)

namespace cafreg {

/// Makes CAF know the message types of cafreg, and marks the threads that run
/// actors. To be called once for each configuration, before the actor system
/// is created from it.
void prepare(caf::actor_system_config& cfg);

} // namespace cafreg
