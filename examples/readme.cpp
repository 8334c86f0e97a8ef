// The example of the README: an actor gets a name, is found by it, and loses it
// when it dies.

#include <chrono>
#include <string>

#include <cafreg/format.hpp>
#include <cafreg/unique_registry.hpp>

using namespace std::literals;

caf::behavior counter(caf::event_based_actor* self, int start) {
  return {[self, n = start](int x) mutable {
    fmt::print("the counter stands at {}\n", n += x);
    if (n > 6)
      self->quit();
  }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg); // message types, before the system exists
  caf::actor_system sys{cfg};
  cafreg::unique_registry<std::string> names{sys, {.name = "app.names"}};

  auto agent = names.spawn_as("agent", counter, 2);
  auto again = names.spawn_as("agent", counter, 0); // starts nothing
  fmt::print("{}\n", again.error());

  if (auto e = names.lookup("agent"))
    fmt::print("{} is held by {}\n", e->key(), e->handle());
  names.via("agent").send(5); // to whoever holds the name now
  names.via("agent").send(1); // dropped, or answered "no such name"
  auto heir = names.await("printer", 10ms);
  fmt::print("{}\n", heir.error());
}
