// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/who.hpp"

#include <atomic>

namespace cafreg::seam {

thread_id name_this_thread() noexcept {
  static constinit std::atomic<thread_id> last{0};
  this_thread.id = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return this_thread.id;
}

} // namespace cafreg::seam
