// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <functional>
#include <utility>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// An actor that subscribes, kept alive; or a name for it that does not, to
/// find its subscriptions when it is being destroyed.
class subscriber {
public:
  subscriber() = default;

  explicit subscriber(caf::strong_actor_ptr who) : held_(std::move(who)) {
    ptr_ = held_.get();
  }

  /// Only for looking it up.
  static subscriber name(caf::actor_control_block* who) noexcept {
    subscriber result;
    result.ptr_ = who;
    return result;
  }

  caf::actor_control_block* get() const noexcept {
    return ptr_;
  }

  friend bool operator<(const subscriber& x, const subscriber& y) noexcept {
    return std::less<>{}(x.ptr_, y.ptr_);
  }

private:
  caf::strong_actor_ptr held_;
  caf::actor_control_block* ptr_ = nullptr;
};

} // namespace cafreg::detail
