// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>

#include "cafreg/seam/who.hpp"

namespace cafreg::seam {

/// Something that at most one thread has at a time, and others wait for.
class owned {
public:
  /// Nobody has it.
  owned() = default;

  owned(const owned&) = delete;

  owned& operator=(const owned&) = delete;

  /// Who has it: 0 for nobody.
  thread_id owner() const noexcept {
    return owner_.load(std::memory_order_acquire);
  }

  /// The calling thread has it from now on.
  void take() noexcept {
    owner_.store(this_thread_id(), std::memory_order_release);
  }

  /// Nobody has it from now on.
  void give_back() noexcept {
    owner_.store(0, std::memory_order_release);
  }

private:
  std::atomic<thread_id> owner_{0};
};

/// Notes that the calling thread waits for something, as long as this object
/// exists: so that threads that would wait for one another, over any number of
/// others and in whatever registries, are told instead. Who waits for whom is
/// known exactly: nobody is refused who could wait. Complexity: linear in the
/// number of threads on the way, under a lock that all waits share.
class waiting_for {
public:
  /// @param wanted Outlives this object.
  explicit waiting_for(const owned& wanted);

  waiting_for(const waiting_for&) = delete;

  waiting_for& operator=(const waiting_for&) = delete;

  ~waiting_for();

  /// Whether this thread would wait for itself in the end.
  bool hopeless() const noexcept {
    return hopeless_;
  }

private:
  // What it waits for besides, if it is driven: further up its stack.
  const owned* outer_ = nullptr;
  const bool hopeless_;
};

} // namespace cafreg::seam
