// One worker for each id.

#include <caf/all.hpp>

#include <cafreg/gen_registry.hpp>

using namespace std::literals;

caf::behavior counter(caf::event_based_actor*, const std::string&) {
  return {[n = 0](int x) mutable { return n += x; }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  cafreg::gen_registry<std::string> counters{
    sys, {.name = "counters"}, counter};
  auto started = counters.lookup_or_start("visits");
  auto sent = counters.send("visits", 1);
  auto stopped = counters.stop("visits");
  return started && sent && stopped ? 0 : 1;
}
