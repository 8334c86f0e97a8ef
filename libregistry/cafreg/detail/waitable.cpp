// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/waitable.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>

namespace cafreg::detail {

namespace {

// For each thread that waits, what it waits for. One for the process, since a
// cycle may lead through several registries; used by slow paths only.
class wait_graph {
public:
  static wait_graph& get() {
    static auto* instance = std::make_unique<wait_graph>().release();
    return *instance;
  }

  // Returns false if the calling thread would wait for itself in the end.
  bool enter(const waitable& wanted) {
    auto self = std::this_thread::get_id();
    std::lock_guard guard{mutex_};
    // Each thread waits for one thing at most: a path, not a tree.
    for (const auto* at = &wanted; at != nullptr && !at->done();) {
      if (at->owner() == self)
        return false;
      auto pos = waiting_.find(at->owner());
      at = pos != waiting_.end() ? pos->second : nullptr;
    }
    waiting_.insert_or_assign(self, &wanted);
    return true;
  }

  void leave() noexcept {
    std::lock_guard guard{mutex_};
    waiting_.erase(std::this_thread::get_id());
  }

private:
  std::mutex mutex_;
  std::unordered_map<std::thread::id, const waitable*> waiting_;
};

} // namespace

waitable::~waitable() {
  // nop
}

void waitable::finish() noexcept {
  done_.store(true, std::memory_order_release);
  done_.notify_all();
}

bool waitable::wait() const {
  if (done())
    return true;
  auto& graph = wait_graph::get();
  if (!graph.enter(*this))
    return false;
  done_.wait(false, std::memory_order_acquire);
  graph.leave();
  return true;
}

} // namespace cafreg::detail
