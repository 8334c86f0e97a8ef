#include "demo/processes.hpp"

#include <cctype>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace demo {

namespace {

std::string user_name(uid_t uid) {
  if (auto* entry = getpwuid(uid))
    return entry->pw_name;
  return std::to_string(uid);
}

bool is_number(const std::string& text) {
  for (auto ch : text)
    if (std::isdigit(static_cast<unsigned char>(ch)) == 0)
      return false;
  return !text.empty() && text.size() < 10;
}

} // namespace

std::vector<process> processes() {
  std::vector<process> result;
  std::error_code error;
  for (auto& dir : std::filesystem::directory_iterator{"/proc", error}) {
    auto name = dir.path().filename().string();
    if (!is_number(name))
      continue;
    // A process may end at any time: what cannot be read is not there.
    struct stat info;
    std::ifstream file{dir.path() / "comm"};
    std::string command;
    if (stat(dir.path().c_str(), &info) == 0 && std::getline(file, command))
      result.push_back({std::stoi(name), user_name(info.st_uid), command});
  }
  return result;
}

int own_pid() {
  return getpid();
}

std::string own_user() {
  return user_name(getuid());
}

child_process::child_process(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (auto& argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ) != 0)
    pid_ = -1;
}

child_process::~child_process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void child_process::reap() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_)
    pid_ = -1;
}

} // namespace demo
