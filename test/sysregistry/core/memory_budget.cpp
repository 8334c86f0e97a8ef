// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "memory_budget.hpp"

#include <cstdlib>

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (memory::budget == 0)
    return nullptr;
  if (memory::budget != memory::plenty)
    --memory::budget;
  return std::malloc(size > 0 ? size : 1);
}

void* operator new(size_t size) {
  if (auto* ptr = operator new(size, std::nothrow))
    return ptr;
  throw std::bad_alloc{};
}

void operator delete(void* ptr) noexcept {
  std::free(ptr);
}

void operator delete(void* ptr, size_t) noexcept {
  std::free(ptr);
}
