// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "netwatch/options.hpp"

#include <charconv>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace netwatch {

namespace {

std::chrono::seconds seconds(const std::string& text) {
  int result = 0;
  auto* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || at != end || result < 0)
    throw std::invalid_argument{"no number of seconds: " + text};
  return std::chrono::seconds{result};
}

} // namespace

const char* const usage = R"(usage: netwatch [options]

Shows the network interfaces of this machine, what they are doing, and what
changes, once a second, until "quit" is typed or the input ends.

  --seconds N     for so long, also without input
  --once          one table
  --root DIR      another machine's files: DIR/proc/net/dev and, for each interface
                  NAME, DIR/sys/class/net/NAME/operstate, address and mtu

)";

const char* const commands = R"(what can be typed:
  filter TEXT     show interfaces with TEXT in their names; * and ? make a pattern
  filter          show all
  pull NAME       end the owner of an interface
  plug NAME       start it again
  quit
)";

options parse(int argc, char** argv) {
  options result;
  std::vector<std::string> args(argv + 1, argv + argc);
  for (size_t i = 0; i < args.size(); ++i) {
    auto value = [&] {
      if (i + 1 == args.size())
        throw std::invalid_argument{args[i] + " takes a value; see --help"};
      return args[++i];
    };
    if (args[i] == "--help")
      result.help = true;
    else if (args[i] == "--once")
      result.once = true;
    else if (args[i] == "--seconds")
      result.time = seconds(value());
    else if (args[i] == "--root")
      result.root = value();
    else
      throw std::invalid_argument{"unknown argument " + args[i]
                                  + "; see --help"};
  }
  return result;
}

} // namespace netwatch
