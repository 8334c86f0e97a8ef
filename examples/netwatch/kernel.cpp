// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "netwatch/kernel.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace netwatch {

namespace {

int64_t number(std::string_view what, const std::string& text) {
  int64_t result = 0;
  auto* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || at != end || result < 0)
    throw std::runtime_error{std::string{what} + ": no number: \"" + text
                             + '"'};
  return result;
}

} // namespace

kernel::kernel(std::filesystem::path root)
  : counters_(root / "proc/net/dev"), attributes_(root / "sys/class/net") {
  std::error_code error;
  if (!std::filesystem::is_directory(attributes_, error))
    throw std::runtime_error{"no directory " + attributes_.string()};
}

std::map<std::string, std::string> kernel::interfaces() const {
  std::map<std::string, std::string> result;
  std::ifstream in{counters_};
  std::string line;
  // Two lines are headings.
  for (auto at = 1; std::getline(in, line); ++at) {
    if (at <= 2)
      continue;
    auto begin = line.find_first_not_of(' ');
    auto colon = line.find(':');
    if (colon == std::string::npos || begin == colon)
      throw std::runtime_error{counters_.string() + ':' + std::to_string(at)
                               + ": no interface: " + line};
    result.emplace(line.substr(begin, colon - begin), line.substr(colon + 1));
  }
  if (!in.eof())
    throw std::runtime_error{"cannot read " + counters_.string()};
  return result;
}

interface kernel::describe(const std::string& name,
                           const std::string& counters) const {
  interface result;
  result.operstate = attribute(name, "operstate");
  result.address = attribute(name, "address");
  result.mtu = number("mtu", attribute(name, "mtu"));
  // Bytes, packets, and six more; twice.
  std::istringstream in{counters};
  std::string fields[16];
  for (auto& field : fields)
    in >> field;
  result.rx = {number("rx bytes", fields[0]), number("rx packets", fields[1])};
  result.tx = {number("tx bytes", fields[8]), number("tx packets", fields[9])};
  return result;
}

std::string kernel::attribute(const std::string& name, const char* what) const {
  std::ifstream in{attributes_ / name / what};
  std::string result;
  if (!std::getline(in, result))
    throw std::runtime_error{std::string{"cannot read "} + what};
  return result;
}

} // namespace netwatch
