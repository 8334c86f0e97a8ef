// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/atomic_file.hpp"

#include <atomic>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "catch.hpp"
#include "sysregistry/full_disk.hpp"
#include "sysregistry/scratch.hpp"

namespace atomic_file_test {

using cafreg::detail::read_file;
using cafreg::detail::remove_leftovers;
using cafreg::detail::set_file_aside;
using cafreg::detail::write_file;

namespace {

using strings = std::vector<std::string>;

constexpr size_t no_limit = size_t{1} << 30;

/// Returns the content, or what is wrong.
std::string read(const std::string& file, size_t limit = no_limit) {
  std::optional<std::string> content;
  if (auto problem = read_file(file, limit, content)) {
    CHECK_FALSE(content);
    return problem.text();
  }
  return content.value_or("not there");
}

std::string aside(const std::string& file) {
  std::string result;
  auto problem = set_file_aside(file, result);
  return problem ? problem.text() : result;
}

mode_t mode_of(const std::string& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// What a temporary file of "state" may be called.
constexpr auto leftover = ".state.0123456789abcdef.tmp";

} // namespace

TEST_CASE("a file is created and replaced") {
  scratch dir;
  auto file = dir / "state";
  CHECK(read(file) == "not there");
  CHECK_FALSE(write_file(file, "one"));
  CHECK(dir.get("state") == "one");
  CHECK(read(file) == "one");
  CHECK_FALSE(write_file(file, ""));
  CHECK(read(file).empty());
  auto large = std::string(3'000'000, 'x') + std::string(1, '\0') + "end";
  CHECK_FALSE(write_file(file, large));
  CHECK(read(file) == large);
  CHECK(dir.names() == strings{"state"});
}

TEST_CASE("a file without a directory in its name is in the current one") {
  scratch dir;
  auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir / "");
  CHECK_FALSE(write_file("state", "here"));
  CHECK(read("state") == "here");
  remove_leftovers("state");
  std::filesystem::current_path(before);
  CHECK(dir.names() == strings{"state"});
}

TEST_CASE("the longest of names can be written") {
  scratch dir;
  std::string name(255, 'n');
  CHECK_FALSE(write_file(dir / name, "x"));
  CHECK(dir.names() == strings{name});
}

TEST_CASE("a new file is private, and an old one keeps its permissions") {
  scratch dir;
  auto file = dir / "state";
  CHECK_FALSE(write_file(file, "one"));
  CHECK(mode_of(file) == 0600);
  REQUIRE(::chmod(file.c_str(), 0664) == 0);
  CHECK_FALSE(write_file(file, "two"));
  CHECK(mode_of(file) == 0664);
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  CHECK_FALSE(write_file(file, "three"));
  CHECK(mode_of(file) == 0400);
}

TEST_CASE("a link stays, and what it leads to is replaced") {
  scratch dir;
  std::filesystem::create_directory(dir / "real");
  dir.put("real/state", "one");
  std::filesystem::create_symlink("real/state", dir / "link");
  CHECK_FALSE(write_file(dir / "link", "two"));
  CHECK(std::filesystem::is_symlink(dir / "link"));
  CHECK(dir.get("real/state") == "two");
  CHECK(dir.names() == strings{"link", "real"});
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  CHECK_FALSE(write_file(dir / "dangling", "three"));
  CHECK(read(dir / "dangling") == "three");
}

TEST_CASE("nothing but a regular file is read or replaced") {
  scratch dir;
  std::filesystem::create_directory(dir / "state");
  CHECK(has(read(dir / "state"), "no regular file"));
  auto problem = write_file(dir / "state", "x");
  CHECK(has(problem.text(), "no regular file"));
  CHECK(has(problem.text(), dir / "state"));
  // Opening a pipe without a writer could wait for ever.
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(has(read(dir / "pipe"), "no regular file"));
  CHECK(has(write_file(dir / "pipe", "x").text(), "no regular file"));
  CHECK(dir.names() == strings{"pipe", "state"});
}

TEST_CASE("an error names the file, the step and the reason") {
  scratch dir;
  auto file = dir / "missing/state";
  CHECK(write_file(file, "x").text()
        == "file " + file
             + ": cannot create a temporary file beside it: No such file or "
               "directory");
  dir.put("plain", "");
  CHECK(has(read(dir / "plain/state"), "cannot open it: Not a directory"));
  CHECK(has(write_file(dir / "plain/state", "x").text(),
            "cannot look at it: Not a directory"));
  CHECK(write_file("", "x"));
  std::string with_zero{"a\0b", 3};
  CHECK(has(write_file(dir / with_zero, "x").text(), "zero byte"));
  CHECK(has(read(dir / with_zero), "zero byte"));
  CHECK(has(aside(dir / with_zero), "zero byte"));
  CHECK(dir.names() == strings{"plain"});
}

TEST_CASE("what must not be read or written is refused", "[permissions]") {
  if (::geteuid() == 0)
    return; // who may do everything
  scratch dir;
  dir.put("state", "secret");
  REQUIRE(::chmod((dir / "state").c_str(), 0000) == 0);
  CHECK(has(read(dir / "state"), "Permission denied"));
  REQUIRE(::chmod((dir / "").c_str(), 0500) == 0);
  CHECK(has(write_file(dir / "state", "x").text(), "Permission denied"));
  REQUIRE(::chmod((dir / "").c_str(), 0700) == 0);
}

TEST_CASE("a file may be as large as the limit and no larger") {
  scratch dir;
  dir.put("state", "12345");
  CHECK(read(dir / "state", 5) == "12345");
  CHECK(has(read(dir / "state", 4), "more than 4 bytes"));
  dir.put("state", "");
  CHECK(read(dir / "state", 0).empty());
  // Says to be empty.
  CHECK(has(read("/proc/self/maps", 10), "more than 10 bytes"));
  CHECK(read("/proc/self/maps").size() > 10);
}

TEST_CASE("on a full disk the old file stays and nothing is left over") {
  scratch dir;
  auto file = dir / "state";
  dir.put("state", "old");
  std::string problem;
  std::string large(100'000, 'x');
  {
    full_disk disk{4096};
    problem = write_file(file, large).text();
  }
  CHECK(
    has(problem, "cannot write a temporary file beside it: File too large"));
  CHECK(dir.get("state") == "old");
  CHECK(dir.names() == strings{"state"});
  CHECK_FALSE(write_file(file, large));
  CHECK(read(file) == large);
}

TEST_CASE("a crash while writing leaves the old file") {
  scratch dir;
  auto file = dir / "state";
  dir.put("state", "old");
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // The signal for a file that gets too large ends the process in the middle
    // of its work, as a crash does.
    rlimit none{0, 0};
    rlimit small{4096, 4096};
    std::signal(SIGXFSZ, SIG_DFL);
    if (::setrlimit(RLIMIT_CORE, &none) == 0
        && ::setrlimit(RLIMIT_FSIZE, &small) == 0) {
      static const std::string large(100'000, 'x');
      [[maybe_unused]] auto problem = write_file(file, large);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(dir.get("state") == "old");
  REQUIRE(dir.names().size() == 2);
  // Nobody else may read what was to become a private file.
  CHECK(mode_of(dir / dir.names().front()) == 0600);
  CHECK(read(file) == "old");
  CHECK_FALSE(write_file(file, "new"));
  CHECK(read(file) == "new");
  remove_leftovers(file);
  CHECK(dir.names() == strings{"state"});
}

TEST_CASE("leftovers of this file are removed, and nothing else") {
  scratch dir;
  strings others{"state",
                 ".state.tmp",
                 ".state.0123456789abcdef",
                 ".state.0123456789abcdeX.tmp",
                 ".state.0123456789abcdef0.tmp",
                 ".other.0123456789abcdef.tmp",
                 "state.0123456789abcdef.tmp",
                 ".state2.0123456789abcdef.tmp"};
  for (auto& name : others)
    dir.put(name, name);
  std::filesystem::create_directory(dir / ".state.000000000000000d.tmp");
  std::filesystem::create_symlink("state", dir / ".state.000000000000001c.tmp");
  others.emplace_back(".state.000000000000000d.tmp");
  others.emplace_back(".state.000000000000001c.tmp");
  std::sort(others.begin(), others.end());
  dir.put(leftover, "half");
  remove_leftovers(dir / "state");
  CHECK(dir.names() == others);
  remove_leftovers(dir / "missing/state");
  remove_leftovers("");
}

TEST_CASE("what somebody is writing is no leftover") {
  scratch dir;
  dir.put(leftover, "half");
  auto fd = ::open((dir / leftover).c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(::flock(fd, LOCK_EX) == 0);
  remove_leftovers(dir / "state");
  CHECK(dir.names() == strings{leftover});
  ::close(fd);
  remove_leftovers(dir / "state");
  CHECK(dir.names().empty());
}

TEST_CASE("of several writers the last wins, and no reader sees a part") {
  scratch dir;
  auto file = dir / "state";
  constexpr int rounds = 200;
  constexpr int writers = 2;
  auto content = [](int writer, int round) {
    return std::string(static_cast<size_t>(1000 * (round % 7 + 1)),
                       static_cast<char>('a' + writer));
  };
  REQUIRE_FALSE(write_file(file, "z"));
  std::atomic<int> at_work{writers};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < rounds; ++round)
        if (write_file(file, content(i, round)))
          ++failures;
      --at_work;
    });
  int torn = 0;
  while (at_work > 0) {
    // Starts of other programs that use the file.
    remove_leftovers(file);
    auto seen = read(file);
    auto size = seen.size();
    if (seen != std::string(size, seen[0])
        || (size != 1 && (size % 1000 != 0 || size > 7000)))
      ++torn;
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(torn == 0);
  CHECK(failures == 0);
  auto last = read(file);
  CHECK((last == content(0, rounds - 1) || last == content(1, rounds - 1)));
  CHECK(dir.names() == strings{"state"});
}

TEST_CASE("a refused file is kept aside, and never overwrites another") {
  scratch dir;
  auto file = dir / "state";
  dir.put("state", "one");
  CHECK(aside(file) == file + ".refused");
  dir.put("state", "two");
  CHECK(aside(file) == file + ".refused-2");
  std::filesystem::create_directory(dir / "state.refused-3");
  std::filesystem::create_symlink("nowhere", dir / "state.refused-4");
  dir.put("state", "three");
  CHECK(aside(file) == file + ".refused-5");
  CHECK(dir.get("state.refused") == "one");
  CHECK(dir.get("state.refused-2") == "two");
  CHECK(dir.get("state.refused-5") == "three");
  CHECK(dir.names().size() == 5);
  // A directory in the file's place, too.
  std::filesystem::create_directory(file);
  CHECK(aside(file) == file + ".refused-6");
  CHECK(has(aside(file), "No such file or directory"));
}

} // namespace atomic_file_test
