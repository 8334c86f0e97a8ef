// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cafreg::detail {

/// What went wrong with a file, or nothing.
class [[nodiscard]] file_problem {
public:
  file_problem() = default;

  /// @param text Names the file, what was tried and the reason.
  explicit file_problem(std::string text) : text_(std::move(text)) {
    // nop
  }

  explicit operator bool() const noexcept {
    return !text_.empty();
  }

  const std::string& text() const noexcept {
    return text_;
  }

private:
  std::string text_;
};

// All of them may be called from any thread and process at once, also for the
// same file.

/// Replaces the content of a file, or creates it: whoever reads it sees the old
/// content or the new one, and so does the next start after a crash. A new file
/// is for its owner only; an old one keeps its permissions. What a symbolic
/// link leads to is replaced, and the link stays. Waits for the disk.
/// @returns A problem if the content is not safely there; then the file has its
/// old content, unless only telling the disk of the new name failed. Nothing
/// but a regular file is replaced.
file_problem write_file(const std::string& file, std::string_view content);

/// Reads a regular file.
/// @param content Receives the content, or nothing if there is no such file,
/// which is no problem.
/// @param limit How many bytes the file may have.
file_problem read_file(const std::string& file, size_t limit,
                       std::optional<std::string>& content);

/// Renames what is at `file` to `file` and ".refused", or ".refused-2" and so
/// on if there is something with this name; never overwrites anything.
/// @param new_name Receives the name.
file_problem set_file_aside(const std::string& file, std::string& new_name);

/// Removes what is left of calls of `write_file` for this file that a crash
/// ended. Leaves alone what another thread or process is writing. Failing to
/// remove something is no problem, it only takes room.
void remove_leftovers(const std::string& file) noexcept;

} // namespace cafreg::detail
