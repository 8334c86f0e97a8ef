// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "registry/network.hpp"
#include "sysregistry/sys_helpers.hpp"

namespace sys_test {

/// The configuration of a system with a system registry that talks to other
/// processes.
class sys_network_config : public network_config {
public:
  sys_network_config() {
    cafreg::prepare_system(*this);
  }
};

/// Values of every kind, as an update writes them.
inline cafreg::values all_kinds() {
  using cafreg::list;
  using namespace std::string_literals;
  auto uri = caf::make_uri("https://example.org/x?y=1#z");
  return {{"int", std::numeric_limits<int64_t>::min()},
          {"real", 0.1},
          {"bool", true},
          {"text", "a\0\xff\xc3\n\""s},
          {"empty", ""},
          {"time", std::chrono::nanoseconds{-7}},
          {"uri", *uri},
          {"list", list({1, "two", list({}), 3.5})},
          {"nested", list({cafreg::values{{"a", {{"b", list({1})}}}}})}};
}

} // namespace sys_test
