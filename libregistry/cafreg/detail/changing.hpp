// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/detail/stored_key.hpp"
#include "cafreg/seam/who.hpp"

namespace cafreg::detail {

/// What is the same of callbacks about keys of any type.
struct change_underway {
  const void* table;
  const change_underway* outer;
};

/// While it exists, this thread runs a callback that decides what becomes of an
/// entry. Callbacks may nest, for different keys.
template <class Key>
class changing : private change_underway {
public:
  using key_arg = key_view<Key>;

  /// @param table Which table it is, by its address.
  changing(const void* table, key_arg key) noexcept
    : change_underway{table, innermost()}, key_(key) {
    seam::this_thread.changing = static_cast<const change_underway*>(this);
  }

  changing(const changing&) = delete;

  changing& operator=(const changing&) = delete;

  ~changing() {
    seam::this_thread.changing = outer;
  }

  /// Returns whether this thread runs such a callback for a key.
  static bool underway(const void* table, key_arg key) {
    // One table has keys of one type.
    for (auto* ptr = innermost(); ptr != nullptr; ptr = ptr->outer)
      if (ptr->table == table && static_cast<const changing*>(ptr)->key_ == key)
        return true;
    return false;
  }

private:
  static const change_underway* innermost() noexcept {
    return static_cast<const change_underway*>(seam::this_thread.changing);
  }

  const key_arg key_;
};

} // namespace cafreg::detail
