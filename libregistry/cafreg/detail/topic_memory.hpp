// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

namespace cafreg::detail {

/// No position.
inline constexpr uint32_t no_slot = std::numeric_limits<uint32_t>::max();

/// A place for an entry, with the versions of its birth and its death.
template <class Payload>
struct topic_slot {
  topic_slot() noexcept {
    // nop: the payload is constructed later.
  }

  topic_slot(const topic_slot&) = delete;

  topic_slot& operator=(const topic_slot&) = delete;

  // Payloads are destroyed one by one, for most slots have none.
  ~topic_slot() {
    // nop
  }

  /// Whether the entry is in the snapshot of a version. Needs no lock.
  bool visible_at(uint64_t version) const noexcept {
    auto died = death.load(std::memory_order_acquire);
    auto born = birth.load(std::memory_order_relaxed);
    // Both comparisons at once: one branch to predict instead of two.
    return (static_cast<unsigned>(version < died)
            & static_cast<unsigned>(born <= version))
           != 0;
  }

  std::atomic<uint64_t> birth{0};
  std::atomic<uint64_t> death{0};
  union {
    Payload value;
  };
};

/// Slots of positions [2^log - 1, 2^(log + 1) - 1). A link for each slot
/// follows the slots: it chains dead slots into one of the lists below.
/// Readers never look at it, so it is kept out of their way.
template <class Payload>
struct topic_segment {
  using slot = topic_slot<Payload>;

  topic_segment(uint32_t power, std::byte* storage) noexcept
    : memory(storage), log(power) {
    // nop
  }

  uint32_t size() const noexcept {
    return uint32_t{1} << log;
  }

  uint32_t base() const noexcept {
    return size() - 1;
  }

  slot* slots() const noexcept {
    return reinterpret_cast<slot*>(memory);
  }

  uint32_t& link(uint32_t pos) const noexcept {
    auto* links = memory + sizeof(slot) * size();
    return reinterpret_cast<uint32_t*>(links)[pos - base()];
  }

  topic_segment* next = nullptr;
  std::byte* memory;
  // Slots that have a payload.
  uint32_t used = 0;
  // First slot that can be filled again.
  uint32_t hole = no_slot;
  uint32_t log;
};

/// Dead slots that still have their payload, chained through their links.
struct topic_slot_list {
  uint32_t head = no_slot;
  uint32_t tail = no_slot;
};

/// Allocates segments: header, slots and links in one piece.
template <class Payload, class Allocator>
class topic_memory {
public:
  using slot = topic_slot<Payload>;

  using segment = topic_segment<Payload>;

private:
  static constexpr size_t segment_alignment = std::max(alignof(segment),
                                                       alignof(slot));

  // What memory for a segment is made of: header, slots, links.
  struct alignas(segment_alignment) unit {
    std::byte bytes[segment_alignment];
  };

  static constexpr size_t header_size = (sizeof(segment) + alignof(slot) - 1)
                                        / alignof(slot) * alignof(slot);

  static constexpr size_t units(uint32_t log) noexcept {
    auto slots = size_t{1} << log;
    auto bytes = header_size + slots * (sizeof(slot) + sizeof(uint32_t));
    return (bytes + sizeof(unit) - 1) / sizeof(unit);
  }

  using unit_allocator =
    typename std::allocator_traits<Allocator>::template rebind_alloc<unit>;

  static_assert(std::allocator_traits<unit_allocator>::is_always_equal::value);

public:
  struct segment_deleter {
    void operator()(segment* ptr) const noexcept {
      auto n = units(ptr->log);
      std::destroy_at(ptr);
      unit_allocator{}.deallocate(reinterpret_cast<unit*>(ptr), n);
    }
  };

  using segment_ptr = std::unique_ptr<segment, segment_deleter>;

  /// @throws std::bad_alloc
  static segment_ptr allocate(uint32_t log) {
    auto* memory = unit_allocator{}.allocate(units(log));
    auto* slots = reinterpret_cast<std::byte*>(memory) + header_size;
    return segment_ptr{
      std::construct_at(reinterpret_cast<segment*>(memory), log, slots)};
  }
};

} // namespace cafreg::detail
