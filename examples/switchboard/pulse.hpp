// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace switchboard {

/// Calls a function again and again, in a thread of its own, until this object
/// ends.
class pulse {
public:
  pulse(std::chrono::milliseconds pause, std::function<void()> fn)
    : thread_([pause, fn = std::move(fn)](const std::stop_token& ended) {
        std::mutex mutex;
        std::condition_variable_any sleep;
        std::unique_lock guard{mutex};
        while (!sleep.wait_for(guard, ended, pause,
                               [&ended] { return ended.stop_requested(); }))
          fn();
      }) {
    // nop
  }

private:
  std::jthread thread_;
};

} // namespace switchboard
