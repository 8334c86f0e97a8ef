// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include "cafreg/detail/store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the tests of stores have in common.

namespace stores {

using cafreg::access;
using cafreg::path;
using cafreg::detail::author;
using cafreg::detail::owner_id;
using cafreg::detail::refusal;
using cafreg::detail::refusal_reason;
using cafreg::detail::restorer;
using cafreg::detail::tree_limits;

// Three owners, and one that does not exist.
constexpr owner_id alice = 2;
constexpr owner_id bob = 3;
constexpr owner_id carol = 4;
constexpr owner_id stranger = 5;

inline cafreg::detail::mount_rules default_rules() {
  return cafreg::detail::mount_rules{{
    {"state", access::owned},
    {"config", access::shared},
    {"layers", access::layered, {"debug", "*", "persistence", "default"}},
    {"open", access::open},
  }};
}

/// A store in which all owners are known.
template <class Value>
class store_with_owners : public cafreg::detail::store<Value> {
public:
  using super = cafreg::detail::store<Value>;

  explicit store_with_owners(tree_limits limits = {})
    : super(default_rules(), limits,
            [this](owner_id who) { return gone.count(who) > 0; }) {
    for (auto who : {restorer, alice, bob, carol})
      super::add_owner(who);
  }

  /// Those who have died, but were not dropped yet.
  std::set<owner_id> gone;

  /// What shows at a path in the tree of all.
  std::optional<Value> at(const path& where) const {
    if (auto found = super::find(where))
      return found->content.shown.value;
    return std::nullopt;
  }

  /// What an owner has of its own at a path.
  std::optional<Value> own_at(owner_id who, const path& where) const {
    auto own = super::private_tree(who);
    if (auto* found = own.find_leaf(where))
      return found->content.shown.value;
    return std::nullopt;
  }

  /// All that there is in a tree, by its paths as texts.
  static std::map<std::string, Value>
  content(const typename super::tree_type& x) {
    std::map<std::string, Value> result;
    x.for_each({}, [&](const std::vector<std::string>& where,
                       const typename super::leaf& what) {
      result.emplace(to_string(path{where}), what.content.shown.value);
    });
    return result;
  }

  std::map<std::string, Value> content() const {
    return content(super::look().tree);
  }

  /// Where an owner has something, as texts in order.
  std::vector<std::string> places_of(owner_id who) const {
    std::vector<std::string> result;
    for (auto& x : super::paths_of(who))
      result.push_back(to_string(x));
    std::sort(result.begin(), result.end());
    return result;
  }
};

} // namespace stores
