// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "netwatch/table.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <fnmatch.h>

namespace netwatch {

namespace {

constexpr auto columns = "{:<16}{:<9}{:<19}{:>6}{:>11}{:>11}{:>11}{:>11}\n";

bool matches(const std::string& pattern, const std::string& name) {
  if (pattern.find_first_of("*?[") == std::string::npos)
    return name.find(pattern) != std::string::npos;
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

std::string scaled(double x, const char* unit) {
  auto* prefix = "";
  for (auto* next : {"k", "M", "G"})
    if (x >= 1000) {
      x /= 1000;
      prefix = next;
    }
  return fmt::format("{:.{}f} {}{}", x, *prefix == 0 ? 0 : 1, prefix, unit);
}

} // namespace

const cafreg::path interfaces{"state", "network_interface"};

const cafreg::path filter{"config", "netwatch", "filter"};

std::string table::render(const cafreg::snapshot& now) {
  auto time = clock::now();
  std::chrono::duration<double> since = time - when_;
  auto pattern = now.get_or<std::string>(filter, "");
  auto result = fmt::format(columns, "interface", "state", "address", "mtu",
                            "rx/s", "tx/s", "rx", "tx");
  auto names = now.keys(interfaces);
  size_t shown = 0;
  for (auto& name : names)
    if (matches(pattern, name)) {
      result += row(now, name, since.count());
      ++shown;
    }
  // Each version is a change that was made at once, and these are all in here.
  auto changes = now.version() - before_.version();
  result += fmt::format("{} of {} interfaces; changes: {}, coalesced: {}\n\n",
                        shown, names.size(), changes,
                        changes == 0 ? 0 : changes - 1);
  before_ = now;
  when_ = time;
  return result;
}

std::string table::row(const cafreg::snapshot& now, const std::string& name,
                       double seconds) const {
  auto at = interfaces / name;
  if (auto problem = now.get<std::string>(at / "error"))
    return fmt::format("{:<16}{}\n", name, *problem);
  auto rate = [&](const char* counter, const char* unit) -> std::string {
    auto old = before_.get<int64_t>(at / counter);
    auto current = now.get<int64_t>(at / counter);
    if (!old || !current || *current < *old) // new, or set back
      return "-";
    return scaled(static_cast<double>(*current - *old) / seconds, unit);
  };
  auto text = [&](const char* key) {
    return now.get_or<std::string>(at / key, "?");
  };
  return fmt::format(columns, name, text("operstate"), text("address"),
                     now.get_or<int64_t>(at / "mtu", 0), rate("rx_bytes", "B"),
                     rate("tx_bytes", "B"), rate("rx_packets", "pkt"),
                     rate("tx_packets", "pkt"));
}

} // namespace netwatch
