// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/page_pool.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "cafreg/seam/who.hpp"

namespace cafreg::detail {

namespace {

// Not `operator new`, which rounds the size up to the alignment: then each page
// is followed by a gap of almost its size.
void* take_from_system() noexcept {
  void* result = nullptr;
  if (posix_memalign(&result, page_pool::page_size, page_pool::usable) != 0)
    return nullptr;
  return result;
}

void give_back_to_system(void* page) noexcept {
  std::free(page);
}

} // namespace

struct page_pool::place {
  place* next;
};

struct page_pool::page {
  // Never changes: who has a place of the page needs no lock to ask for it.
  part* owner;
  page* next;
  page* prev;
  place* free;
  // Number of places that are not free.
  size_t used;
};

void page_pool::part::link(page* x) noexcept {
  x->prev = nullptr;
  x->next = first;
  if (first != nullptr)
    first->prev = x;
  first = x;
}

void page_pool::part::unlink(page* x) noexcept {
  if (x->next != nullptr)
    x->next->prev = x->prev;
  if (x->prev != nullptr)
    x->prev->next = x->next;
  else
    first = x->next;
}

void* page_pool::part::take() noexcept {
  if (first == nullptr) {
    if (spare == nullptr)
      return nullptr;
    link(std::exchange(spare, nullptr));
  }
  auto* from = first;
  auto* result = from->free;
  from->free = result->next;
  ++from->used;
  if (from->free == nullptr)
    unlink(from);
  return result;
}

page_pool::page_pool(size_t size) noexcept
  : page_pool(size, {take_from_system, give_back_to_system}) {
  // nop
}

page_pool::page_pool(size_t size, source from) noexcept
  : size_((std::max(size, sizeof(place)) + alignment - 1) / alignment
          * alignment),
    source_(from) {
  assert(places_in_a_page() > 0);
}

page_pool& page_pool::make_lasting(size_t size) {
  return *std::make_unique<page_pool>(size).release();
}

page_pool::~page_pool() {
  for (auto& part : parts_) {
    assert(part.first == nullptr && "memory is still used");
    if (part.spare != nullptr)
      source_.give_back(part.spare);
  }
}

size_t page_pool::places_in_a_page() const noexcept {
  return (usable - sizeof(page)) / size_;
}

page_pool::page* page_pool::make_page(part& owner) {
  auto* memory = source_.take();
  if (memory == nullptr)
    throw std::bad_alloc{};
  pages_.fetch_add(1, std::memory_order_relaxed);
  auto* result = ::new (memory) page{&owner, nullptr, nullptr, nullptr, 0};
  // Backwards, so that places are handed out in the order of addresses.
  auto* places = reinterpret_cast<std::byte*>(result + 1);
  for (auto i = places_in_a_page(); i > 0; --i)
    result->free = ::new (places + (i - 1) * size_) place{result->free};
  return result;
}

void* page_pool::allocate() {
  // Threads that take much memory must not wait for one another.
  auto& mine = parts_[seam::this_thread_id() % part_count];
  {
    std::lock_guard guard{mine.mutex};
    if (auto* result = mine.take())
      return result;
  }
  auto* fresh = make_page(mine); // without the lock
  std::lock_guard guard{mine.mutex};
  mine.link(fresh);
  return mine.take();
}

void page_pool::deallocate(void* memory) noexcept {
  auto* from = reinterpret_cast<page*>(reinterpret_cast<uintptr_t>(memory)
                                       & ~uintptr_t{page_size - 1});
  auto& owner = *from->owner;
  {
    std::lock_guard guard{owner.mutex};
    if (from->free == nullptr)
      owner.link(from);
    from->free = ::new (memory) place{from->free};
    if (--from->used > 0)
      return;
    owner.unlink(from);
    if (owner.spare == nullptr) {
      owner.spare = from;
      return;
    }
  }
  pages_.fetch_sub(1, std::memory_order_relaxed);
  source_.give_back(from);
}

} // namespace cafreg::detail
