// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/slab.hpp"

#include <algorithm>

namespace cafreg::detail {

void slab_base::deallocate(places& memory) noexcept {
  if (memory.head_ == nullptr)
    return;
  memory.tail_->next = free_;
  free_ = memory.head_;
}

void slab_base::refill(size_t size, size_t alignment) {
  blocks_.reserve(blocks_.size() + 1);
  auto* memory = static_cast<std::byte*>(
    ::operator new (size* next_size_, std::align_val_t{alignment}));
  blocks_.emplace_back(memory, free_block{alignment});
  // Backwards, so that nodes are handed out in the order of addresses.
  for (auto i = next_size_; i > 0; --i)
    deallocate(memory + (i - 1) * size);
  next_size_ = std::min<size_t>(next_size_ * 2, 256);
}

void slab_base::free_block::operator()(std::byte* ptr) const noexcept {
  ::operator delete (ptr, std::align_val_t{alignment});
}

} // namespace cafreg::detail
