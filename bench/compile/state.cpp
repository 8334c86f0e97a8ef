// State with owners and subscribers.

#include <caf/all.hpp>

#include <cafreg/system_registry.hpp>

using namespace std::literals;

caf::behavior display() {
  return {[](const cafreg::system_state& x) {
    static_cast<void>(x.snapshot.get<int>("state.eth0.mtu"));
  }};
}

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare_system(cfg);
  caf::actor_system sys{cfg};
  cafreg::system_registry state{sys, {.name = "device"}};
  auto who = sys.spawn(display);
  auto subscribed = state.subscribe(who,
                                    {.scope = "state", .min_interval = 1s});
  auto updated = state.update(who, {"state", "eth0"}, {{"mtu", 1500}});
  auto mtu = state.get<int>({"state", "eth0", "mtu"});
  return subscribed && updated && mtu ? 0 : 1;
}
