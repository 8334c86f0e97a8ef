// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "cafreg/caf.hpp"

namespace cafreg {

/// What can go wrong with a registry. Errors carry one of these codes and a
/// text that names the registry and the key.
enum class errc : uint8_t {
  /// No living actor holds the key.
  no_such_name = 1,
  /// The registry is closed.
  closed,
  /// Somebody else holds the key; the text says who.
  already_registered,
  /// The given actor does not hold the key.
  not_holder,
  /// The given handle is null.
  null_handle,
  /// The given actor has terminated.
  dead_actor,
  /// The actor lives on another node and the registry takes local ones only.
  remote_actor,
  /// The key is longer than the configured limit.
  key_too_large,
  /// What was awaited did not happen in time.
  timeout,
  /// The call was cancelled.
  cancelled,
  /// The call would block a thread that runs actors.
  would_block,
  /// The thread holds the lock that it asks for.
  would_deadlock,
  /// A message that asks the registry for something has the wrong types.
  bad_request,
  /// An option has a value that makes no sense.
  bad_option,
  /// Spawning an actor threw an exception.
  spawn_failed,
  /// The id has a worker already; the error holds it.
  already_started,
  /// A worker's factory threw, or gave no living actor.
  factory_failed,
  /// The id failed too often and must cool down.
  backing_off,
  /// Somebody else owns what would change; the error names the paths.
  reserved_keys,
  /// A leaf would be where a subtree is, or below another leaf; the error names
  /// the paths.
  path_conflict,
  /// A path that cannot be: without keys, with an empty one, too long, or
  /// moved to below itself.
  bad_path,
  /// There is nothing at the path.
  no_such_path,
  /// The value is larger than the configured limit.
  value_too_large,
  /// The value is of another type than asked for, or nested too deep.
  bad_value,
  /// A rule of the registry refused the change.
  rule_refused,
  /// A callback threw an exception; the text says which.
  callback_threw,
  /// The text is no JSON.
  bad_json,
  /// A file cannot be read or written, or is not what it should be.
  bad_file,
};

/// Returns the name of the code.
std::string to_string(errc code);

/// Parses the name of a code.
bool from_string(std::string_view text, errc& code);

/// Converts a number to a code.
bool from_integer(std::underlying_type_t<errc> number, errc& code);

/// For CAF, which sends errors between nodes.
template <class Inspector>
requires detail::inspects_enums auto inspect(Inspector& f, errc& x) {
  return detail::inspect_enum(f, x);
}

/// Creates an error with a code and a text.
[[nodiscard]] caf::error make_error(errc code, std::string text = {});

/// Returns whether `err` is an error of this library with this code.
[[nodiscard]] bool is(const caf::error& err, errc code) noexcept;

/// Returns the text of an error of this library; for any other error what CAF
/// has to say.
[[nodiscard]] std::string to_text(const caf::error& err);

namespace detail {

/// Creates an error whose text is "registry NAME: key KEY: REASON".
/// @param noun What the registry calls its keys.
caf::error make_error(errc code, std::string_view registry,
                      std::string_view key, std::string_view reason,
                      std::string_view noun = "key");

/// Adds an actor to an error of this library.
caf::error with_actor(const caf::error& err, caf::strong_actor_ptr who);

/// Returns the actor that was added to an error, or null.
caf::strong_actor_ptr actor_of(const caf::error& err);

} // namespace detail

} // namespace cafreg
