// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "cafreg/detail/epoch.hpp"

namespace cafreg::detail {

/// A singly linked list through the `next` of its nodes.
template <class Node>
class chain {
public:
  chain() = default;

  chain(chain&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)) {
    // nop
  }

  chain& operator=(chain&&) = delete;

  bool empty() const noexcept {
    return head_ == nullptr;
  }

  void push(Node* node) noexcept {
    node->next = nullptr;
    if (head_ == nullptr)
      head_ = node;
    else
      tail_->next = node;
    tail_ = node;
  }

  Node* pop() noexcept {
    auto* result = head_;
    if (result != nullptr)
      head_ = result->next;
    return result;
  }

  /// Moves all nodes of `other` to the end of this chain.
  void splice(chain& other) noexcept {
    if (other.head_ == nullptr)
      return;
    if (head_ == nullptr)
      head_ = other.head_;
    else
      tail_->next = other.head_;
    tail_ = other.tail_;
    other.head_ = nullptr;
  }

private:
  Node* head_ = nullptr;
  Node* tail_ = nullptr;
};

/// Unlinked nodes that readers may still look at, in the order of their
/// epochs. Needs no memory of its own: a node's `next` belongs to writers, no
/// reader ever follows it. Guarded by the lock of the shard it belongs to.
template <class Node>
class limbo {
public:
  /// Takes a node that was unlinked before this call.
  void retire(Node* node, chain<Node>& expired) noexcept {
    auto now = epoch::stamp();
    auto& bag = bags_[now % bags_.size()];
    if (bag.stamp != now) {
      // The nodes in it are three epochs old.
      expired.splice(bag.nodes);
      bag.stamp = now;
    }
    bag.nodes.push(node);
  }

  /// Moves all nodes that no reader can see any more to `expired`.
  void collect(chain<Node>& expired) noexcept {
    for (auto& bag : bags_)
      if (epoch::expired(bag.stamp))
        expired.splice(bag.nodes);
  }

  /// Moves all nodes to `expired`: for the destructor, when there can be no
  /// reader.
  void surrender(chain<Node>& expired) noexcept {
    for (auto& bag : bags_)
      expired.splice(bag.nodes);
  }

  bool empty() const noexcept {
    return std::all_of(bags_.begin(), bags_.end(),
                       [](const bag& x) { return x.nodes.empty(); });
  }

private:
  struct bag {
    uint64_t stamp = 0;
    chain<Node> nodes;
  };

  std::array<bag, 3> bags_;
};

} // namespace cafreg::detail
