// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// The network interfaces of this machine as owned state: each has an actor that
// publishes ten times a second what Linux says of it, and a screen shows all of
// them once a second. Configuration is typed. See `--help`.

#include <cafreg/format.hpp>
#include <cafreg/sysregistry.hpp>

#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include "netwatch/keyboard.hpp"
#include "netwatch/options.hpp"
#include "netwatch/table.hpp"
#include "netwatch/watcher.hpp"

using namespace std::literals;
using std::chrono::steady_clock;

namespace {

// Gets snapshots of everything, state and configuration, at its own pace.
caf::behavior screen(caf::event_based_actor*) {
  return {[shown = netwatch::table{}](const cafreg::system_state& now) mutable {
    fmt::print("{}", shown.render(now.snapshot));
  }};
}

// Says what the filter is when somebody has changed it.
void confirm(const cafreg::snapshot&, const cafreg::snapshot& now) {
  fmt::print("filter: \"{}\"\n", now.get_or(netwatch::filter, ""s));
}

// Returns whether to go on.
bool obey(const std::string& line, netwatch::watcher& watch,
          const cafreg::system_registry& device, caf::scoped_actor& user) {
  auto space = line.find(' ');
  auto verb = line.substr(0, space);
  auto object = space == std::string::npos ? ""s : line.substr(space + 1);
  if (verb == "quit")
    return false;
  if (verb == "filter")
    device.update(user, netwatch::filter, object);
  else if (verb == "pull" && watch.pull(object))
    fmt::print("{} pulled\n", object);
  else if (verb == "plug" && watch.plug(object))
    fmt::print("{} plugged\n", object);
  else if (verb == "pull" || verb == "plug")
    fmt::print("there is no {} to {}\n", object, verb);
  else
    fmt::print("{}", netwatch::commands);
  return true;
}

void run(const netwatch::options& opts) {
  caf::actor_system_config cfg;
  cafreg::prepare_system(cfg);
  caf::actor_system sys{cfg};
  caf::scoped_actor user{sys}; // what is typed belongs to it
  cafreg::system_registry device{sys, {.name = "device"}};
  netwatch::watcher watch{device.ref(), opts.root};

  watch.look();
  device.task(netwatch::filter, confirm).value();
  device.subscribe(sys.spawn(screen), {.min_interval = 1s, .hysteresis = 50ms})
    .value();
  netwatch::keyboard keys;
  auto next = steady_clock::now();
  auto end = next + opts.time.value_or(0s);
  while (!opts.once && (opts.time ? next < end : !keys.ended())) {
    next = std::max(next + 100ms, steady_clock::now());
    while (auto line = keys.line_until(next))
      if (!obey(*line, watch, device, user))
        return;
    watch.look();
  }
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    auto opts = netwatch::parse(argc, argv);
    if (opts.help)
      fmt::print("{}{}", netwatch::usage, netwatch::commands);
    else
      run(opts);
  } catch (const std::exception& ex) {
    fmt::print(stderr, "netwatch: {}\n", ex.what());
    return 2;
  }
}
