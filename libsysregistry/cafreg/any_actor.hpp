// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <type_traits>

#include "cafreg/caf.hpp"

namespace cafreg {

/// Any handle of an actor as a parameter: dynamically or statically typed, a
/// strong pointer, or `self`. Refers to the actor as long as the argument does,
/// and costs nothing.
class any_actor {
public:
  /// Refers to whom the handle does.
  template <class T>
    requires(std::is_class_v<std::remove_pointer_t<T>>)
  &&requires(const T& x) {
    caf::actor_cast<caf::actor_control_block*>(x);
  }
  any_actor(const T& who)
    : ptr_(caf::actor_cast<caf::actor_control_block*>(who)) {
    // nop
  }

  /// Null if the handle was.
  caf::actor_control_block* get() const noexcept {
    return ptr_;
  }

private:
  caf::actor_control_block* ptr_;
};

} // namespace cafreg
