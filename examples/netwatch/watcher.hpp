// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <filesystem>
#include <set>
#include <string>

#include <cafreg/genregistry.hpp>
#include <cafreg/system_registry.hpp>

#include <caf/scoped_actor.hpp>

#include "netwatch/kernel.hpp"

namespace netwatch {

/// Sees to it that each interface has an owner: an actor that publishes what
/// Linux says of it. For one thread.
class watcher {
public:
  /// @throws std::runtime_error if there is nothing to watch
  watcher(cafreg::system_registry_ref device, std::filesystem::path root);

  /// Starts owners for new interfaces, ends those of interfaces that are gone,
  /// and has all others publish how things are. What they have published is in
  /// the tree when this call returns.
  /// @throws std::runtime_error if the list of interfaces cannot be read
  void look();

  /// Ends the owner of an interface until it is plugged again.
  /// @returns whether there was one.
  bool pull(const std::string& name);

  /// @returns whether the interface was pulled.
  bool plug(const std::string& name);

private:
  kernel from_;
  cafreg::gen_registry<std::string> owners_;
  std::set<std::string> pulled_;
  caf::scoped_actor self_;
};

} // namespace netwatch
