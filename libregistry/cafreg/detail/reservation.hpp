// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <utility>

#include "cafreg/detail/stored_key.hpp"
#include "cafreg/detail/waitable.hpp"

namespace cafreg::detail {

/// A key that is kept for an actor which the thread that made this object is
/// about to spawn. Done when the key was bound or given up.
template <class Key, class Value>
class reservation final : public waitable {
public:
  reservation(uint64_t hash, key_view<Key> key, Value&& value)
    : hash(hash), key(key), value(std::move(value)) {
    // nop
  }

  const uint64_t hash;
  const stored_key<Key> key;

  // Guarded by the lock of the key's shard.

  Value value;
  /// Whether it was bound, or given up before.
  bool bound = false;
  bool given_up = false;
};

} // namespace cafreg::detail
