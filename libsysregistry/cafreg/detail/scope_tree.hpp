// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cafreg/path.hpp"

namespace cafreg::detail {

/// Data at the paths that somebody watches: what lies on the way to a changed
/// leaf is found in time linear in the depth of the leaf, however many paths
/// are watched. `T` has `empty()`: nobody needs it. Not thread-safe.
template <class T>
class scope_tree {
public:
  struct node;

private:
  struct hash {
    using is_transparent = void;

    size_t operator()(std::string_view key) const noexcept {
      return std::hash<std::string_view>{}(key);
    }
  };

  using node_map = std::unordered_map<std::string, std::unique_ptr<node>, hash,
                                      std::equal_to<>>;

public:
  /// A watched path, or one that leads to such a path. Its address is stable.
  struct node {
    /// Only right if it is or was watched itself.
    path where;
    /// No other node has, had or will have it; never 0.
    uint64_t number = 0;
    T value;

  private:
    friend class scope_tree;

    node* parent_ = nullptr;
    // Its key in the parent's map.
    const std::string* key_ = nullptr;
    node_map children_;
  };

  scope_tree() {
    root_.number = ++last_number_;
  }

  scope_tree(const scope_tree&) = delete;

  scope_tree& operator=(const scope_tree&) = delete;

  ~scope_tree() {
    clear();
  }

  /// Returns the node of a path, which is made unless it is there. To be
  /// followed by `trim` if the caller leaves it empty.
  /// @throws std::bad_alloc without any change.
  node& open(const path& where) {
    auto* pos = &root_;
    try {
      for (auto& key : where)
        pos = &child(*pos, key);
      if (pos->where.size() != where.size())
        pos->where = where;
    } catch (...) {
      trim(*pos);
      throw;
    }
    return *pos;
  }

  /// Returns the node of a path, or null.
  node* find(std::span<const std::string> where) noexcept {
    auto* pos = &root_;
    for (auto& key : where)
      if (pos = next(*pos, key); pos == nullptr)
        break;
    return pos;
  }

  /// Calls `fn(T&)` for the root and all nodes on the way to a leaf, and for
  /// that of the leaf.
  template <class Fn>
  void along(std::span<const std::string> leaf, Fn&& fn) {
    auto* pos = &root_;
    fn(pos->value);
    for (auto& key : leaf) {
      if (pos = next(*pos, key); pos == nullptr)
        return;
      fn(pos->value);
    }
  }

  /// Removes a node if it is empty and leads nowhere, and then those before it
  /// that led to nothing else.
  void trim(node& last) noexcept {
    auto* pos = &last;
    while (pos != &root_ && pos->value.empty() && pos->children_.empty()) {
      auto* parent = pos->parent_;
      parent->children_.erase(parent->children_.find(*pos->key_));
      pos = parent;
    }
  }

  /// Removes all nodes, however deep they are.
  void clear() noexcept {
    auto* pos = &root_;
    for (;;) {
      if (!pos->children_.empty()) {
        pos = pos->children_.begin()->second.get();
      } else if (pos != &root_) {
        pos = pos->parent_;
        pos->children_.erase(pos->children_.begin());
      } else {
        break;
      }
    }
    root_.value = T{};
  }

  /// Whether nothing but the root is there.
  bool empty() const noexcept {
    return root_.children_.empty();
  }

private:
  static node* next(node& pos, std::string_view key) noexcept {
    auto found = pos.children_.find(key);
    return found == pos.children_.end() ? nullptr : found->second.get();
  }

  node& child(node& parent, const std::string& key) {
    if (auto* found = next(parent, key))
      return *found;
    auto fresh = std::make_unique<node>();
    fresh->number = ++last_number_;
    fresh->parent_ = &parent;
    auto pos = parent.children_.emplace(key, std::move(fresh)).first;
    pos->second->key_ = &pos->first;
    return *pos->second;
  }

  node root_;
  uint64_t last_number_ = 0;
};

} // namespace cafreg::detail
