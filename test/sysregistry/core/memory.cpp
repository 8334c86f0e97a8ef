// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "memory.hpp"

#include <cstdlib>
#include <limits>

namespace {

constexpr auto plenty = std::numeric_limits<size_t>::max();

thread_local size_t left = plenty;
thread_local size_t allocated = 0;
thread_local ptrdiff_t present = 0;

void* allocate(size_t size) noexcept {
  if (left == 0)
    return nullptr;
  auto* result = std::malloc(size > 0 ? size : 1);
  if (result == nullptr)
    return nullptr;
  if (left != plenty)
    --left;
  ++allocated;
  ++present;
  return result;
}

void* allocate_or_throw(size_t size) {
  if (auto* result = allocate(size))
    return result;
  throw std::bad_alloc{};
}

void deallocate(void* ptr) noexcept {
  if (ptr == nullptr)
    return;
  --present;
  std::free(ptr);
}

} // namespace

namespace memory {

size_t allocations() noexcept {
  return allocated;
}

ptrdiff_t blocks() noexcept {
  return present;
}

shortage::shortage(size_t allocations) noexcept {
  left = allocations;
}

shortage::~shortage() {
  left = plenty;
}

} // namespace memory

// All that go together: a sanitizer would otherwise see a block of its own
// operator come back to one of these.

void* operator new(size_t size) {
  return allocate_or_throw(size);
}

void* operator new[](size_t size) {
  return allocate_or_throw(size);
}

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}

void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}

void operator delete(void* ptr) noexcept {
  deallocate(ptr);
}

void operator delete[](void* ptr) noexcept {
  deallocate(ptr);
}

void operator delete(void* ptr, size_t) noexcept {
  deallocate(ptr);
}

void operator delete[](void* ptr, size_t) noexcept {
  deallocate(ptr);
}

void operator delete(void* ptr, const std::nothrow_t&) noexcept {
  deallocate(ptr);
}

void operator delete[](void* ptr, const std::nothrow_t&) noexcept {
  deallocate(ptr);
}
