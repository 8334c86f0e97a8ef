// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/deaths.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include "cafreg/types.hpp"

namespace cafreg::detail {

death::death(caf::actor_control_block* who, const caf::error& reason)
  : who_(who), reason_(reason) {
  actors::acquire(who_, false);
}

death::~death() {
  actors::release(who_, false);
}

deaths::~deaths() {
  close();
}

void deaths::attend(const caf::strong_actor_ptr& keeper) {
  keeper_ = caf::actor_cast<weak_actor>(keeper);
  keeper_address_ = keeper.get();
  system_ = &system_of(keeper.get());
}

void deaths::list::push(death* what) noexcept {
  what->next_ = nullptr;
  if (head == nullptr)
    head = what;
  else
    tail->next_ = what;
  tail = what;
}

death* deaths::list::pop() noexcept {
  auto* result = head;
  if (result != nullptr)
    head = result->next_;
  return result;
}

void deaths::list::splice(list& other) noexcept {
  if (other.head == nullptr)
    return;
  if (head == nullptr)
    head = other.head;
  else
    tail->next_ = other.head;
  tail = other.tail;
  other.head = nullptr;
}

void deaths::add(caf::actor_control_block* who, const caf::error& reason,
                 execution_context* ctx) {
  auto fresh = std::make_unique<death>(who, reason);
  {
    std::lock_guard guard{mutex_};
    if (closed_)
      return; // `fresh` outlives the lock
    waiting_.push(fresh.release());
    auto size = size_.load(std::memory_order_relaxed) + 1;
    size_.store(size, std::memory_order_relaxed);
    if (size == limit)
      too_many_.store(true, std::memory_order_relaxed);
    if (std::exchange(awake_, true))
      return;
  }
  wake(ctx);
}

death_ptr deaths::take() noexcept {
  std::lock_guard guard{mutex_};
  return death_ptr{waiting_.pop()};
}

death_ptr deaths::take_or_sleep() noexcept {
  std::lock_guard guard{mutex_};
  auto* result = waiting_.pop();
  if (result == nullptr)
    awake_ = false;
  return death_ptr{result};
}

bool deaths::go_on() noexcept {
  return wake(nullptr);
}

void deaths::put_back(death_ptr what) noexcept {
  {
    std::lock_guard guard{mutex_};
    if (closed_)
      return; // `what` outlives the lock
    list front;
    front.push(what.release());
    front.splice(waiting_);
    waiting_ = front;
    if (std::exchange(awake_, true))
      return;
  }
  wake(nullptr);
}

void deaths::postpone(death_ptr what) noexcept {
  {
    std::lock_guard guard{mutex_};
    if (closed_)
      return; // `what` outlives the lock
    auto first = postponed_.head == nullptr;
    postponed_.push(what.release());
    if (!first)
      return;
  }
  auto keeper = keeper_.lock();
  if (!keeper)
    return;
  try {
    post_later(system_of(keeper.get()), keeper, again_delay,
               caf::make_message(deaths_noticed{}, try_again{}));
  } catch (...) {
    recall(); // the next death may have the memory for it
  }
}

void deaths::recall() noexcept {
  std::lock_guard guard{mutex_};
  waiting_.splice(postponed_);
}

void deaths::settle() noexcept {
  std::lock_guard guard{mutex_};
  if (closed_)
    return;
  auto size = size_.load(std::memory_order_relaxed) - 1;
  size_.store(size, std::memory_order_relaxed);
  if (size == limit / 2)
    too_many_.store(false, std::memory_order_relaxed);
}

void deaths::close() noexcept {
  list dropped;
  {
    std::lock_guard guard{mutex_};
    closed_ = true;
    dropped.splice(waiting_);
    dropped.splice(postponed_);
    size_.store(0, std::memory_order_relaxed);
    too_many_.store(false, std::memory_order_relaxed);
  }
  while (death_ptr next{dropped.pop()})
    next.reset();
}

bool deaths::wake(execution_context* ctx) noexcept {
  try {
    if (auto keeper = keeper_.lock())
      keeper->enqueue(envelope(caf::make_message(deaths_noticed{})), ctx);
    return true;
  } catch (...) {
    // The next death may have the memory for it.
    std::lock_guard guard{mutex_};
    awake_ = false;
    return false;
  }
}

} // namespace cafreg::detail
