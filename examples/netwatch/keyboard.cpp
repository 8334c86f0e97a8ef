// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "netwatch/keyboard.hpp"

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace netwatch {

std::optional<std::string> keyboard::line_until(time_point when) {
  using namespace std::chrono;
  for (;;) {
    if (auto line = take_line())
      return line;
    if (ended_) {
      std::this_thread::sleep_until(when);
      return std::nullopt;
    }
    auto left = ceil<milliseconds>(when - steady_clock::now()).count();
    pollfd in{STDIN_FILENO, POLLIN, 0};
    auto ready = poll(&in, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready == 0)
      return std::nullopt;
    if (ready < 0) // by a signal
      continue;
    char some[256];
    auto count = read(STDIN_FILENO, some, sizeof(some));
    if (count > 0)
      typed_.append(some, static_cast<size_t>(count));
    else
      ended_ = true;
  }
}

std::optional<std::string> keyboard::take_line() {
  auto end = typed_.find('\n');
  if (end == std::string::npos) {
    if (!ended_ || typed_.empty())
      return std::nullopt;
    return std::exchange(typed_, {}); // the last one has no end
  }
  auto result = typed_.substr(0, end);
  typed_.erase(0, end + 1);
  return result;
}

} // namespace netwatch
