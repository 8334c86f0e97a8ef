// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/unique_registry.hpp"

namespace cafreg {

template class detail::unique_core<std::string, unit>;
template class detail::unique_table<std::string, unit, detail::actors,
                                    detail::unique_core<std::string, unit>>;
template class registry_base<detail::unique_core<std::string, unit>,
                             std::string, unit, caf::actor>;
template class unique_registry_ref<std::string>;
template class registry_owner<unique_registry_ref<std::string>>;

} // namespace cafreg
