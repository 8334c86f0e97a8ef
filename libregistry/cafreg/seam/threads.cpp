// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/threads.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <caf/blocking_actor.hpp>

#include "cafreg/seam/who.hpp"

namespace cafreg::seam {

namespace {

// Nobody waits for an actor that this thread would have to run.
class may_wait {
public:
  may_wait() = default;

  may_wait(const may_wait&) = delete;

  may_wait& operator=(const may_wait&) = delete;

  ~may_wait() {
    this_thread.runs_actors = mark_;
  }

private:
  const bool mark_ = std::exchange(this_thread.runs_actors, false);
};

} // namespace

void run_aside(caf::actor_system& sys, const driver* by,
               std::function<void()> fn) {
  spawn_aside(sys, by, [fn = std::move(fn), by](caf::event_based_actor*) {
    std::optional<may_wait> own_thread;
    if (by == nullptr)
      own_thread.emplace();
    fn();
  });
}

void run_beside(const driver* by, size_t count,
                const std::function<void(size_t)>& fn) {
  std::vector<std::jthread> helpers; // joined at the end
  size_t next = 1;
  if (by == nullptr && this_thread.driven_by == nullptr && count > 1)
    try {
      helpers.reserve(count - 1);
      for (; next < count; ++next)
        // What would block this thread must not be waited for there.
        helpers.emplace_back([&fn, next, mark = this_thread.runs_actors] {
          this_thread.runs_actors = mark;
          fn(next);
        });
    } catch (const std::system_error&) {
      // No more threads to be had.
    }
  if (count > 0)
    fn(0);
  for (; next < count; ++next)
    fn(next);
}

namespace {

struct thread_life {
  explicit thread_life(std::shared_ptr<detail::actor_loop> what)
    : loop(std::move(what)) {
    // nop
  }

  thread_life(const thread_life&) = delete;

  thread_life& operator=(const thread_life&) = delete;

  ~thread_life() {
    detail::end_loop(*loop);
  }

  const std::shared_ptr<detail::actor_loop> loop;
};

// The threads of a process that run actors of ours.
struct thread_list {
  static thread_list& get() {
    static auto* instance = std::make_unique<thread_list>().release();
    return *instance;
  }

  std::mutex mutex;
  std::map<std::pair<caf::actor_system*, duty>, std::weak_ptr<thread_life>>
    lives;
};

} // namespace

actor_thread actor_thread::of(caf::actor_system& sys, const driver* by,
                              duty what) {
  actor_thread result;
  if (by != nullptr)
    return result;
  auto& list = thread_list::get();
  std::lock_guard guard{list.mutex};
  std::erase_if(list.lives, [](auto& x) { return x.second.expired(); });
  auto& known = list.lives[{&sys, what}];
  auto life = known.lock();
  if (!life) {
    life = std::make_shared<thread_life>(detail::make_loop(sys));
    sys.spawn<caf::detached + caf::hidden>(
      [loop = life->loop](caf::blocking_actor*) { detail::run_loop(*loop); });
    known = life;
  }
  result.loop_ = life->loop;
  result.life_ = std::move(life);
  return result;
}

} // namespace cafreg::seam
