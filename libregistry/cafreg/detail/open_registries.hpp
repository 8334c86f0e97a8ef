// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <string>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Notes that there is a registry in an actor system, until `close_in` is
/// called: a system that ends before would wait for ever, or crash later, so
/// that the program is ended with a sentence instead. Thread-safe.
/// @param registry Names this note, by its address.
void open_in(caf::actor_system& sys, const void* registry, std::string name);

void close_in(caf::actor_system& sys, const void* registry) noexcept;

} // namespace cafreg::detail
