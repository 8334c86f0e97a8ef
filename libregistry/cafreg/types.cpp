// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/types.hpp"

#include <caf/settings.hpp>

namespace cafreg {

void prepare(caf::actor_system_config& cfg) {
  if (caf::get_or(cfg, "cafreg.prepared", false))
    return; // another library of ours was first
  detail::add_types<caf::id_block::cafreg>(cfg);
  detail::add_error_category<errc>(cfg);
  detail::mark_threads(cfg);
  caf::put(cfg.content, "cafreg.prepared", true);
}

} // namespace cafreg
