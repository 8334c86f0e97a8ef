// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <string>

#include <cafreg/system_registry.hpp>

namespace switchboard {

/// Where the rules are: a list of denied callers at `config.rules.CALLEE`.
extern const cafreg::path all_rules;

/// An actor that makes the rules in the tree equal to those in a file: told to
/// with `caf::tick_atom`, it looks whether the file has changed, and replaces
/// all rules in one transaction. Lines that are no rules are reported. A file
/// that cannot be read leaves the rules as they are, and is an error.
caf::behavior rulebook(caf::event_based_actor* self,
                       cafreg::system_registry_ref state, std::string file);

} // namespace switchboard
