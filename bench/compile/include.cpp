// An include beside the one that every CAF program has.

#include <caf/all.hpp>

#include <cafreg/unique_registry.hpp>

int main() {
  // nop
}
