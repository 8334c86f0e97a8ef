// The processes of this machine, from /proc.

#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace demo {

struct process {
  int pid;
  std::string user;
  std::string command;
};

/// Lists the processes that run now and can be read.
std::vector<process> processes();

int own_pid();

std::string own_user();

/// A child process that ends with this object.
class child_process {
public:
  explicit child_process(std::vector<std::string> arguments);

  child_process(const child_process&) = delete;

  child_process& operator=(const child_process&) = delete;

  ~child_process();

  /// Takes note if the child has ended, so that it leaves /proc.
  void reap();

private:
  pid_t pid_ = -1;
};

} // namespace demo
