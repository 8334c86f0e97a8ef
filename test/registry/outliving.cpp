// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// A mistake that must be noticed: a registry is destroyed after its system.

#include "cafreg/registry.hpp"

#include <memory>

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  std::unique_ptr<cafreg::unique_registry<std::string>> names;
  std::unique_ptr<cafreg::unique_registry<std::string>> closed;
  caf::actor_system sys{cfg};
  names = std::make_unique<cafreg::unique_registry<std::string>>(
    sys, cafreg::registry_options{.name = "of all names"});
  closed = std::make_unique<cafreg::unique_registry<std::string>>(
    sys, cafreg::registry_options{.name = "that was closed"});
  closed->close();
}
