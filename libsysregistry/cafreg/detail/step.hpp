// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"

namespace cafreg::detail {

/// What `update_in` calls: the new value, or none to remove the leaf.
using change_function = std::function<std::optional<caf::config_value>(
  const std::optional<caf::config_value>&)>;

/// One operation of a transaction.
struct step {
  enum class kind : uint8_t {
    put,
    remove,
    remove_all,
    move,
    change
  };

  kind what = kind::put;
  path where = {};
  /// Of `move`.
  path to = {};
  /// Of `put`.
  caf::config_value value = {};
  /// Of `change`.
  change_function change = nullptr;
};

} // namespace cafreg::detail
