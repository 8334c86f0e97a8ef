// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <optional>
#include <utility>

#include "cafreg/errc.hpp"

namespace cafreg {

/// What a lookup gives: an optional that knows why it is empty. Unlike
/// `caf::expected` it never allocates, for a miss is no accident.
template <class T>
class [[nodiscard]] lookup_result : public std::optional<T> {
public:
  using std::optional<T>::optional;

  /// Nothing, and why.
  lookup_result(errc why) : why_(why) {
    // nop
  }

  /// Why there is nothing: `errc::no_such_name` or `errc::closed`.
  /// @pre the result is empty
  errc error() const noexcept {
    return why_;
  }

private:
  errc why_ = errc::no_such_name;
};

} // namespace cafreg
