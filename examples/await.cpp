// Start order does not matter: whoever needs a name waits for it, as a thread
// or as an actor, and is told when nobody comes.

#include <string>

#include <caf/all.hpp>

#include <cafreg/format.hpp>
#include <cafreg/unique_registry.hpp>

using namespace std::literals;

caf::behavior printer(caf::event_based_actor*) {
  return {[](const std::string& text) { fmt::print("printing: {}\n", text); }};
}

// An actor never blocks: it asks to be told.
caf::behavior author(caf::event_based_actor* self,
                     cafreg::unique_registry_ref<std::string> names) {
  for (auto name : {"printer", "binder"})
    if (auto wait = names.await(name, self, 50ms); !wait)
      fmt::print(stderr, "{}\n", wait.error());
  return {[self, open = 2](const cafreg::awaited& answer) mutable {
    if (answer.error())
      fmt::print("author: {}\n", answer.error());
    else
      fmt::print("author: {} is there\n", *answer.key<std::string>());
    if (--open == 0)
      self->quit();
  }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<std::string> names{sys, {.name = "office"}};

  auto late = names.await("printer", 1ms); // a thread may block
  fmt::print("main: {}\n", late.error());

  auto writer = sys.spawn(author, names.ref()); // before there is a printer
  auto started = names.spawn_as("printer", printer);
  if (auto found = names.await("printer", 5s))
    found->send("chapter one"s);
  caf::scoped_actor self{sys};
  self->wait_for(writer);
}
