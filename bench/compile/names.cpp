// Names as most programs have them: register, look up, await.

#include <caf/all.hpp>

#include <cafreg/unique_registry.hpp>

using namespace std::literals;

caf::behavior printer() {
  return {[](int) {}};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<std::string> names{sys, {.name = "names"}};
  auto registered = names.register_as(sys.spawn(printer), "printer");
  auto found = names.lookup("printer");
  auto awaited = names.await("printer", 1s);
  return registered && found && awaited ? 0 : 1;
}
