// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/epoch.hpp"

#include <memory>
#include <mutex>

#if defined(__linux__)
#  include <linux/membarrier.h>
#  include <sys/syscall.h>
#  include <unistd.h>
#endif
#include <new>

#include <pthread.h>

namespace cafreg::detail::epoch {

constinit clock global;

namespace {

constinit std::atomic<reader*> readers{nullptr};

constinit std::mutex advancing;

#if defined(__linux__) && defined(SYS_membarrier)

bool membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0, 0) == 0;
}

// An old kernel or a sandbox may refuse.
bool enable_barriers() noexcept {
  return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
         && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

// Cannot fail once it was enabled; a child process inherits that.
bool issue_barrier() noexcept {
  return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

#else

bool enable_barriers() noexcept {
  return false;
}

bool issue_barrier() noexcept {
  return false;
}

#endif

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
    seam::this_thread.reader = nullptr;
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
  // Each pin comes after this: all pins of a process are of one kind.
  [[maybe_unused]] static const auto barriers = [] {
    auto enabled = enable_barriers();
    global.barriers.store(enabled);
    return enabled;
  }();
  static const lease leases;
  auto& mine = acquire();
  leases.start(&mine);
  seam::this_thread.reader = &mine;
  return mine;
}

bool try_advance() noexcept {
  std::unique_lock guard{advancing, std::try_to_lock};
  if (!guard.owns_lock())
    return false;
  auto now = global.now.load(std::memory_order_seq_cst);
  if (global.barriers.load(std::memory_order_relaxed) && !issue_barrier())
    return false;
  for (auto* ptr = readers.load(); ptr != nullptr; ptr = ptr->next) {
    auto seen = ptr->pinned.load(std::memory_order_seq_cst);
    if (seen != 0 && seen != now)
      return false;
  }
  global.now.store(now + 1, std::memory_order_seq_cst);
  return true;
}

} // namespace cafreg::detail::epoch
