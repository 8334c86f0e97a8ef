#pragma once

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace caf_test {

/// Keeps every thread of a scheduler inside of a handler until it goes.
class long_handlers {
public:
  long_handlers(caf::actor_system& sys, size_t threads) {
    for (size_t i = 0; i < threads; ++i)
      sys.spawn([held = gate_](caf::event_based_actor*) { held->pass(); });
    REQUIRE(gate_->wait_for(threads));
  }

  long_handlers(const long_handlers&) = delete;

  long_handlers& operator=(const long_handlers&) = delete;

  ~long_handlers() {
    gate_->open();
  }

private:
  std::shared_ptr<gate> gate_ = std::make_shared<gate>();
};

} // namespace caf_test
