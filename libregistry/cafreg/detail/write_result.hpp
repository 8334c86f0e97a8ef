// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

namespace cafreg::detail {

/// What became of a write.
enum class write_result {
  /// Done.
  done,
  /// The key has a living holder.
  taken,
  /// The actor holds the key already.
  held,
  /// The actor does not hold the key.
  not_held,
  /// A spawn of the holder is under way that waits for this very thread.
  would_deadlock,
  /// This very thread is changing the entry.
  busy,
  /// The actor has terminated.
  dead,
  /// The table is closed.
  closed,
};

} // namespace cafreg::detail
