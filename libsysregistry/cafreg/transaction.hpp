// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/any_actor.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/lasting_ptr.hpp"
#include "cafreg/detail/step.hpp"
#include "cafreg/path.hpp"
#include "cafreg/snapshot.hpp"
#include "cafreg/sys_options.hpp"
#include "cafreg/value.hpp"

namespace cafreg::detail {

class sys_core;

/// What an update function may return: a value, or an optional one.
template <class Fn>
concept update_function = std::invocable < Fn&,
        const std::optional<caf::config_value>
& > &&(
  std::constructible_from<
    values,
    std::invoke_result_t<
      Fn&,
      const std::optional<
        caf::
          config_value>&>> || std::same_as<std::invoke_result_t<Fn&, const std::optional<caf::config_value>&>, std::nullopt_t> || requires(std::invoke_result_t<Fn&, const std::optional<caf::config_value>&> x) {
    values{*x};
    x.has_value();
  });

} // namespace cafreg::detail

namespace cafreg {

/// Changes of a system registry that are made together, by one actor: all of
/// them or none, with one new version and one notification. Collects steps
/// without looking at the registry; `commit` makes them, in their order, each
/// on what the ones before have left. One transaction is for one thread at a
/// time.
class transaction {
public:
  /// Sets a leaf; or, given a dictionary, the leaves below a path, and leaves
  /// the others there as they are. To set what is there already is no change.
  transaction& update(path where, values what);

  /// Removes the leaf at a path, or all leaves below it. To remove nothing is
  /// fine.
  transaction& remove(path where);

  /// Removes what is at and below some keys of a path.
  transaction& remove(const path& where,
                      std::initializer_list<std::string_view> keys);

  /// Removes all that the actor owns, its private paths included.
  transaction& remove_all();

  /// Moves a leaf, or all leaves below a path, to where nothing is.
  transaction& move(path from, path to);

  /// Sets the leaf at a path to what a function makes of its value.
  /// @param where The path of the leaf.
  /// @param fn `fn(const std::optional<caf::config_value>& old)`, none if there
  ///           is no leaf, returns the new value, or `std::nullopt` to remove
  ///           the leaf. It runs in `commit`, in the caller's thread without a
  ///           lock, and again if somebody else changes this leaf meanwhile.
  ///           It may look at the registry but not change it; what it sees
  ///           elsewhere may be another before the commit.
  template <detail::update_function Fn>
  transaction& update_in(path where, Fn fn) {
    detail::step next;
    next.what = detail::step::kind::change;
    next.where = std::move(where);
    next.change = [this_fn = std::move(fn)](
                    const std::optional<caf::config_value>& old) mutable
      -> std::optional<caf::config_value> { return to_optional(this_fn(old)); };
    return add(std::move(next));
  }

  /// Makes the changes, and forgets them, also if they were refused: the object
  /// may be used for others, a second call alone has nothing to do.
  /// Complexity: linear in the number of leaves concerned, times that of their
  /// keys.
  /// @returns what has changed, or an error, and then nothing has:
  ///          `reserved_keys`, `path_conflict`, `bad_path`, `no_such_path`
  ///          with the `refused_paths`; `value_too_large`, `bad_value`,
  ///          `rule_refused`, `callback_threw`, `null_handle` (also if this
  ///          object was moved from), `dead_actor`, `remote_actor`,
  ///          `would_deadlock` (within a rule or an update function),
  ///          `closed`.
  /// @throws std::bad_alloc; then nothing has changed
  caf::expected<delta> commit();

  /// @cond
  // For registries.
  transaction(std::shared_ptr<detail::sys_core> core, any_actor who,
              transaction_options how);
  /// @endcond

private:
  template <class T>
  static std::optional<caf::config_value> to_optional(T&& x) {
    if constexpr (std::is_same_v<std::decay_t<T>, std::nullopt_t>) {
      return std::nullopt;
    } else if constexpr (std::constructible_from<values, T&&>) {
      return checked(values{std::forward<T>(x)});
    } else {
      if (!x.has_value())
        return std::nullopt;
      return checked(values{*std::forward<T>(x)});
    }
  }

  // Throws if a number is too large.
  static caf::config_value checked(values x);

  transaction& add(detail::step next);

  detail::lasting_ptr<detail::sys_core> core_;
  // Null also after a move.
  caf::strong_actor_ptr who_;
  transaction_options how_;
  std::vector<detail::step> steps_;
  // The first step that cannot be made, whatever the registry holds.
  caf::error problem_;
};

} // namespace cafreg
