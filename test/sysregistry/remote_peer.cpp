// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// The other process of remote.test.cpp: publishes an actor and a registry,
// writes the ports to its standard output, and waits to be killed.

#include "sysregistry/network.hpp"

#include <cstdio>

using namespace sys_test;

int main() {
  sys_network_config cfg;
  caf::actor_system sys{cfg};
  auto someone = spawn_keeping(sys, nullptr);
  {
    system_registry state{sys, {.name = "far"}};
    if (!state.update(someone, "state", all_kinds()))
      return 1;
    auto first = sys.middleman().publish(someone, 0, "127.0.0.1");
    auto second = sys.middleman().publish(state.actor(), 0, "127.0.0.1");
    if (!first || !second)
      return 1;
    std::printf("%d\n%d\n", static_cast<int>(*first),
                static_cast<int>(*second));
    std::fflush(stdout);
    // Ends with its parent, too.
    while (std::getchar() != EOF)
      ;
  }
  kill(someone);
  return 0;
}
