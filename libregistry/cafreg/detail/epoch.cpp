// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/epoch.hpp"

#include <memory>
#include <mutex>
#include <new>

#include <pthread.h>

namespace cafreg::detail::epoch {

constinit thread_local reader* this_thread = nullptr;

constinit clock global;

namespace {

constinit std::atomic<reader*> readers{nullptr};

constinit std::mutex advancing;

// Gives the reader back when its thread ends. This is the last thing that a
// thread does: destructors of its thread-local objects may still pin, and one
// that pins later gets a reader, and gives it back, once more.
class lease {
public:
  lease() {
    if (pthread_key_create(&key_, give_back) != 0)
      throw std::bad_alloc{};
  }

  void start(reader* held) const {
    if (pthread_setspecific(key_, held) != 0) {
      give_back(held);
      throw std::bad_alloc{};
    }
  }

private:
  static void give_back(void* held) noexcept {
    this_thread = nullptr;
    static_cast<reader*>(held)->owned.store(false, std::memory_order_release);
  }

  pthread_key_t key_;
};

reader& acquire() {
  for (auto* ptr = readers.load(); ptr != nullptr; ptr = ptr->next) {
    auto owned = false;
    if (ptr->owned.compare_exchange_strong(owned, true))
      return *ptr;
  }
  // Readers live as long as the process: a thread may scan them at any time.
  auto* fresh = std::make_unique<reader>().release();
  fresh->next = readers.load();
  while (!readers.compare_exchange_weak(fresh->next, fresh))
    ; // the loop's condition does the work
  return *fresh;
}

} // namespace

reader& enter() {
  static const lease leases;
  auto& mine = acquire();
  leases.start(&mine);
  this_thread = &mine;
  return mine;
}

bool try_advance() noexcept {
  std::unique_lock guard{advancing, std::try_to_lock};
  if (!guard.owns_lock())
    return false;
  auto now = global.now.load(std::memory_order_seq_cst);
  for (auto* ptr = readers.load(); ptr != nullptr; ptr = ptr->next) {
    auto seen = ptr->pinned.load(std::memory_order_seq_cst);
    if (seen != 0 && seen != now)
      return false;
  }
  global.now.store(now + 1, std::memory_order_seq_cst);
  return true;
}

} // namespace cafreg::detail::epoch
