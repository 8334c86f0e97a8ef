#pragma once

#include "registry/caf_helpers.hpp"

#include <caf/io/middleman.hpp>

namespace caf_test {

/// Makes CAF know the message types of its middleman, where that is not done
/// by loading it.
template <class Middleman>
void init_network_types() {
  if constexpr (requires { Middleman::init_global_meta_objects(); })
    Middleman::init_global_meta_objects();
}

/// The configuration of a system that talks to other processes.
class network_config : public config {
public:
  network_config() {
    init_network_types<caf::io::middleman>();
    load<caf::io::middleman>();
  }
};

} // namespace caf_test
