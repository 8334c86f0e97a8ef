// The other process of unique_remote.test.cpp: publishes an actor that answers
// numbers on a port of the loopback interface, writes the port to its standard
// output, and waits to be killed.

#include "registry/network.hpp"

#include <cstdio>

int main() {
  caf_test::network_config cfg;
  caf::actor_system sys{cfg};
  auto published = sys.spawn(caf_test::idle);
  auto port = sys.middleman().publish(published, 0, "127.0.0.1");
  if (!port)
    return 1;
  std::printf("%d\n", static_cast<int>(*port));
  std::fflush(stdout);
  // Ends with its parent, too.
  while (std::getchar() != EOF)
    ;
  caf_test::kill(published);
  return 0;
}
