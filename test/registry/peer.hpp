// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace caf_test {

/// Another process, which publishes actors and first writes the ports to its
/// standard output. To be started before there are threads.
class peer {
public:
  /// @param program Its name, see cafreg_add_test_program.
  explicit peer(const std::string& program, size_t ports = 1) {
    int to_child[2];
    int from_child[2];
    if (pipe(to_child) != 0 || pipe(from_child) != 0)
      return;
    auto file = CAFREG_TEST_PROGRAM_DIR "/" + program;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(to_child[0], 0);
      dup2(from_child[1], 1);
      for (auto fd : {to_child[0], to_child[1], from_child[0], from_child[1]})
        close(fd);
      execl(file.c_str(), "peer", nullptr);
      _exit(127);
    }
    close(to_child[0]);
    close(from_child[1]);
    input_ = to_child[1];
    ports_.resize(ports);
    if (auto* in = fdopen(from_child[0], "r")) {
      for (auto& port : ports_)
        if (std::fscanf(in, "%d", &port) != 1)
          port = 0;
      std::fclose(in);
    }
  }

  peer(const peer&) = delete;

  peer& operator=(const peer&) = delete;

  ~peer() {
    end(SIGKILL);
    if (input_ >= 0)
      close(input_);
  }

  void end(int signal) {
    if (pid_ <= 0)
      return;
    ::kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  /// Writes a number to its standard input.
  bool tell(int what) const {
    auto line = std::to_string(what) + '\n';
    return ::write(input_, line.data(), line.size())
           == static_cast<ssize_t>(line.size());
  }

  /// 0 if it could not be started.
  uint16_t port(size_t index = 0) const {
    return index < ports_.size() ? static_cast<uint16_t>(ports_[index])
                                 : uint16_t{0};
  }

private:
  pid_t pid_ = -1;
  int input_ = -1;
  std::vector<int> ports_;
};

} // namespace caf_test
