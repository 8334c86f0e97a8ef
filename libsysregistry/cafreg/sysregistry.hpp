// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

// All of libsysregistry but its formatters for fmt: see cafreg/sys_format.hpp.

#include "cafreg/json.hpp"
#include "cafreg/mount.hpp"
#include "cafreg/path.hpp"
#include "cafreg/persistence.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/sys_ask.hpp"
#include "cafreg/sys_options.hpp"
#include "cafreg/sys_stats.hpp"
#include "cafreg/system_registry.hpp"
#include "cafreg/system_state.hpp"
#include "cafreg/transaction.hpp"
#include "cafreg/value.hpp"
