// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// The other process of exported.test.cpp: reads the port of a registry from its
// standard input, looks up a name by message, and keeps what it has found until
// it is killed.

#include "registry/network.hpp"

#include <cstdio>

int main() {
  std::printf("1\n");
  std::fflush(stdout);
  auto port = 0;
  if (std::scanf("%d", &port) != 1)
    return 1;
  caf_test::network_config cfg;
  caf::actor_system sys{cfg};
  auto names = sys.middleman().remote_actor("127.0.0.1",
                                            static_cast<uint16_t>(port));
  if (!names)
    return 1;
  caf::actor found;
  caf::scoped_actor self{sys};
  cafreg::detail::request(self.ptr(), *names, caf_test::patience,
                          cafreg::ask::lookup{}, std::string{"idle"})
    .receive([&found](const caf::actor& who, int) { found = who; },
             [](const caf::error&) {});
  // Ends with its parent, too.
  while (found && std::getchar() != EOF)
    ;
  return 0;
}
