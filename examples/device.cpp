// State of a device in one tree: who owns what, what others may not change, and
// a display that sees it as often as it wants.

#include <chrono>
#include <future>

#include <cafreg/sys_format.hpp>
#include <cafreg/sysregistry.hpp>

using namespace std::literals;

namespace {

caf::behavior part(caf::event_based_actor*) {
  return {[](caf::unit_t) {}};
}

// Shows what it is sent, and says when it has seen a second address.
caf::behavior display(caf::event_based_actor*, std::promise<void>* done) {
  return {[done](const cafreg::system_state& s) {
    auto address = s.snapshot.get_or<std::string>(
      "state.network_interface.eth0.address", "none");
    fmt::print("display: version {}, eth0 has {}\n", s.snapshot.version(),
               address);
    if (address == "192.168.1.101")
      done->set_value();
  }};
}

} // namespace

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare_system(cfg); // message types, before the system exists
  caf::actor_system sys{cfg};
  cafreg::system_registry state{sys, {.name = "device"}};
  auto eth0 = sys.spawn(part);
  auto intruder = sys.spawn(part);
  std::promise<void> seen;

  state.update(eth0, {"state", "network_interface", "eth0"},
               {{"address", "192.168.1.100"}, {"mtu", 1500}});
  auto refused = state.update(intruder, "state.network_interface.eth0.address",
                              "10.0.0.1");
  fmt::print("{}\n", refused.error());

  state.subscribe(sys.spawn(display, &seen),
                  {.scope = {"state", "network_interface"},
                   .min_interval = 1s,
                   .hysteresis = 50ms});
  for (auto i = 0; i <= 1000; ++i) // one delivery is enough for all of them
    state.update_in(eth0, "state.network_interface.eth0.rx",
                    [](const auto& old) {
                      return cafreg::value_or(old, -1) + 1;
                    });
  auto changes = state
                   .transaction(eth0) // all or nothing
                   .update("state.network_interface.eth0.address",
                           "192.168.1.101")
                   .move("state.network_interface.eth0.rx", "state.traffic.rx")
                   .commit();
  if (changes)
    fmt::print("{}\n", *changes);

  seen.get_future().wait();
  fmt::print("{}\n", state.snapshot());
}
