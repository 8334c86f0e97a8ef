// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "netwatch/watcher.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include <cafreg/format.hpp>

#include "netwatch/table.hpp"

using namespace std::literals;

namespace netwatch {

namespace {

// Owns what is below `state.network_interface.NAME`. It gets its counters and
// looks up the rest. One transaction makes its subtree equal to what it found.
caf::behavior owner(caf::event_based_actor* self, const std::string& name,
                    cafreg::system_registry_ref device, kernel from) {
  return {[=](const std::string& counters) -> caf::result<void> {
    auto mine = interfaces / name;
    auto next = device.transaction(self);
    next.remove(mine);
    try {
      auto found = from.describe(name, counters);
      next.update(mine, {{"operstate", found.operstate},
                         {"address", found.address},
                         {"mtu", found.mtu},
                         {"rx_bytes", found.rx.bytes},
                         {"rx_packets", found.rx.packets},
                         {"tx_bytes", found.tx.bytes},
                         {"tx_packets", found.tx.packets}});
    } catch (const std::exception& ex) {
      next.update(mine, {{"error", ex.what()}});
    }
    if (auto done = next.commit(); !done)
      return done.error();
    return {};
  }};
}

} // namespace

watcher::watcher(cafreg::system_registry_ref device, std::filesystem::path root)
  : from_(std::move(root)),
    owners_(device.system(), {.name = "owners"},
            [device, from = from_](caf::actor_system& sys,
                                   const std::string& name) {
              return sys.spawn(owner, name, device, from);
            }),
    self_(device.system()) {
  // nop
}

void watcher::look() {
  auto there = from_.interfaces();
  for (auto& known : owners_.to_list())
    if (!there.contains(known.key()))
      owners_.stop(known.key()); // its subtree goes with it
  std::erase_if(pulled_, [&](auto& name) { return !there.contains(name); });
  for (auto& [name, counters] : there)
    if (!pulled_.contains(name))
      owners_.request(self_, name, 5s, counters)
        .receive([] {},
                 [](const caf::error& err) {
                   fmt::print(stderr, "{}\n", err);
                 });
}

bool watcher::pull(const std::string& name) {
  if (!owners_.stop(name))
    return false;
  pulled_.insert(name);
  return true;
}

bool watcher::plug(const std::string& name) {
  return pulled_.erase(name) > 0;
}

} // namespace netwatch
