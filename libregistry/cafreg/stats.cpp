// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/stats.hpp"

namespace cafreg {

std::string to_string(holder_role role) {
  switch (role) {
    case holder_role::registrant:
      return "registrant";
    case holder_role::listener:
      return "listener";
    case holder_role::watcher:
      return "watcher";
    case holder_role::waiter:
      return "waiter";
    case holder_role::standby:
      return "standby";
    case holder_role::owner:
      return "owner";
    case holder_role::subscriber:
      return "subscriber";
    case holder_role::exported:
      return "exported";
  }
  return "invalid";
}

std::string to_string(const holder_info& x) {
  auto result = "actor " + std::to_string(x.id) + ": " + to_string(x.role);
  if (x.role == holder_role::registrant)
    result += " of " + std::to_string(x.entries)
              + (x.entries == 1 ? " entry" : " entries");
  if (x.role == holder_role::owner)
    result += " of " + std::to_string(x.entries)
              + (x.entries == 1 ? " leaf" : " leaves");
  return result;
}

} // namespace cafreg
