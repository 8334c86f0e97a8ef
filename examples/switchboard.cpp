// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// A switchboard: each number that is called has a worker of its own, which lets
// calls through or not. The rules are configuration, and follow a file; what
// happens is published as state. See `--help`.

#include <cafreg/format.hpp>
#include <cafreg/genregistry.hpp>
#include <cafreg/sysregistry.hpp>
#include <cafreg/unique_registry.hpp>

#include <caf/scoped_actor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "switchboard/calls.hpp"
#include "switchboard/options.hpp"
#include "switchboard/pulse.hpp"
#include "switchboard/rulebook.hpp"
#include "switchboard/rules.hpp"
#include "switchboard/statistics.hpp"

using namespace std::literals;

namespace {

using namespace switchboard;

// A worker: the denylist of one number. Its rules come before its first call,
// and again whenever they change.
caf::behavior denylist(caf::event_based_actor*, const std::string& number,
                       std::shared_ptr<tally> counts, bool show) {
  auto mine = std::make_shared<denials>();
  return {[mine](const cafreg::system_state& now) {
            *mine = now.snapshot.get_or(now.scope, denials{});
          },
          [mine, number, show, counts](const std::string& caller) {
            auto allow = allowed(caller, *mine);
            if (show)
              fmt::print("{} -> {}: {}\n", caller, number,
                         allow ? "allowed" : "rejected");
            ++(allow ? counts->allowed : counts->rejected);
          }};
}

// Returns how many calls were handed to workers.
size_t send_calls(const options& opts, std::istream& in,
                  const cafreg::gen_registry<std::string>& lists,
                  tally& counts) {
  size_t result = 0;
  auto report = complain(opts.calls.empty() ? "standard input" : opts.calls);
  read_calls(
    in,
    [&](call x) {
      if (auto done = lists.send(x.callee, std::move(x.caller)); !done)
        fmt::print(stderr, "{}\n", done.error());
      else
        ++result;
    },
    [&](size_t line, std::string_view text, std::string_view why) {
      report(line, text, why);
      ++counts.malformed;
    });
  return result;
}

using names_type = cafreg::unique_registry<std::string>;

// Has an actor that is known by name do what it does from time to time.
caf::error tick(const names_type& names, const char* name,
                caf::scoped_actor& self) {
  caf::error result;
  names.via(name)
    .request(self, 1min, caf::tick_atom_v)
    .receive([] {}, [&](caf::error& err) { result = std::move(err); });
  return result;
}

void connect_calls(const options& opts, std::istream& in) {
  auto counts = std::make_shared<tally>();
  caf::actor_system_config cfg;
  cafreg::prepare_system(cfg);
  caf::actor_system sys{cfg};
  cafreg::system_registry state{sys, {.name = "switchboard"}};
  names_type names{sys, {.name = "services"}};
  cafreg::gen_registry<std::string> lists{
    sys,
    {.name = "denylists", .max_workers = opts.max_workers},
    [&](caf::actor_system& sys,
        const std::string& number) -> caf::expected<caf::actor> {
      auto worker = sys.spawn(denylist, number, counts, opts.show);
      auto told = state.subscribe(worker, {.scope = all_rules / number});
      if (!told)
        return told.error();
      return worker;
    }};

  names.spawn_as("rulebook", rulebook, state.ref(), opts.rules).value();
  names.spawn_as("statistics", statistics, state.ref(), counts, lists.ref())
    .value();
  caf::scoped_actor self{sys};
  if (auto err = tick(names, "rulebook", self))
    throw std::runtime_error{cafreg::to_text(err)};
  auto beat = [&] {
    caf::scoped_actor self{sys};
    for (auto* name : {"rulebook", "statistics"})
      if (auto err = tick(names, name, self))
        fmt::print(stderr, "{}\n", err);
  };
  pulse clock{250ms, beat};
  auto shown = state
                 .subscribe(sys.spawn(display),
                            {.scope = published, .min_interval = 1s})
                 .value();

  auto begin = std::chrono::steady_clock::now();
  auto sent = send_calls(opts, in, lists, *counts);
  while (counts->decided() < sent)
    std::this_thread::yield();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  shown.cancel();
  if (auto err = tick(names, "statistics", self))
    fmt::print(stderr, "{}\n", err);
  fmt::print("{}{:.0f} calls a second\n", summary(state.snapshot()),
             static_cast<double>(sent) / took.count());
}

} // namespace

int main(int argc, char** argv) {
  try {
    options opts;
    if (!parse(argc, argv, opts))
      return 0;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (opts.calls.empty()) {
      connect_calls(opts, std::cin);
      return 0;
    }
    std::ifstream in{opts.calls};
    if (!in)
      throw std::runtime_error{"cannot read " + opts.calls};
    connect_calls(opts, in);
  } catch (const std::exception& ex) {
    fmt::print(stderr, "switchboard: {}\n", ex.what());
    return 2;
  }
}
