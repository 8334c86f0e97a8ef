// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "cafreg/detail/topic_memory.hpp"

namespace cafreg::detail {

/// The entries at one moment. Lives where the reader likes, usually on his
/// stack, and must not move or end between `open` and `close`.
class topic_snapshot {
public:
  template <class, class>
  friend class topic;

  template <class>
  friend class topic_view;

  topic_snapshot() = default;

  topic_snapshot(const topic_snapshot&) = delete;

  topic_snapshot& operator=(const topic_snapshot&) = delete;

  ~topic_snapshot() {
    assert(version_ == 0 && "an open snapshot was destroyed");
  }

  /// Returns how many entries it has. Needs no lock.
  uint32_t size() const noexcept {
    return size_;
  }

  bool empty() const noexcept {
    return size_ == 0;
  }

private:
  // 0 while it is not open.
  uint64_t version_ = 0;
  topic_snapshot* older_ = nullptr;
  topic_snapshot* newer_ = nullptr;
  uint32_t end_ = 0;
  uint32_t size_ = 0;
  // Dead slots whose newest open snapshot is this one...
  topic_slot_list kept_;
  uint32_t num_kept_ = 0;
  // ... and those of a newer one that was closed: they are in this snapshot,
  // or in none any more.
  topic_slot_list unsorted_;
  uint32_t num_unsorted_ = 0;
};

/// Walks a snapshot. Valid while the snapshot is open.
template <class Payload>
class topic_iterator {
public:
  template <class>
  friend class topic_view;

  using iterator_category = std::forward_iterator_tag;
  using value_type = Payload;
  using difference_type = std::ptrdiff_t;
  using pointer = const Payload*;
  using reference = const Payload&;

  topic_iterator() = default;

  reference operator*() const noexcept {
    return slot_->value;
  }

  pointer operator->() const noexcept {
    return &slot_->value;
  }

  topic_iterator& operator++() noexcept {
    ++slot_;
    settle();
    return *this;
  }

  topic_iterator operator++(int) noexcept {
    auto result = *this;
    ++*this;
    return result;
  }

  friend bool operator==(const topic_iterator& x,
                         const topic_iterator& y) noexcept {
    return x.slot_ == y.slot_;
  }

  friend bool operator==(const topic_iterator& x,
                         std::default_sentinel_t) noexcept {
    return x.slot_ == x.last_;
  }

private:
  using slot = topic_slot<Payload>;

  using segment = topic_segment<Payload>;

  topic_iterator(const segment* first, uint64_t version, uint32_t end) noexcept
    : version_(version) {
    if (end != 0) {
      enter(first, end);
      settle();
    }
  }

  void enter(const segment* next, uint32_t left) noexcept {
    auto n = std::min(left, next->size());
    segment_ = next;
    slot_ = next->slots();
    last_ = slot_ + n;
    left_ = left - n;
  }

  // Moves on to the next entry, unless this is one. Leaves a segment only
  // when there is another, so that `slot_ == last_` means the end.
  void settle() noexcept {
    for (;;) {
      for (; slot_ != last_; ++slot_)
        if (slot_->visible_at(version_))
          return;
      if (left_ == 0)
        return;
      enter(segment_->next, left_);
    }
  }

  const slot* slot_ = nullptr;
  const slot* last_ = nullptr;
  uint64_t version_ = 0;
  const segment* segment_ = nullptr;
  uint32_t left_ = 0;
};

/// The entries of a snapshot as a range, `for (auto& entry : view)`. Valid
/// while the snapshot is open.
template <class Payload>
class topic_view {
public:
  template <class, class>
  friend class topic;

  using value_type = Payload;
  using const_iterator = topic_iterator<Payload>;

  topic_iterator<Payload> begin() const noexcept {
    return {first_, snapshot_->version_, snapshot_->end_};
  }

  std::default_sentinel_t end() const noexcept {
    return {};
  }

  uint32_t size() const noexcept {
    return snapshot_->size();
  }

  bool empty() const noexcept {
    return snapshot_->empty();
  }

private:
  topic_view(const topic_segment<Payload>* first,
             const topic_snapshot* source) noexcept
    : first_(first), snapshot_(source) {
    // nop
  }

  const topic_segment<Payload>* first_;
  const topic_snapshot* snapshot_;
};

} // namespace cafreg::detail
