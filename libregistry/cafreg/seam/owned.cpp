// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/owned.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace cafreg::seam {

namespace {

// For each thread that waits, what it waits for. One for the process, since a
// cycle may lead through several registries; used by slow paths only.
//
// Whoever completes a cycle sees it: each of its threads took what the others
// wait for before it began to wait itself, and noted that under this lock.
class wait_graph {
public:
  static wait_graph& get() {
    static auto* instance = std::make_unique<wait_graph>().release();
    return *instance;
  }

  // Returns false if the calling thread would wait for itself in the end.
  // @param outer Set to what it waits for already, or null.
  bool enter(const owned& wanted, const owned*& outer) {
    auto self = this_thread_id();
    std::lock_guard guard{mutex_};
    // Each thread waits for one thing at most: a path, not a tree.
    for (const auto* at = &wanted; at != nullptr;) {
      auto owner = at->owner();
      if (owner == self)
        return false;
      auto pos = waiting_.find(owner);
      at = pos != waiting_.end() ? pos->second : nullptr;
    }
    auto& mine = waiting_[self];
    outer = std::exchange(mine, &wanted);
    return true;
  }

  void leave(const owned* outer) noexcept {
    std::lock_guard guard{mutex_};
    auto pos = waiting_.find(this_thread_id());
    if (outer != nullptr)
      pos->second = outer;
    else
      waiting_.erase(pos);
  }

private:
  std::mutex mutex_;
  std::unordered_map<thread_id, const owned*> waiting_;
};

} // namespace

waiting_for::waiting_for(const owned& wanted)
  : hopeless_(!wait_graph::get().enter(wanted, outer_)) {
  // nop
}

waiting_for::~waiting_for() {
  if (!hopeless_)
    wait_graph::get().leave(outer_);
}

} // namespace cafreg::seam
