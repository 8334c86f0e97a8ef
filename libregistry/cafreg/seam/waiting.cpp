// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/waiting.hpp"

#include <thread>

#include "cafreg/seam/who.hpp"

namespace cafreg::seam {

namespace {

// A driver that has nothing to do may have to wait for a thread that it does
// not drive, such as that of a detached actor: so long, and so often.
constexpr auto idle_time = std::chrono::milliseconds{1};
constexpr auto idle_rounds = 2'000;

// Unlocks, and locks again whatever happens.
class unlocked {
public:
  explicit unlocked(std::unique_lock<std::mutex>& guard) : guard_(guard) {
    guard_.unlock();
  }

  unlocked(const unlocked&) = delete;

  unlocked& operator=(const unlocked&) = delete;

  ~unlocked() {
    guard_.lock();
  }

private:
  std::unique_lock<std::mutex>& guard_;
};

waited drive(driver& by, std::unique_lock<std::mutex>& guard,
             std::condition_variable& changed, time_point deadline,
             const std::function<bool()>& done) {
  for (auto idle = 0; !done();) {
    auto moved = false;
    auto late = false;
    {
      unlocked meanwhile{guard};
      late = deadline != never && by.now() >= deadline;
      moved = !late && by.step();
    }
    if (late)
      return done() ? waited::done : waited::timeout;
    if (moved)
      idle = 0;
    else if (++idle > idle_rounds)
      return done() ? waited::done : waited::stuck;
    else
      changed.wait_for(guard, idle_time, done);
  }
  return waited::done;
}

} // namespace

driver::~driver() {
  // nop
}

waited wait(driver* by, std::unique_lock<std::mutex>& guard,
            std::condition_variable& changed, time_point deadline,
            const std::function<bool()>& done) {
  if (by == nullptr)
    by = this_thread.driven_by;
  if (by != nullptr)
    return drive(*by, guard, changed, deadline, done);
  if (deadline == never) {
    // The latest point in time overflows inside some implementations.
    changed.wait(guard, done);
    return waited::done;
  }
  return changed.wait_until(guard, deadline, done) ? waited::done
                                                   : waited::timeout;
}

void wait_while(const std::atomic<int>& what, int value) noexcept {
  if (auto* by = this_thread.driven_by; by == nullptr || !by->step())
    what.wait(value, std::memory_order_relaxed);
}

void give_way() noexcept {
  if (auto* by = this_thread.driven_by; by == nullptr || !by->step())
    std::this_thread::yield();
}

} // namespace cafreg::seam
