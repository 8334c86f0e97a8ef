// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

/// All of cafreg::registry. `<cafreg/format.hpp>` is apart: it needs fmt.

#include "cafreg/ask.hpp"
#include "cafreg/drive.hpp"
#include "cafreg/duplicate_registry.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/entry_range.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/lookup_result.hpp"
#include "cafreg/options.hpp"
#include "cafreg/registry_base.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/subscription.hpp"
#include "cafreg/types.hpp"
#include "cafreg/unique_registry.hpp"
#include "cafreg/via.hpp"
