// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cassert>
#include <cstddef>

#include "cafreg/detail/page_pool.hpp"

namespace cafreg::detail {

/// Base of a class of which there are many small objects that are made in one
/// thread and destroyed in another: they come from a pool of their own. Actors
/// may outlive every registry, and end in any thread, hence one pool for the
/// process, which lives as long.
template <class T>
class pooled {
public:
  static void* operator new(size_t size) {
    assert(size == sizeof(T));
    static_cast<void>(size);
    return pool().allocate();
  }

  static void operator delete(void* memory) noexcept {
    pool().deallocate(memory);
  }

private:
  static page_pool& pool() {
    static_assert(alignof(T) <= page_pool::alignment);
    static auto& instance = page_pool::make_lasting(sizeof(T));
    return instance;
  }
};

} // namespace cafreg::detail
