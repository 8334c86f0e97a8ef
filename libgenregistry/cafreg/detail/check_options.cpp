// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/check_options.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace cafreg::detail {

void check_options(const gen_registry_options& options) {
  auto check = [&](std::chrono::nanoseconds time, const char* what) {
    if (time < std::chrono::nanoseconds{0})
      throw std::invalid_argument{"registry " + options.name + ": " + what
                                  + " must not be negative"};
  };
  check(options.stop_timeout, "stop_timeout");
  check(options.idle_after, "idle_after");
  check(options.backoff.within, "backoff.within");
  check(options.backoff.cool_down, "backoff.cool_down");
}

} // namespace cafreg::detail
