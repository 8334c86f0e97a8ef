// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cafreg/caf.hpp"
#include "cafreg/detail/state_file.hpp"
#include "cafreg/path.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/subscription.hpp"

namespace cafreg::detail {

class sys_core;

/// A file, and what it holds. Thread-safe: one write at a time.
class persisted_scope {
public:
  persisted_scope(const std::shared_ptr<sys_core>& core, path scope,
                  std::filesystem::path file);

  persisted_scope(const persisted_scope&) = delete;

  persisted_scope& operator=(const persisted_scope&) = delete;

  ~persisted_scope();

  /// Makes sure that nobody else in this registry uses the file.
  caf::error claim();

  /// Reads the file and restores what it holds.
  /// @returns an error that the user must see; a file that was kept aside is
  ///          none.
  caf::error load();

  /// Writes a state unless the file holds it, or a later one.
  caf::error save(const snapshot& state);

  /// The same for the state of now.
  caf::error save();

  /// Writes the last state; from then on nothing is written.
  void finish(const snapshot& last);

  /// From now on nothing is written. Whoever calls this keeps the object.
  void stop();

  /// Says who writes what changes, until `stop`.
  void attach(const caf::strong_actor_ptr& writer, subscription source);

  const path& scope() const noexcept {
    return scope_;
  }

  size_t restored() const noexcept {
    return restored_;
  }

  const caf::error& load_error() const noexcept {
    return load_error_;
  }

  caf::error write_error() const;

private:
  caf::error save_locked(const snapshot& state);

  // Keeps the file aside and notes why, or returns why not even that.
  caf::error refuse(const std::string& why);

  caf::error bad_file(const std::string& why) const;

  void release() noexcept;

  const std::weak_ptr<sys_core> core_;
  const std::string registry_;
  const path scope_;
  const std::string file_;
  // What tells files apart: two names may mean one.
  const std::string identity_;

  // Written by `load`, before anyone else sees this object.
  size_t restored_ = 0;
  caf::error load_error_;

  // Held while the file is written.
  std::mutex mutex_;
  // What the file holds, and the last version that was written or tried.
  std::optional<state_leaves> written_;
  uint64_t version_ = 0;
  bool claimed_ = false;
  bool stopped_ = false;
  weak_actor writer_;
  subscription source_;

  // Taken under the other one, too.
  mutable std::mutex error_mutex_;
  caf::error write_error_;
};

} // namespace cafreg::detail
