// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>

#include "cafreg/caf.hpp"

namespace cafreg {

/// What can be a key: a value that can be compared and hashed. `std::string`
/// keys can be looked up with a `std::string_view`.
template <class T>
concept registry_key
  = std::copyable<T> && std::equality_comparable<T> && requires(const T& x) {
  { std::hash<T>{}(x) } -> std::convertible_to<size_t>;
};

/// What can be the value of an entry: it is moved into the table under a lock,
/// where nothing may throw.
template <class T>
concept registry_value
  = std::copy_constructible<T> && std::is_nothrow_move_constructible_v<T>;

/// `caf::actor` or a statically typed handle.
template <class T>
concept actor_handle = std::copyable<T> && requires(const T& x) {
  {caf::actor_cast<caf::actor_control_block*>(x)};
  { caf::actor_cast<T>(caf::strong_actor_ptr{}) } -> std::same_as<T>;
};

} // namespace cafreg
