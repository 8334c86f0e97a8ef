// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <memory>
#include <utility>

namespace cafreg::detail {

/// A `shared_ptr` that stays where it is moved from: whoever uses an object
/// that was moved from meets what it belongs to, and no null pointer.
template <class T>
class lasting_ptr : public std::shared_ptr<T> {
public:
  lasting_ptr(std::shared_ptr<T> what) noexcept
    : std::shared_ptr<T>(std::move(what)) {
    // nop
  }

  // Without moves.

  lasting_ptr(const lasting_ptr&) noexcept = default;

  lasting_ptr& operator=(const lasting_ptr&) noexcept = default;

  ~lasting_ptr() = default;
};

} // namespace cafreg::detail
