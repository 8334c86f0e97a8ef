// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <any>
#include <memory>
#include <string_view>

namespace cafreg::detail {

/// Values of any type that are attached to a registry. Thread-safe. What a
/// value holds is destroyed, and copied, without a lock.
class metadata {
public:
  metadata();

  ~metadata();

  /// Returns null if there is none.
  std::shared_ptr<const std::any> get(std::string_view key) const;

  /// Returns false if this is closed.
  bool put(std::string_view key, std::any value);

  /// Returns whether there was one.
  bool erase(std::string_view key);

  /// Drops all values and refuses new ones.
  void close() noexcept;

private:
  struct state;

  // Out of line, for its containers are slow to compile.
  const std::unique_ptr<state> state_;
};

} // namespace cafreg::detail
