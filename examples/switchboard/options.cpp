// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/options.hpp"

#include <charconv>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "switchboard/calls.hpp"

namespace switchboard {

namespace {

constexpr auto help = R"(usage: switchboard [options] [CALLS]

Reads calls, "caller,callee" in each line, from the file CALLS or standard input,
and says how many are let through and how many are rejected.

  --rules FILE        whom a callee does not want to hear: "callee,denied" lines;
                      the file may change meanwhile
  --max-workers N     how many numbers may have a worker at a time (default: all)
  --show              print each call
  --generate N        write N random calls to standard output, and end
  --generate-rules    write rules for such calls, and end
)";

size_t count(const std::string& text) {
  size_t result = 0;
  auto* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || at != end)
    throw std::invalid_argument{"no number: " + text};
  return result;
}

} // namespace

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
      generate_calls(std::cout, count(value()));
      return false;
    }
    if (args[i] == "--generate-rules") {
      generate_rules(std::cout);
      return false;
    }
    if (args[i] == "--rules")
      to.rules = value();
    else if (args[i] == "--max-workers")
      to.max_workers = count(value());
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

} // namespace switchboard
