// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace netwatch {

/// What has passed an interface in one direction.
struct traffic {
  int64_t bytes = 0;
  int64_t packets = 0;
};

/// What Linux says of one network interface.
struct interface {
  std::string operstate;
  std::string address;
  int64_t mtu = 0;
  traffic rx;
  traffic tx;
};

/// Where Linux says it: below a root directory, in proc/net/dev and in
/// sys/class/net/NAME/{operstate,address,mtu}. Any thread may ask.
class kernel {
public:
  /// @throws std::runtime_error if there are no such files
  explicit kernel(std::filesystem::path root);

  /// The interfaces that are there now, and the counters of each as a line of
  /// text.
  /// @throws std::runtime_error if they cannot be read
  std::map<std::string, std::string> interfaces() const;

  /// What is known of one interface.
  /// @param counters Its line, as `interfaces` gives it.
  /// @throws std::runtime_error that says what cannot be read
  interface describe(const std::string& name,
                     const std::string& counters) const;

private:
  std::string attribute(const std::string& name, const char* what) const;

  std::filesystem::path counters_;
  std::filesystem::path attributes_;
};

} // namespace netwatch
