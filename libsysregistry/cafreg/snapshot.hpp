// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cafreg/caf.hpp"
#include "cafreg/delta.hpp"
#include "cafreg/detail/config_tree.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/leaf_entry.hpp"
#include "cafreg/path.hpp"
#include "cafreg/value.hpp"

namespace cafreg {

/// How two snapshots differ, or what a transaction changed.
using delta = basic_delta<caf::config_value>;

/// What happened to one leaf.
using leaf_change = basic_leaf_change<caf::config_value>;

/// The state of a system registry at one moment, or of a part of it. Never
/// changes, however long it is kept, and keeps no actor alive. A copy costs one
/// reference, since snapshots share what they have in common. Any thread may
/// use one; different objects, also copies, are independent.
class snapshot {
public:
  /// Nothing, version 0.
  snapshot() = default;

  /// Which state it is: later states have higher versions. Two parts of the
  /// same state have the same version.
  uint64_t version() const noexcept {
    return version_;
  }

  /// Whether there are no leaves.
  [[nodiscard]] bool empty() const noexcept {
    return tree_.empty();
  }

  /// Number of leaves. Complexity: constant.
  size_t size() const noexcept {
    return tree_.size();
  }

  /// Number of leaves at and below a path. Complexity: linear in the number of
  /// keys.
  size_t count(const path& scope) const noexcept {
    return detail::config_tree::leaves_of(tree_.find(scope));
  }

  /// Whether there is a leaf, or a branch with leaves, at a path. Complexity:
  /// as above.
  bool contains(const path& where) const noexcept {
    return tree_.find(where) != nullptr;
  }

  /// The value of a leaf: null if there is no leaf at the path. Valid as long
  /// as any copy of this snapshot. Complexity: as above.
  const caf::config_value* at(const path& where) const noexcept {
    auto* found = tree_.find_leaf(where);
    return found != nullptr ? &found->content.shown.value : nullptr;
  }

  /// The value of a leaf as a C++ type, see `value_as`. Complexity: as above,
  /// plus that of the conversion.
  /// @returns `errc::no_such_path` or `errc::bad_value` otherwise.
  template <class T>
  [[nodiscard]] caf::expected<T> get(const path& where) const {
    auto* found = at(where);
    if (found == nullptr)
      return detail::failure(nothing_at(where));
    auto result = value_as<T>(*found);
    if (!result)
      return detail::failure(wrong_type(where, result.error()));
    return result;
  }

  /// The same, or `fallback` if there is no such leaf or it has another type.
  template <class T>
  [[nodiscard]] T get_or(const path& where, T fallback) const {
    if (auto* found = at(where))
      if (auto result = value_as<T>(*found))
        return std::move(*result);
    return fallback;
  }

  /// The keys directly below a path, sorted; none if it is a leaf. Complexity:
  /// linear times logarithmic in their number.
  [[nodiscard]] std::vector<std::string> keys(const path& where = {}) const;

  /// Calls `fn(const path&, const caf::config_value&)` for each leaf at and
  /// below a path, in no particular order. Complexity: linear.
  template <class Fn>
  void for_each(const path& scope, Fn&& fn) const {
    tree_.for_each(scope, [&fn](const std::vector<std::string>& where,
                                const detail::config_tree::leaf& x) {
      fn(path{where}, x.content.shown.value);
    });
  }

  /// The same for all leaves.
  template <class Fn>
  void for_each(Fn&& fn) const {
    for_each(path{}, std::forward<Fn>(fn));
  }

  /// All leaves at and below a path, sorted by path. Complexity: linear times
  /// logarithmic in their number.
  [[nodiscard]] std::vector<leaf_entry> leaves(const path& scope = {}) const;

  /// The leaves whose paths match a pattern, sorted by path: in the text with
  /// dots, `*` stands for any one key and `**` for any number of keys, also
  /// none; `\*` is a key that is a star. `"state.network_interface.*.mtu"`
  /// gives one leaf for each interface. Complexity: linear in the items on
  /// the way, times the length of the pattern.
  [[nodiscard]] std::vector<leaf_entry> match(std::string_view pattern) const;

  /// What has changed since an earlier snapshot, or differs from any other one.
  /// Complexity: linear in what the two do not share: proportional to the
  /// number of changes between them, in general.
  [[nodiscard]] delta diff(const snapshot& older) const;

  /// A snapshot of what is at and below a path, with the same paths and the
  /// same version. Complexity: linear in the number of keys.
  [[nodiscard]] snapshot restricted_to(const path& scope) const;

  /// What is at and below a path as one value: a dictionary of dictionaries,
  /// or the value of a leaf. An empty dictionary if there is nothing.
  /// Complexity: linear times logarithmic in the number of leaves.
  [[nodiscard]] caf::config_value to_value(const path& scope = {}) const;

  /// Whether two snapshots have the same leaves with the same values, whatever
  /// their versions. Complexity: linear in what they do not share.
  friend bool operator==(const snapshot& x, const snapshot& y);

  /// For CAF, which sends snapshots between nodes.
  template <class Inspector>
  friend auto inspect(Inspector& f, snapshot& x) {
    auto version = x.version_;
    std::vector<std::vector<std::string>> paths;
    std::vector<caf::config_value> values;
    x.take_apart(paths, values);
    auto load = [&] {
      x.tree_ = detail::config_tree{};
      x.version_ = version;
      x.put_together(paths, values);
    };
    return detail::inspect_fields(
      f, x, "cafreg::snapshot", load,
      detail::field<uint64_t>{"version", version},
      detail::field<std::vector<std::vector<std::string>>>{"paths", paths},
      detail::field<std::vector<caf::config_value>>{"values", values});
  }

  /// @cond
  // For registries.
  snapshot(detail::config_tree tree, uint64_t version)
    : tree_(std::move(tree)), version_(version) {
    // nop
  }

  const detail::config_tree& tree() const noexcept {
    return tree_;
  }
  /// @endcond

private:
  static caf::error nothing_at(const path& where);

  static caf::error wrong_type(const path& where, const caf::error& why);

  void take_apart(std::vector<std::vector<std::string>>& paths,
                  std::vector<caf::config_value>& values) const;

  void put_together(const std::vector<std::vector<std::string>>& paths,
                    std::vector<caf::config_value>& values);

  detail::config_tree tree_;
  uint64_t version_ = 0;
};

/// Renders what is at and below a path of a snapshot as JSON, see `to_json`.
[[nodiscard]] std::string to_json(const snapshot& x, int indent = -1);

/// Renders a snapshot as "version N" and one line "path = value" for each leaf,
/// sorted.
std::string to_string(const snapshot& x);

/// Renders a delta as "version N" and one line for each leaf: "+ path = value",
/// "~ path = old -> new", "- path = value", sorted by path.
std::string to_string(const delta& x);

} // namespace cafreg
