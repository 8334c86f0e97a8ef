// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

/// All of cafreg::genregistry.

#include "cafreg/attempt.hpp"
#include "cafreg/gen_options.hpp"
#include "cafreg/gen_registry.hpp"
#include "cafreg/gen_stats.hpp"
#include "cafreg/worker.hpp"
