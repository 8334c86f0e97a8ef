// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace cafreg::detail {

/// Memory for nodes of one size: blocks that grow, and a list of free places.
/// It exists because nodes want to start at a cache line and `operator new`
/// would spend another quarter of their size on that. Not thread-safe: guarded
/// by the lock of the shard that it belongs to.
template <class Node>
class slab {
  struct place {
    place* next;
  };

public:
  /// Memory that is on its way back, collected without the lock.
  class places {
  public:
    void add(void* memory) noexcept {
      head_ = ::new (memory) place{head_};
      if (tail_ == nullptr)
        tail_ = head_;
    }

  private:
    friend class slab;

    place* head_ = nullptr;
    place* tail_ = nullptr;
  };

  slab() = default;

  slab(const slab&) = delete;

  slab& operator=(const slab&) = delete;

  /// Returns raw memory for one node. Complexity: amortised constant.
  /// @throws std::bad_alloc without any change.
  void* allocate() {
    if (free_ == nullptr)
      refill();
    auto* result = free_;
    free_ = result->next;
    return result;
  }

  /// Takes back memory in which no node lives any more.
  void deallocate(void* memory) noexcept {
    free_ = ::new (memory) place{free_};
  }

  void deallocate(places& memory) noexcept {
    if (memory.head_ == nullptr)
      return;
    memory.tail_->next = free_;
    free_ = memory.head_;
  }

private:
  static constexpr size_t alignment = alignof(Node);

  struct free_block {
    void operator()(std::byte* ptr) const noexcept {
      ::operator delete (ptr, std::align_val_t{alignment});
    }
  };

  using block = std::unique_ptr<std::byte, free_block>;

  static_assert(sizeof(Node) >= sizeof(place));

  void refill() {
    blocks_.reserve(blocks_.size() + 1);
    auto* memory = static_cast<std::byte*>(
      ::operator new (sizeof(Node) * next_size_, std::align_val_t{alignment}));
    blocks_.emplace_back(memory);
    // Backwards, so that nodes are handed out in the order of addresses.
    for (auto i = next_size_; i > 0; --i)
      deallocate(memory + (i - 1) * sizeof(Node));
    next_size_ = std::min<size_t>(next_size_ * 2, 256);
  }

  place* free_ = nullptr;
  std::vector<block> blocks_;
  size_t next_size_ = 8;
};

} // namespace cafreg::detail
