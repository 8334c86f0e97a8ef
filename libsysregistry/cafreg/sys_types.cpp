// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/sys_types.hpp"

#include <caf/settings.hpp>

namespace cafreg {

void prepare_system(caf::actor_system_config& cfg) {
  prepare(cfg);
  detail::add_types<caf::id_block::cafreg_system>(cfg);
  caf::put(cfg.content, "cafreg.prepared-system", true);
}

std::string to_string(const system_state& x) {
  return "state " + x.registry + ": " + to_string(x.scope) + ": version "
         + std::to_string(x.snapshot.version()) + ", "
         + std::to_string(x.snapshot.size()) + " leaves";
}

std::vector<path> refused_paths(const caf::error& err) {
  std::vector<path> result;
  if (detail::failed(err) && detail::is_our_error<errc>(err))
    if (auto* list = detail::message_element<refused_paths_list>(err.context(),
                                                                 1))
      for (auto& keys : list->paths)
        result.emplace_back(keys);
  return result;
}

} // namespace cafreg
