// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// A switchboard: each number that is called has a worker of its own, which
// loads the rules of its owner when it is first called and lets calls through
// or not. See `--help`.

#include <cafreg/format.hpp>
#include <cafreg/genregistry.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "switchboard/calls.hpp"
#include "switchboard/rules.hpp"

namespace {

using namespace switchboard;

constexpr auto help = R"(usage: switchboard [options] [CALLS]

Reads calls, "caller,callee" in each line, from the file CALLS or standard input,
and says how many are let through and how many are rejected.

  --rules FILE        whom a callee does not want to hear: "callee,denied" lines
  --max-workers N     how many numbers may have a worker at a time (default: all)
  --show              print each call
  --generate N        write N random calls to standard output, and end
  --generate-rules    write rules for such calls, and end
)";

struct options {
  std::string calls;
  std::string rules;
  size_t max_workers = 0;
  bool show = false;
};

// What workers have decided.
struct tally {
  std::atomic<size_t> allowed{0};
  std::atomic<size_t> rejected{0};
  bool show = false;

  size_t decided() const {
    return allowed + rejected;
  }

  void decide(const call& x, bool allow) {
    if (show)
      fmt::print("{} -> {}: {}\n", x.caller, x.callee,
                 allow ? "allowed" : "rejected");
    ++(allow ? allowed : rejected);
  }
};

// A worker: the denylist of one number.
caf::behavior denylist(const std::string& number, rules mine, tally& to) {
  return {[number, mine = std::move(mine), &to](const std::string& caller) {
    to.decide({caller, number}, mine.allow(caller));
  }};
}

void connect_calls(caf::actor_system& sys, const options& opts,
                   std::istream& in, const std::string& source) {
  rules_file book{opts.rules};
  tally counts;
  counts.show = opts.show;
  size_t sent = 0;
  size_t skipped = 0;
  cafreg::gen_registry<std::string> lists{
    sys,
    {.name = "denylists", .max_workers = opts.max_workers},
    [&](caf::actor_system& sys, const std::string& number) {
      auto body = [&, number, mine = book.load(number)](
                    caf::event_based_actor*) -> caf::behavior {
        return denylist(number, mine, counts);
      };
      return sys.spawn(std::move(body));
    }};
  auto begin = std::chrono::steady_clock::now();
  read_calls(
    in,
    [&](call x) {
      if (auto done = lists.send(x.callee, std::move(x.caller)); !done)
        fmt::print(stderr, "{}\n", done.error());
      else
        ++sent;
    },
    [&](size_t line, std::string_view text, std::string_view why) {
      fmt::print(stderr, "{}:{}: {}: {}\n", source, line, why, text);
      ++skipped;
    });
  while (counts.decided() < sent)
    std::this_thread::yield();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  auto stats = lists.stats();
  fmt::print("{} allowed, {} rejected, {} malformed lines skipped\n",
             counts.allowed.load(), counts.rejected.load(), skipped);
  fmt::print("{} workers started, {} put to sleep, {} messages handed on\n",
             stats.starts, stats.passivations, stats.handed_over);
  fmt::print("{:.0f} calls a second\n",
             static_cast<double>(sent) / took.count());
}

// Returns whether there is something left to do.
bool parse(int argc, char** argv, options& to) {
  std::vector<std::string> args(argv + 1, argv + argc);
  for (size_t i = 0; i < args.size(); ++i) {
    auto value = [&] {
      if (i + 1 == args.size())
        throw std::invalid_argument{args[i] + " takes a value; see --help"};
      return args[++i];
    };
    if (args[i] == "--help") {
      fmt::print("{}", help);
      return false;
    }
    if (args[i] == "--generate") {
      generate_calls(std::cout, std::stoul(value()));
      return false;
    }
    if (args[i] == "--generate-rules") {
      generate_rules(std::cout);
      return false;
    }
    if (args[i] == "--rules")
      to.rules = value();
    else if (args[i] == "--max-workers")
      to.max_workers = std::stoul(value());
    else if (args[i] == "--show")
      to.show = true;
    else if (args[i].starts_with("-") || !to.calls.empty())
      throw std::invalid_argument{"unknown argument " + args[i]
                                  + "; see --help"};
    else
      to.calls = args[i];
  }
  return true;
}

int run(int argc, char** argv) {
  options opts;
  opts.rules = SWITCHBOARD_DATA "/rules.csv";
  if (!parse(argc, argv, opts))
    return 0;
  caf::actor_system_config cfg;
  cafreg::prepare(cfg);
  caf::actor_system sys{cfg};
  if (opts.calls.empty()) {
    connect_calls(sys, opts, std::cin, "standard input");
    return 0;
  }
  std::ifstream in{opts.calls};
  if (!in)
    throw std::runtime_error{"cannot read " + opts.calls};
  connect_calls(sys, opts, in, opts.calls);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& ex) {
    fmt::print(stderr, "switchboard: {}\n", ex.what());
    return 2;
  }
}
