// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/gen_registry.hpp"

namespace cafreg {

template class detail::gen_core<std::string, std::tuple<>, unit>;
template class detail::worker_core<std::string, std::tuple<>, unit>;
template class detail::unique_table<
  std::string, detail::worker_slot<std::string, std::tuple<>, unit>,
  detail::actors, detail::gen_core<std::string, std::tuple<>, unit>>;
template class registry_base<gen_core_of<std::string, caf::actor, unit>,
                             std::string, unit, caf::actor>;
template class gen_registry_ref<std::string>;
template class gen_registry<std::string>;

} // namespace cafreg
