// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/duplicate_registry.hpp"

namespace cafreg {

template class detail::duplicate_core<std::string, unit>;
template class detail::duplicate_table<
  std::string, unit, detail::actors, detail::duplicate_core<std::string, unit>>;
template class registry_base<detail::duplicate_core<std::string, unit>,
                             std::string, unit, caf::actor>;
template class duplicate_registry_ref<std::string>;
template class registry_owner<duplicate_registry_ref<std::string>>;

} // namespace cafreg
