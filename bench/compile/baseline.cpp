// What the others are held against.

#include <caf/all.hpp>

int main() {
  // nop
}
