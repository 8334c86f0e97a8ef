// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <sys/resource.h>

/// As if the disk was full: while it exists, files take no more than so many
/// bytes, and writing more fails.
class full_disk {
public:
  explicit full_disk(size_t limit) {
    // Its default action ends the process.
    old_action_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    auto next = old_limit_;
    next.rlim_cur = limit;
    if (::setrlimit(RLIMIT_FSIZE, &next) != 0)
      throw std::runtime_error{"cannot limit the size of files"};
  }

  full_disk(const full_disk&) = delete;

  full_disk& operator=(const full_disk&) = delete;

  ~full_disk() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_action_);
  }

private:
  rlimit old_limit_{};
  void (*old_action_)(int);
};
