// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <functional>

#include "cafreg/caf.hpp"

namespace cafreg {

/// Tells the registries that will be made from `sys` how to let something
/// happen in it, for tests that move actors and clock by hand: where a call of
/// theirs would wait (`await` in its blocking form, `stop`, `close`, a
/// destructor), it calls `step` until what it waits for is there, and their own
/// actors run where all others do. Time is the system's clock. To be called
/// before such a registry is made, and by the thread that uses it; until the
/// system is destroyed, or `drive` is called with a null function.
///
/// With CAF 0.17 and `scheduler.policy = testing` (that is what
/// `test_coordinator_fixture` sets) nobody needs to call this. With the fixture
/// of CAF 1.x:
///
/// ```
/// cafreg::drive(sys, [this] { return dispatch_message() || trigger_timeout();
/// });
/// ```
///
/// @param step Lets one message be handled or, when there is none, the next
///             timer go off; returns false if there is nothing to do. It must
///             not throw. A call that waits for what can never come then fails
///             with `errc::would_block`.
void drive(caf::actor_system& sys, std::function<bool()> step);

} // namespace cafreg
