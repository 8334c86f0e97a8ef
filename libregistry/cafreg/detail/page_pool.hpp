// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cafreg/detail/spin_mutex.hpp"

namespace cafreg::detail {

/// Memory for objects of one size that are made in one thread and destroyed in
/// any other. It consists of pages, each of which belongs to one of a few parts
/// with a lock of its own: a thread takes places from its part, and a place
/// goes back to the part that it came from, which its page knows. So what one
/// thread takes and others give back is taken again, and a page that is no
/// longer used goes back to the system, but for one of each part.
///
/// Costs no memory for each place, a hundredth for a page's header.
class page_pool {
public:
  /// Where pages come from: a test has its own.
  struct source {
    /// Returns memory of `usable` bytes, aligned to a page, or null.
    void* (*take)() noexcept;
    void (*give_back)(void* page) noexcept;
  };

  /// What pages are aligned to.
  static constexpr size_t page_size = 4096;

  /// What is used of a page: the general allocator puts its own header between
  /// two of them, so that they follow one another without a gap.
  static constexpr size_t usable = page_size - sizeof(void*);

  /// Which objects need no more than this alignment.
  static constexpr size_t alignment = alignof(void*);

  static constexpr size_t part_count = 8;

  /// @param size Of an object.
  explicit page_pool(size_t size) noexcept;

  page_pool(size_t size, source from) noexcept;

  /// Returns a new pool that lasts as long as the process.
  static page_pool& make_lasting(size_t size);

  page_pool(const page_pool&) = delete;

  page_pool& operator=(const page_pool&) = delete;

  /// @pre Nobody uses any of the memory.
  ~page_pool();

  /// Returns raw memory for one object. Complexity: constant.
  /// @throws std::bad_alloc without any change.
  void* allocate();

  /// Takes back memory in which no object lives any more. Any thread.
  /// Complexity: constant.
  void deallocate(void* memory) noexcept;

  /// Number of objects in a full page.
  size_t places_in_a_page() const noexcept;

  /// Number of pages now.
  size_t pages() const noexcept {
    return pages_.load(std::memory_order_relaxed);
  }

private:
  struct place;
  struct page;

  struct alignas(64) part {
    spin_mutex mutex;
    // Those with places that are free and others that are not.
    page* first = nullptr;
    // One that is not used at all: who takes and gives back by turns must not
    // ask the system each time.
    page* spare = nullptr;

    void link(page* x) noexcept;

    void unlink(page* x) noexcept;

    // Returns null if there is no page.
    void* take() noexcept;
  };

  page* make_page(part& owner);

  const size_t size_;
  const source source_;
  std::atomic<size_t> pages_{0};
  std::array<part, part_count> parts_;
};

} // namespace cafreg::detail
