// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>

namespace cafreg {

/// Who may change what is below a mount. Whoever creates a leaf owns it.
enum class access : uint8_t {
  /// Only its owner updates or removes a leaf.
  owned,
  /// Anyone updates a leaf, only its owner removes it.
  shared,
  /// Everyone has a value of their own at each leaf, and changes only that. The
  /// one with the highest priority shows; among equals, the oldest.
  layered,
  /// Anyone updates and removes: for mounts with a `validate` of their own.
  open,
};

} // namespace cafreg
