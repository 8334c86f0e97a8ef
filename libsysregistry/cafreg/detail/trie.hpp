// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "cafreg/detail/counted.hpp"
#include "cafreg/detail/trie_node.hpp"

namespace cafreg::detail {

/// A set of items found by their keys, as a hash trie that copies share: a
/// copy costs one reference, a change copies the nodes on the way that others
/// use, too, and changes the rest in place. No node has more than 32 slots,
/// hence wide sets are as cheap to change as narrow ones; a single item needs
/// no node. The shape follows from the content. Items are counted, with
/// `hash()` and `key()`. A change needs exclusive access to this object;
/// objects that share nodes may be used by different threads.
template <class Item>
class trie {
public:
  trie() noexcept = default;

  trie(const trie& other) noexcept : only_(other.only_), root_(other.root_) {
    if (only_)
      only()->acquire();
    else if (root_ != nullptr)
      root()->acquire();
  }

  trie(trie&& other) noexcept
    : only_(std::exchange(other.only_, false)),
      root_(std::exchange(other.root_, nullptr)) {
    // nop
  }

  trie& operator=(trie other) noexcept {
    std::swap(only_, other.only_);
    std::swap(root_, other.root_);
    return *this;
  }

  ~trie() {
    if (only_)
      drop_item(only());
    else
      drop(root(), 0);
  }

  bool empty() const noexcept {
    return root_ == nullptr;
  }

  /// Complexity: logarithmic to the base of 32, in fact constant.
  const Item* find(uint64_t hash, std::string_view key) const noexcept {
    if (only_) {
      prefetch(only());
      return is(*only(), hash, key) ? only() : nullptr;
    }
    const auto* at = root();
    for (unsigned shift = 0; at != nullptr; shift += trie_node::bits) {
      if (shift >= trie_node::end)
        return find_listed(*at, key);
      auto bit = trie_node::bit_of(hash, shift);
      if ((at->nodes & bit) != 0) {
        at = at->node(bit);
        prefetch(at);
        continue;
      }
      if ((at->items & bit) == 0)
        return nullptr;
      auto* found = item(*at, at->item_index(bit));
      prefetch(found);
      return is(*found, hash, key) ? found : nullptr;
    }
    return nullptr;
  }

  /// Where an item is, until the set changes.
  class place {
  public:
    /// The item, or null if there is none. Others may use it, too.
    Item* get() const noexcept {
      return slot_ != nullptr ? static_cast<Item*>(*slot_) : nullptr;
    }

    /// Replaces the item by one with the same key.
    /// @returns the former.
    counted_ref<Item> replace(counted_ref<Item> fresh) noexcept {
      auto old = counted_ref<Item>::adopt(get());
      *slot_ = fresh.detach();
      return old;
    }

  private:
    friend class trie;

    explicit place(void** slot) noexcept : slot_(slot) {
      // nop
    }

    void** slot_;
  };

  /// Makes sure that only this set uses the nodes on the way to an item: to
  /// replace or erase it then needs no memory. Complexity: as above, times 32
  /// for what is shared.
  /// @throws std::bad_alloc; then nothing has changed
  place own(uint64_t hash, std::string_view key) {
    if (root_ == nullptr)
      return place{nullptr};
    if (only_)
      return place{is(*only(), hash, key) ? &root_ : nullptr};
    auto* at = &own_node(root_, 0);
    for (unsigned shift = 0; shift < node::end; shift += node::bits) {
      auto bit = node::bit_of(hash, shift);
      if ((at->nodes & bit) != 0) {
        at = &own_node(at->slots()[at->node_index(bit)], shift + node::bits);
        continue;
      }
      if ((at->items & bit) == 0)
        return place{nullptr};
      auto index = at->item_index(bit);
      return place{is(*item(*at, index), hash, key) ? at->slots() + index
                                                    : nullptr};
    }
    auto index = listed_index(*at, key);
    return place{index < at->items ? at->slots() + index : nullptr};
  }

  /// Adds an item; there must be none with its key. Complexity: as above.
  /// @throws std::bad_alloc; then nothing has changed
  void insert(counted_ref<Item> fresh) {
    if (root_ == nullptr) {
      root_ = fresh.detach();
      only_ = true;
      return;
    }
    if (only_) {
      root_ = pair(only(), fresh.get(), 0);
      fresh.detach();
      only_ = false;
      return;
    }
    auto hash = fresh->hash();
    auto* where = &root_;
    for (unsigned shift = 0;; shift += trie_node::bits) {
      auto list = shift >= trie_node::end;
      auto* at = &own_node(*where, shift);
      auto bit = list ? 0 : trie_node::bit_of(hash, shift);
      if ((at->nodes & bit) != 0) {
        where = &at->slots()[at->node_index(bit)];
        continue;
      }
      if ((at->items & bit) != 0) {
        auto* other = item(*at, at->item_index(bit));
        auto* below = pair(other, fresh.get(), shift + trie_node::bits);
        fresh.detach();
        at->item_to_node(bit, below);
        return;
      }
      if (at->full(list)) {
        auto* bigger = trie_node::make(at->size(list) + 1);
        bigger->take(*at, list);
        trie_node::free(at);
        *where = bigger;
        at = bigger;
      }
      add_item(*at, shift, bit, fresh.detach());
      return;
    }
  }

