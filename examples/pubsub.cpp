// Topics: actors subscribe by registering under a key that many may share.

#include <string>

#include <cafreg/duplicate_registry.hpp>
#include <cafreg/format.hpp>

using namespace std::literals;

caf::behavior reader(caf::event_based_actor*, std::string name) {
  return {[name](const std::string& news, double degrees) {
    fmt::print("{} reads: {}, {} degrees\n", name, news, degrees);
  }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  // The value of an entry is how urgent its reader wants the news to be.
  cafreg::duplicate_registry<std::string, int> topics{
    sys, {.name = "app.topics", .partitions = 2}};

  auto alice = sys.spawn(reader, "alice"s);
  auto bob = sys.spawn(reader, "bob"s);
  for (auto& [who, level] : {std::pair{alice, 1}, std::pair{bob, 9}})
    if (auto done = topics.register_as(who, "weather", level); !done)
      fmt::print(stderr, "{}\n", done.error());

  auto count = topics.publish("weather", "sunny"s, 23.5); // to all
  fmt::print("published to {}\n", count);

  topics.dispatch("weather", [](auto entries) { // or by a rule of one's own
    for (auto& e : entries)
      if (e.value() > 5)
        e.send("storm warning"s, 12.0);
  });
  fmt::print("nobody reads sports: {}\n", topics.publish("sports", "2:1"s));
}
