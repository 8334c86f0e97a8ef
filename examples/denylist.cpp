// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// One worker for each phone number, which knows whom its owner does not want to
// hear: started when the number is first called, gone when it is not used.

#include <cafreg/format.hpp>
#include <cafreg/genregistry.hpp>

#include <caf/scoped_actor.hpp>

#include <set>

using namespace std::literals;

namespace {

// A worker: it loads the rules of its number once, and answers from memory.
caf::behavior denylist(caf::event_based_actor*, const std::string& number) {
  fmt::print("loading the rules of {}\n", number);
  auto denied = std::set<std::string>{"spam of " + number};
  return {
    [denied](const std::string& caller) { return !denied.contains(caller); }};
}

using denylists = cafreg::gen_registry<std::string>;

void place_call(denylists& lists, caf::scoped_actor& self,
                const std::string& caller, const std::string& callee) {
  lists.request(self, callee, 1s, caller)
    .receive(
      [&](bool allowed) {
        fmt::print("{} -> {}: {}\n", caller, callee,
                   allowed ? "connected" : "rejected");
      },
      [](const caf::error& err) { fmt::print("{}\n", err); });
}

void run(caf::actor_system& sys) {
  denylists lists{sys, {.name = "denylists", .idle_after = 1h}, denylist};
  caf::scoped_actor self{sys};

  place_call(lists, self, "alice", "+49 30 1");
  place_call(lists, self, "spam of +49 30 1", "+49 30 1");
  place_call(lists, self, "alice", "+49 30 2");
  fmt::print("{} workers\n", lists.count());

  auto again = lists.start("+49 30 1"); // it runs already
  fmt::print("{}\n", again.error());

  lists.stop("+49 30 1"); // returns when it is gone
  fmt::print("{} worker\n", lists.count());
} // ends all workers, and waits until they are gone

} // namespace

int main() {
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  run(sys);
}