  /// Removes an item for which `own` was called, and which is there.
  /// Complexity: as above.
  void erase(uint64_t hash, std::string_view key) noexcept {
    if (only_) {
      drop_item(only());
      root_ = nullptr;
      only_ = false;
      return;
    }
    auto* at = root();
    erase(at, 0, hash, key);
    if (at->is_one_item(false)) {
      root_ = at->slots()[0];
      only_ = true;
      node::free(at);
    }
  }

  /// Calls `fn(const Item&)` for each item, in no particular order.
  template <class Fn>
  void for_each(Fn&& fn) const {
    if (only_)
      fn(std::as_const(*only()));
    else if (root_ != nullptr)
      visit(*root(), 0, fn);
  }

  /// Calls `fn(const Item* in_a, const Item* in_b)` for each key whose item is
  /// not the same object in both; null where there is none. What both share is
  /// left out. Ends when `fn` returns false. Complexity: linear in what is not
  /// shared.
  /// @returns whether `fn` always returned true.
  template <class Fn>
  static bool compare(const trie& a, const trie& b, Fn&& fn) {
    return compare(a.top(), b.top(), 0, fn);
  }

private:
  using node = trie_node;

  // Asks for the cache lines behind the first one, too: slots, or what is in an
  // item. In a large tree each takes longer than all else that is done there.
  static void prefetch(const void* x) noexcept {
    auto* begin = static_cast<const char*>(x);
    __builtin_prefetch(begin + 64);
    __builtin_prefetch(begin + 128);
  }

  static bool is(const Item& x, uint64_t hash, std::string_view key) noexcept {
    return x.hash() == hash && x.key() == key;
  }

  static Item* item(const node& at, size_t index) noexcept {
    return static_cast<Item*>(at.slots()[index]);
  }

  node* root() const noexcept {
    return static_cast<node*>(root_);
  }

  Item* only() const noexcept {
    return static_cast<Item*>(root_);
  }

  static size_t listed_index(const node& at, std::string_view key) noexcept {
    size_t i = 0;
    while (i < at.items && item(at, i)->key() != key)
      ++i;
    return i;
  }

  static const Item* find_listed(const node& at,
                                 std::string_view key) noexcept {
    auto index = listed_index(at, key);
    return index < at.items ? item(at, index) : nullptr;
  }

  // -- references -------------------------------------------------------------

  static void drop(const node* at, unsigned shift) noexcept {
    if (at == nullptr || !at->release())
      return;
    auto list = shift >= node::end;
    auto items = at->item_count(list);
    auto count = at->size(list);
    for (size_t i = 0; i < count; ++i)
      if (i < items)
        drop_item(item(*at, i));
      else
        drop(static_cast<const node*>(at->slots()[i]), shift + node::bits);
    node::free(at);
  }

  static void drop_item(Item* x) noexcept {
    auto dropped = counted_ref<Item>::adopt(x);
  }

  // Replaces a node by a copy if others use it, too.
  static node& own_node(void*& where, unsigned shift) {
    auto* at = static_cast<node*>(where);
    if (at->unique())
      return *at;
    auto list = shift >= node::end;
    auto items = at->item_count(list);
    auto count = at->size(list);
    auto* copy = node::make(count);
    copy->items = at->items;
    copy->nodes = at->nodes;
    for (size_t i = 0; i < count; ++i) {
      if (i < items)
        item(*at, i)->acquire();
      else
        static_cast<const node*>(at->slots()[i])->acquire();
      copy->slots()[i] = at->slots()[i];
    }
    where = copy;
    drop(at, shift);
    return *copy;
  }

  // -- changes ----------------------------------------------------------------

  // There is room, and the place is free.
  static void add_item(node& at, unsigned shift, uint32_t bit,
                       Item* fresh) noexcept {
    if (shift >= node::end) {
      at.slots()[at.items++] = fresh;
      return;
    }
    auto count = at.size(false);
    auto index = at.item_index(bit);
    at.items |= bit;
    at.insert_slot(index, count, fresh);
  }

  // Makes nodes that tell two items apart, and takes over their references.
  static node* pair(Item* a, Item* b, unsigned shift) {
    if (shift >= node::end) {
      auto* result = node::make(2);
      result->slots()[result->items++] = a;
      result->slots()[result->items++] = b;
      return result;
    }
    auto* result = node::make(2);
    auto bit_a = node::bit_of(a->hash(), shift);
    auto bit_b = node::bit_of(b->hash(), shift);
    if (bit_a != bit_b) {
      add_item(*result, shift, bit_a, a);
      add_item(*result, shift, bit_b, b);
      return result;
    }
    struct guard {
      node* ptr;
      ~guard() {
        if (ptr != nullptr)
          node::free(ptr);
      }
    } unfinished{result};
    auto* below = pair(a, b, shift + node::bits);
    result->nodes = bit_a;
    result->slots()[0] = below;
    unfinished.ptr = nullptr;
    return result;
  }

