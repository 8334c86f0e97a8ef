// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <utility>

#include "cafreg/detail/stored_key.hpp"

namespace cafreg::detail {

/// While it exists, this thread runs a callback that decides what becomes of an
/// entry. Callbacks may nest, for different keys.
template <class Key>
class changing {
public:
  using key_arg = key_view<Key>;

  /// @param table Which table it is, by its address.
  changing(const void* table, key_arg key) noexcept
    : table_(table), key_(key), outer_(std::exchange(innermost_, this)) {
    // nop
  }

  changing(const changing&) = delete;

  changing& operator=(const changing&) = delete;

  ~changing() {
    innermost_ = outer_;
  }

  /// Returns whether this thread runs such a callback for a key.
  static bool underway(const void* table, key_arg key) {
    for (auto* ptr = innermost_; ptr != nullptr; ptr = ptr->outer_)
      if (ptr->table_ == table && ptr->key_ == key)
        return true;
    return false;
  }

private:
  const void* table_;
  key_arg key_;
  const changing* outer_;
  static inline constinit thread_local const changing* innermost_ = nullptr;
};

} // namespace cafreg::detail
