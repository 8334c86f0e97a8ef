// Uses the library as a stranger would: public headers, one linked target.

#include <cafreg/genregistry.hpp>
#include <cafreg/registry.hpp>
#include <cafreg/sysregistry.hpp>

#include <caf/all.hpp>

#include <string>

namespace {

caf::behavior echo(caf::event_based_actor*) {
  return {
    [](int x) { return x; },
  };
}

} // namespace

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare_system(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<std::string, int> names{sys, {.name = "consumer"}};
  auto registered = names.register_as(sys.spawn(echo), "echo", 7);
  auto found = names.lookup("echo");
  cafreg::gen_registry<std::string> workers{sys, {.name = "consumer"}, echo};
  auto worker = workers.lookup_or_start("a");
  cafreg::system_registry state{sys, {.name = "consumer"}};
  auto updated = state.update(sys.spawn(echo), "state.a", 7);
  return registered && found && found->value() == 7 && worker && updated
             && state.get_or("state.a", 0) == 7
           ? 0
           : 1;
}
