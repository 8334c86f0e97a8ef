// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/path.hpp"

namespace cafreg::detail {

/// Calls `fn(path, value)` for each leaf of a value: for what is in its
/// dictionaries, or for the value itself. Goes no deeper than one key more than
/// `max_depth`: then the path says that it is too deep.
template <class Fn>
void expand(path where, caf::config_value x, size_t max_depth, Fn&& fn) {
  auto* below = caf::get_if<caf::config_value::dictionary>(&x);
  if (below == nullptr || where.size() > max_depth) {
    fn(std::move(where), std::move(x));
    return;
  }
  for (auto& [key, value] : *below)
    expand(where / key, std::move(value), max_depth, fn);
}

} // namespace cafreg::detail
