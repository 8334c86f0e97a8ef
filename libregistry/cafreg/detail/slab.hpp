// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace cafreg::detail {

/// What slabs of all sizes share, compiled once.
class slab_base {
public:
  /// Memory that is on its way back, collected without the lock.
  class places;

  slab_base() = default;

  slab_base(const slab_base&) = delete;

  slab_base& operator=(const slab_base&) = delete;

  /// Takes back memory in which no node lives any more.
  void deallocate(void* memory) noexcept {
    free_ = ::new (memory) place{free_};
  }

  void deallocate(places& memory) noexcept;

protected:
  struct place {
    place* next;
  };

  // Adds a block of memory for some nodes.
  void refill(size_t size, size_t alignment);

  place* free_ = nullptr;

private:
  struct free_block {
    size_t alignment;

    void operator()(std::byte* ptr) const noexcept;
  };

  std::vector<std::unique_ptr<std::byte, free_block>> blocks_;
  size_t next_size_ = 8;
};

class slab_base::places {
public:
  void add(void* memory) noexcept {
    head_ = ::new (memory) place{head_};
    if (tail_ == nullptr)
      tail_ = head_;
  }

private:
  friend class slab_base;

  place* head_ = nullptr;
  place* tail_ = nullptr;
};

/// Memory for nodes of one size: blocks that grow, and a list of free places.
/// It exists because nodes want to start at a cache line and `operator new`
/// would spend another quarter of their size on that. Not thread-safe: guarded
/// by the lock of the shard that it belongs to.
template <class Node>
class slab : public slab_base {
public:
  /// Returns raw memory for one node. Complexity: amortised constant.
  /// @throws std::bad_alloc without any change.
  void* allocate() {
    static_assert(sizeof(Node) >= sizeof(place));
    if (free_ == nullptr)
      refill(sizeof(Node), alignof(Node));
    auto* result = free_;
    free_ = result->next;
    return result;
  }
};

} // namespace cafreg::detail
