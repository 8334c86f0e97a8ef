// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <utility>

#include "cafreg/caf.hpp"

namespace cafreg {

/// What became of an operation that gives nothing: true, or an error. Unlike a
/// `caf::error` it may be ignored.
class attempt {
public:
  /// It succeeded.
  attempt() = default;

  /// It failed, unless the error says nothing.
  attempt(caf::error why) : why_(std::move(why)) {
    // nop
  }

  /// Whether it succeeded.
  explicit operator bool() const noexcept {
    return !detail::failed(why_);
  }

  /// Why it failed.
  const caf::error& error() const noexcept {
    return why_;
  }

private:
  caf::error why_;
};

} // namespace cafreg
