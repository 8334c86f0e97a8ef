// Keys, values and handles of types of one's own.

#include <caf/all.hpp>

#include <cafreg/unique_registry.hpp>

using namespace std::literals;

using printer_actor = cafreg::detail::typed_handle<int, std::string>;

struct place {
  int room = 0;
  std::string name;
};

printer_actor::behavior_type printer() {
  return {
    [](const std::string& text) { return static_cast<int>(text.size()); }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<int64_t, place, printer_actor> names{sys};
  auto registered = names.register_as(sys.spawn(printer), 7, {2, "hall"});
  auto found = names.lookup(7);
  auto awaited = names.await(7, 1s);
  return registered && found && awaited ? 0 : 1;
}
