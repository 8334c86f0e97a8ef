// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <functional>
#include <memory>

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/subscription.hpp"

namespace cafreg::detail {

class sys_core;

/// What a task calls.
using task_function
  = std::function<void(const snapshot& before, const snapshot& now)>;

/// Starts an actor that calls a function after a scope has changed. Only the
/// subscription keeps it alive.
caf::expected<subscription> start_task(const std::shared_ptr<sys_core>& core,
                                       path scope, task_function fn);

} // namespace cafreg::detail
