// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/lasting_ptr.hpp"
#include "cafreg/path.hpp"
#include "cafreg/sys_options.hpp"

namespace cafreg::detail {

class persisted_scope;

class sys_core;

} // namespace cafreg::detail

namespace cafreg {

/// A part of a system registry that is kept in a file, see
/// `system_registry_ref::persist`. Goes on when this object is dropped. Cheap
/// to copy; any thread may call anything.
class persistence {
public:
  /// Why the file could not be read, or not all that it holds be restored, and
  /// where it was kept aside: none if all is well, or there was no file.
  [[nodiscard]] caf::error load_error() const;

  /// How many leaves were restored.
  [[nodiscard]] size_t restored() const noexcept;

  /// Why the last attempt to write the file failed: none if it did not. Such
  /// attempts are repeated.
  [[nodiscard]] caf::error write_error() const;

  /// Writes the file now, in this thread, if the state differs from what it
  /// holds.
  /// @returns an error: `bad_file`, `closed`.
  [[nodiscard]] caf::error flush() const;

  /// Leaves the file as it is from now on.
  void stop() const;

  /// @cond
  // For registries.
  static caf::expected<persistence>
  start(const std::shared_ptr<detail::sys_core>& core, path scope,
        std::filesystem::path file, persist_options how);
  /// @endcond

private:
  explicit persistence(std::shared_ptr<detail::persisted_scope> what)
    : what_(std::move(what)) {
    // nop
  }

  detail::lasting_ptr<detail::persisted_scope> what_;
};

} // namespace cafreg
