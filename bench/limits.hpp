// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "cafreg/caf.hpp"
#include "cafreg/detail/hash.hpp"

/// What the registry is held against: data structures that do the bare work,
/// for one thread and without any protection.
namespace bench {

/// The hash function of the registry, hence the tables differ in nothing but
/// how they search.
struct key_hash {
  using is_transparent = void;
  using is_avalanching = void;

  size_t operator()(std::string_view key) const noexcept {
    return cafreg::detail::hash_bytes(key.data(), key.size(), seed);
  }

  static constexpr uint64_t seed = 0x5bd1e9955bd1e995ull;
};

struct key_equal {
  using is_transparent = void;

  bool operator()(std::string_view x, std::string_view y) const noexcept {
    return x == y;
  }
};

struct actor_hash {
  using is_avalanching = void;

  size_t operator()(const caf::actor_control_block* ptr) const noexcept {
    return cafreg::detail::hash_word(reinterpret_cast<uintptr_t>(ptr),
                                     key_hash::seed);
  }
};

struct flat_entry {
  caf::strong_actor_ptr handle;
  int value;
};

/// The fastest map to look a key up in.
using flat_map
  = boost::unordered_flat_map<std::string, flat_entry, key_hash, key_equal>;

/// The least that register and unregister can be made of: a map from keys to
/// nodes, and for each actor a list of its nodes.
class flat_node_list {
  struct node {
    std::string key;
    caf::strong_actor_ptr handle;
    int value;
    node* prev;
    node* next;
  };

public:
  flat_node_list() = default;

  flat_node_list(const flat_node_list&) = delete;

  flat_node_list& operator=(const flat_node_list&) = delete;

  ~flat_node_list() {
    for (auto& [key, ptr] : index_)
      delete ptr;
  }

  bool insert(const caf::strong_actor_ptr& who, const std::string& key,
              int value) {
    auto* fresh = new node{key, who, value, nullptr, nullptr};
    if (!index_.emplace(std::string_view{fresh->key}, fresh).second) {
      delete fresh;
      return false;
    }
    auto& head = heads_[who.get()];
    fresh->next = head;
    if (head != nullptr)
      head->prev = fresh;
    head = fresh;
    return true;
  }

  bool erase(const caf::strong_actor_ptr& who, std::string_view key) {
    auto i = index_.find(key);
    if (i == index_.end() || i->second->handle != who)
      return false;
    auto* ptr = i->second;
    index_.erase(i);
    if (ptr->next != nullptr)
      ptr->next->prev = ptr->prev;
    if (ptr->prev != nullptr)
      ptr->prev->next = ptr->next;
    else
      heads_[who.get()] = ptr->next;
    delete ptr;
    return true;
  }

private:
  boost::unordered_flat_map<std::string_view, node*, key_hash, key_equal>
    index_;
  boost::unordered_flat_map<const caf::actor_control_block*, node*, actor_hash>
    heads_;
};

} // namespace bench
