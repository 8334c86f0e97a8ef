// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "cafreg/detail/core_base.hpp"

namespace cafreg {

/// A standing wish: to watch a name, to wait for it, to stand by for it. Ends
/// with `cancel`, with the actor, or with the registry; letting go of this
/// object changes nothing. Cheap to copy, never keeps anything alive.
class subscription {
public:
  subscription() = default;

  /// For registries.
  subscription(std::weak_ptr<detail::core_base> core, uint64_t id)
    : core_(std::move(core)), id_(id) {
    // nop
  }

  /// Tells apart the wishes of one registry.
  uint64_t id() const noexcept {
    return id_;
  }

  /// Ends the wish. Who awaits a name is answered with `errc::cancelled`.
  /// Thread-safe. Complexity: logarithmic in the number of open wishes.
  /// @returns whether it was still open.
  bool cancel() {
    auto core = core_.lock();
    return core != nullptr && core->cancel(id_);
  }

private:
  std::weak_ptr<detail::core_base> core_;
  uint64_t id_ = 0;
};

} // namespace cafreg
