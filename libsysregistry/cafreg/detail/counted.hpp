// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace cafreg::detail {

/// Counts who refers to an object that trees share.
class counted {
public:
  counted() noexcept = default;

  /// A copy is another object.
  counted(const counted&) noexcept {
    // nop
  }

  counted& operator=(const counted&) = delete;

  void acquire() const noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);
  }

  /// @returns whether this was the last reference.
  bool release() const noexcept {
    // Who has the only reference needs no read-modify-write to give it up.
    return unique() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  /// Whether there is but one reference. Only who has it may act on that: then
  /// nobody else can make another one.
  bool unique() const noexcept {
    return references_.load(std::memory_order_acquire) == 1;
  }

private:
  mutable std::atomic<uint32_t> references_{1};
};

/// A reference to a counted object, which `destroy(const T*)` ends. As
/// thread-safe as any pointer.
template <class T>
class counted_ref {
public:
  counted_ref() noexcept = default;

  /// Refers to an object that somebody else refers to.
  explicit counted_ref(T* ptr) noexcept : ptr_(ptr) {
    if (ptr_ != nullptr)
      ptr_->acquire();
  }

  counted_ref(const counted_ref& other) noexcept : counted_ref(other.ptr_) {
    // nop
  }

  counted_ref(counted_ref&& other) noexcept
    : ptr_(std::exchange(other.ptr_, nullptr)) {
    // nop
  }

  counted_ref& operator=(counted_ref other) noexcept {
    std::swap(ptr_, other.ptr_);
    return *this;
  }

  ~counted_ref() {
    if (ptr_ != nullptr && ptr_->release())
      destroy(ptr_);
  }

  /// Takes over the reference that an object is made with.
  static counted_ref adopt(T* ptr) noexcept {
    counted_ref result;
    result.ptr_ = ptr;
    return result;
  }

  /// Gives the reference away.
  T* detach() noexcept {
    return std::exchange(ptr_, nullptr);
  }

  T* get() const noexcept {
    return ptr_;
  }

  T* operator->() const noexcept {
    return ptr_;
  }

  T& operator*() const noexcept {
    return *ptr_;
  }

  explicit operator bool() const noexcept {
    return ptr_ != nullptr;
  }

private:
  T* ptr_ = nullptr;
};

} // namespace cafreg::detail
