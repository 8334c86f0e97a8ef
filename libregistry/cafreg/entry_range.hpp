// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <new>
#include <type_traits>
#include <utility>

namespace cafreg {

/// The entries that a dispatch shows: a range of `entry_view`, cheap to copy,
/// valid only during the callback that gets it. It does not change while
/// others register and unregister, and can be walked several times, also by
/// several threads.
template <class View, class Entries>
class entry_range {
  using key_view = typename View::key_view;

  // The key in a form that can be assigned.
  using key_store = std::conditional_t<std::is_reference_v<key_view>,
                                       std::add_pointer_t<key_view>, key_view>;

  static key_store store(key_view key) noexcept {
    if constexpr (std::is_reference_v<key_view>)
      return &key;
    else
      return key;
  }

  static key_view load(key_store key) noexcept {
    if constexpr (std::is_reference_v<key_view>)
      return *key;
    else
      return key;
  }

public:
  /// An input iterator. What it refers to is made when it is looked at and
  /// lasts until the iterator moves on or ends; a temporary iterator gives a
  /// copy.
  class iterator {
  public:
    /// @cond
    using iterator_concept = std::input_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = View;
    using difference_type = std::ptrdiff_t;
    using pointer = const View*;
    using reference = const View&;

    iterator() = default;

    reference operator*() const& noexcept {
      static_assert(std::is_trivially_destructible_v<View>);
      return *::new (static_cast<void*>(view_.bytes.data()))
        View{load(key_), position_->value(), position_->actor(), strong_};
    }

    // So that `auto& first = *entries.begin();` does not compile, and with
    // `auto` or `const auto&` is no trap.
    View operator*() const&& noexcept {
      return {load(key_), position_->value(), position_->actor(), strong_};
    }

    pointer operator->() const noexcept {
      return &**this;
    }

    iterator& operator++() noexcept {
      ++position_;
      return *this;
    }

    iterator operator++(int) noexcept {
      auto result = *this;
      ++position_;
      return result;
    }

    friend bool operator==(const iterator& x, const iterator& y) noexcept {
      return x.position_ == y.position_;
    }

    friend bool operator==(const iterator& x,
                           std::default_sentinel_t end) noexcept {
      return x.position_ == end;
    }
    /// @endcond

  private:
    friend class entry_range;

    using position = decltype(std::declval<const Entries&>().begin());

    // Where the present view is made; a copy of an iterator makes its own.
    struct place {
      place() noexcept {
        // nop
      }

      place(const place&) noexcept {
        // nop
      }

      place& operator=(const place&) noexcept {
        return *this;
      }

      alignas(View) std::array<std::byte, sizeof(View)> bytes;
    };

    iterator(position pos, key_store key, bool strong) noexcept
      : position_(pos), key_(key), strong_(strong) {
      // nop
    }

    position position_{};
    key_store key_{};
    bool strong_ = true;
    mutable place view_;
  };

  /// An `entry_view`.
  using value_type = View;

  /// The entries cannot be changed.
  using const_iterator = iterator;

  /// Called by registries.
  entry_range(key_view key, Entries entries, bool strong) noexcept
    : entries_(entries), key_(store(key)), strong_(strong) {
    // nop
  }

  /// The key of all entries.
  key_view key() const noexcept {
    return load(key_);
  }

  /// The first entry.
  iterator begin() const noexcept {
    return {entries_.begin(), key_, strong_};
  }

  /// The end.
  std::default_sentinel_t end() const noexcept {
    return {};
  }

  /// Number of entries, at least one. Complexity: constant.
  size_t size() const noexcept {
    return entries_.size();
  }

  /// Whether there is no entry: never during a dispatch.
  bool empty() const noexcept {
    return entries_.empty();
  }

private:
  Entries entries_;
  key_store key_;
  bool strong_;
};

} // namespace cafreg