  static void erase(node* at, unsigned shift, uint64_t hash,
                    std::string_view key) noexcept {
    if (shift >= node::end) {
      auto index = listed_index(*at, key);
      drop_item(item(*at, index));
      at->remove_slot(index, at->items--);
      return;
    }
    auto bit = node::bit_of(hash, shift);
    if ((at->nodes & bit) == 0) {
      auto index = at->item_index(bit);
      drop_item(item(*at, index));
      at->remove_slot(index, at->size(false));
      at->items &= ~bit;
      return;
    }
    auto* below = at->node(bit);
    auto list = shift + node::bits >= node::end;
    erase(below, shift + node::bits, hash, key);
    // A node with one item is none: the item takes its place.
    if (below->is_one_item(list)) {
      at->node_to_item(bit, below->slots()[0]);
      node::free(below);
    }
  }

  // -- visits -----------------------------------------------------------------

  template <class Fn>
  static void visit(const node& at, unsigned shift, Fn& fn) {
    auto list = shift >= node::end;
    auto items = at.item_count(list);
    auto count = at.size(list);
    for (size_t i = 0; i < count; ++i)
      if (i < items)
        fn(std::as_const(*item(at, i)));
      else
        visit(*static_cast<const node*>(at.slots()[i]), shift + node::bits, fn);
  }

  // Calls `fn` for all items of one side.
  template <bool InA, class Fn>
  static bool compare_all(const node& at, unsigned shift, Fn& fn) {
    auto go_on = true;
    auto each = [&](const Item& x) {
      if (go_on)
        go_on = InA ? fn(&x, nullptr) : fn(nullptr, &x);
    };
    visit(at, shift, each);
    return go_on;
  }

  // One side has an item where the other one has a node.
  template <bool InA, class Fn>
  static bool compare_one(const Item& one, const node& many, unsigned shift,
                          Fn& fn) {
    auto go_on = true;
    auto found = false;
    auto each = [&](const Item& x) {
      if (!go_on)
        return;
      if (is(x, one.hash(), one.key())) {
        found = true;
        if (&x != &one)
          go_on = InA ? fn(&one, &x) : fn(&x, &one);
      } else {
        go_on = InA ? fn(nullptr, &x) : fn(&x, nullptr);
      }
    };
    visit(many, shift, each);
    if (go_on && !found)
      go_on = InA ? fn(&one, nullptr) : fn(nullptr, &one);
    return go_on;
  }

  template <class Fn>
  static bool compare_items(const Item& a, const Item& b, Fn& fn) {
    if (&a == &b)
      return true;
    if (is(a, b.hash(), b.key()))
      return fn(&a, &b);
    return fn(&a, nullptr) && fn(nullptr, &b);
  }

  template <class Fn>
  static bool compare_lists(const node& a, const node& b, Fn& fn) {
    for (size_t i = 0; i < a.items; ++i) {
      auto* mine = item(a, i);
      auto* other = find_listed(b, mine->key());
      if (mine != other && !fn(mine, other))
        return false;
    }
    for (size_t i = 0; i < b.items; ++i)
      if (find_listed(a, item(b, i)->key()) == nullptr
          && !fn(nullptr, item(b, i)))
        return false;
    return true;
  }

  // What is in a slot: an item, a node, or nothing.
  struct content {
    const Item* item = nullptr;
    const node* below = nullptr;
  };

  content top() const noexcept {
    return only_ ? content{only(), nullptr} : content{nullptr, root()};
  }

  static content at(const node& x, uint32_t bit) noexcept {
    if ((x.nodes & bit) != 0)
      return {nullptr, x.node(bit)};
    if ((x.items & bit) != 0)
      return {item(x, x.item_index(bit)), nullptr};
    return {};
  }

  template <class Fn>
  static bool compare(content a, content b, unsigned shift, Fn& fn) {
    if (a.item != nullptr && b.item != nullptr)
      return compare_items(*a.item, *b.item, fn);
    if (a.item != nullptr)
      return b.below != nullptr
               ? compare_one<true>(*a.item, *b.below, shift, fn)
               : fn(a.item, nullptr);
    if (b.item != nullptr)
      return a.below != nullptr
               ? compare_one<false>(*b.item, *a.below, shift, fn)
               : fn(nullptr, b.item);
    return compare(a.below, b.below, shift, fn);
  }

  template <class Fn>
  static bool compare(const node* a, const node* b, unsigned shift, Fn& fn) {
    if (a == b)
      return true;
    if (a == nullptr)
      return compare_all<false>(*b, shift, fn);
    if (b == nullptr)
      return compare_all<true>(*a, shift, fn);
    if (shift >= node::end)
      return compare_lists(*a, *b, fn);
    auto left = a->items | a->nodes | b->items | b->nodes;
    for (; left != 0; left &= left - 1) {
      auto bit = left & (~left + 1);
      if (!compare(at(*a, bit), at(*b, bit), shift + node::bits, fn))
        return false;
    }
    return true;
  }

  // Whether the root is an item.
  bool only_ = false;
  // A slot like those in nodes.
  void* root_ = nullptr;
};

} // namespace cafreg::detail
