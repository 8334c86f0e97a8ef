// The processes of this machine as named actors: each process in /proc gets an
// actor, registered under its pid (unique) and under its user and its command
// (duplicate). Actors come and go with the processes. At the end: who is
// registered under what, a few lookups, a topic, and a killed actor whose names
// are gone. Argument: for how many seconds to watch (default 3).

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include <cafreg/format.hpp>
#include <cafreg/registry.hpp>

#include "demo/processes.hpp"

using namespace std::literals;

namespace {

using names_type = cafreg::unique_registry<int, std::string>;
using groups_type = cafreg::duplicate_registry<std::string, int>;

// Stands for a process: counts the news that it gets through its topics.
caf::behavior process_actor(caf::event_based_actor*) {
  return {
    [news = 0](const std::string&) mutable { return ++news; },
  };
}

// Prints what happens to names.
caf::behavior reporter(caf::event_based_actor*) {
  return {
    [](const cafreg::registered& what) {
      fmt::print("  + {:>7} {}\n", *what.key<int>(),
                 *what.value<std::string>());
    },
    [](const cafreg::unregistered& what) {
      fmt::print("  - {:>7} {} ({})\n", *what.key<int>(),
                 *what.value<std::string>(), what.why());
    },
  };
}

// Makes registries equal to /proc.
void follow(const names_type& names, const groups_type& groups) {
  std::set<int> running;
  for (auto& process : demo::processes()) {
    running.insert(process.pid);
    auto who = names.spawn_as(process.pid, process.command, process_actor);
    if (!who)
      continue; // known already
    for (auto& key : {fmt::format("user:{}", process.user),
                      fmt::format("command:{}", process.command)})
      if (auto added = groups.register_as(*who, key, process.pid); !added)
        fmt::print(stderr, "{}\n", added.error());
  }
  names.for_each([&](const auto& e) {
    if (!running.contains(e.key()))
      caf::anon_send_exit(e.handle(), caf::exit_reason::user_shutdown);
  });
}

void print_groups(const groups_type& groups, std::string_view prefix) {
  std::map<std::string, size_t> sizes;
  groups.for_each([&](const auto& e) {
    if (e.key().starts_with(prefix))
      ++sizes[std::string{e.key()}];
  });
  std::vector<std::pair<size_t, std::string>> sorted;
  sorted.reserve(sizes.size());
  for (auto& [key, size] : sizes)
    sorted.emplace_back(size, key);
  std::sort(sorted.rbegin(), sorted.rend());
  sorted.resize(std::min<size_t>(sorted.size(), 6));
  for (auto& [size, key] : sorted)
    fmt::print("  {:<28} {:>4} {}\n", key, size,
               std::string(std::min<size_t>(size, 40), '*'));
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto seconds = 3;
  if (argc > 1) {
    std::string_view text{argv[1]};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(),
                                        seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 0
        || seconds > 3600) {
      fmt::print(stderr, "usage: {} [seconds, 0 to 3600]\n", argv[0]);
      return 2;
    }
  }
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  names_type names{sys, {.name = "processes"}};
  groups_type groups{sys, {.name = "groups", .partitions = 2}};

  follow(names, groups);
  fmt::print("{} processes are actors now; watching for {} s\n", names.count(),
             seconds);
  auto printer = sys.spawn(reporter);
  if (auto err = names.add_listener(printer)) {
    fmt::print(stderr, "{}\n", err);
    return 1;
  }
  // So that something happens on a quiet machine.
  demo::child_process guest{{"sleep", "1"}};
  for (auto i = 0; i < seconds * 5; ++i) {
    follow(names, groups);
    std::this_thread::sleep_for(200ms);
    guest.reap();
  }
  names.remove_listener(printer);

  fmt::print("\nwho is registered under what ({} names, {} group entries):\n",
             names.count(), groups.count());
  print_groups(groups, "user:");
  print_groups(groups, "command:");

  fmt::print("\nby name:\n");
  for (auto pid : {1, demo::own_pid(), 999'999'999}) {
    if (auto found = names.lookup(pid))
      fmt::print("  {}\n", *found);
    else
      fmt::print("  {} -> {}\n", pid, found.error());
  }

  auto topic = fmt::format("user:{}", demo::own_user());
  fmt::print("\npublished to topic {}: {} actors got it\n", topic,
             groups.publish(topic, "hello"s));

  auto self = names.lookup(demo::own_pid());
  if (!self)
    return 1;
  auto mine = groups.keys(self->handle());
  fmt::print(
    "\nkilling the actor of this process ({}), which is in groups {}\n",
    self->handle(), fmt::join(mine, ", "));
  caf::anon_send_exit(self->handle(), caf::exit_reason::kill);
  while (!groups.keys(self->handle()).empty())
    std::this_thread::yield();
  fmt::print("its name: {}; its groups: {}\n",
             names.whereis(demo::own_pid()) ? "still there" : "gone",
             groups.keys(self->handle()).empty() ? "gone" : "still there");
}
