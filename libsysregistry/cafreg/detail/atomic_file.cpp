// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/atomic_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "cafreg/seam/chance.hpp"

namespace cafreg::detail {

namespace {

namespace fs = std::filesystem;

/// How often a name is tried before there must be another reason.
constexpr int max_attempts = 1000;

/// Of a file's name, this much becomes part of that of a temporary file, which
/// must not be longer than file systems allow.
constexpr size_t max_stem = 200;

constexpr std::string_view temporary_suffix = ".tmp";

/// Hexadecimal digits that make the name of a temporary file unique.
constexpr size_t num_digits = 16;

file_problem problem(const std::string& file, std::string_view step,
                     std::string_view reason) {
  std::string text = "file " + file + ": cannot ";
  text += step;
  text += ": ";
  text += reason;
  return file_problem{std::move(text)};
}

/// The same with what the system says.
file_problem problem(const std::string& file, std::string_view step,
                     int error) {
  return problem(file, step, std::generic_category().message(error));
}

/// Whether the system would take a part of the name for all of it.
bool has_zero_byte(const std::string& file) {
  return file.find('\0') != std::string::npos;
}

file_problem bad_name(const std::string& file) {
  return problem(file.substr(0, file.find('\0')), "use its name",
                 "it has a zero byte");
}

/// Calls a function of the system again when a signal interrupted it.
template <class Fn>
auto retry(Fn fn) {
  decltype(fn()) result;
  do {
    result = fn();
  } while (result < 0 && errno == EINTR);
  return result;
}

/// Owns a file descriptor.
class descriptor {
public:
  explicit descriptor(int fd) noexcept : fd_(fd) {
    // nop
  }

  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {
    // nop
  }

  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  explicit operator bool() const noexcept {
    return fd_ >= 0;
  }

  int get() const noexcept {
    return fd_;
  }

private:
  int fd_;
};

descriptor open_file(const std::string& name, int flags, mode_t mode = 0) {
  return descriptor{
    retry([&] { return ::open(name.c_str(), flags | O_CLOEXEC, mode); })};
}

/// Whether a descriptor still is what the name leads to: nobody removed it.
bool has_name(const descriptor& fd, const std::string& name) noexcept {
  struct stat one {};
  struct stat other {};
  return ::fstat(fd.get(), &one) == 0 && ::lstat(name.c_str(), &other) == 0
         && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// Locks a file, unless somebody else has. Closing it unlocks it, and so does
/// the end of the process.
bool lock(const descriptor& fd) noexcept {
  return retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0;
}

/// The parts of a file's name.
struct location {
  /// Where it is, following links.
  std::string file;
  /// Where its temporary files are: a rename must not cross file systems.
  std::string directory;
  /// What the names of its temporary files begin with.
  std::string prefix;
};

location locate(const std::string& file) {
  std::error_code ignored;
  fs::path path{file};
  if (fs::is_symlink(path, ignored))
    // A link to nothing is replaced, as nothing is.
    if (auto target = fs::canonical(path, ignored); !ignored)
      path = std::move(target);
  auto directory = path.parent_path();
  if (directory.empty())
    directory = ".";
  auto name = path.filename().string();
  std::string prefix{'.'};
  prefix.append(name, 0, max_stem);
  prefix += '.';
  return {path.string(), directory.string(), std::move(prefix)};
}

std::string random_digits() {
  std::array<char, num_digits + 1> buf;
  std::snprintf(buf.data(), buf.size(), "%016llx",
                static_cast<unsigned long long>(seam::random_seed()));
  return {buf.data(), num_digits};
}

/// A file that is removed unless it gets another name. A lock on it says that
/// somebody is at work, and ends with that process.
class temporary_file {
public:
  temporary_file() : fd_(-1) {
    // nop
  }

  temporary_file(const temporary_file&) = delete;

  temporary_file& operator=(const temporary_file&) = delete;

  ~temporary_file() {
    if (fd_)
      ::unlink(name_.c_str());
  }

  file_problem create(const location& where) {
    constexpr std::string_view step = "create a temporary file beside it";
    for (int i = 0; i < max_attempts; ++i) {
      auto name = where.directory + '/' + where.prefix + random_digits();
      name += temporary_suffix;
      auto fd = open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
      if (!fd) {
        if (errno == EEXIST)
          continue;
        return problem(where.file, step, errno);
      }
      // Somebody may take it for a leftover before it is locked. Where there
      // are no locks, nobody does, and leftovers stay.
      auto locked = lock(fd) || errno != EWOULDBLOCK;
      if (locked && has_name(fd, name)) {
        fd_ = std::move(fd);
        name_ = std::move(name);
        return {};
      }
    }
    return problem(where.file, step, "no name is free");
  }

  file_problem fill(const location& where, std::string_view content,
                    mode_t mode) {
    for (; !content.empty();) {
      auto written = retry(
        [&] { return ::write(fd_.get(), content.data(), content.size()); });
      if (written < 0)
        return problem(where.file, "write a temporary file beside it", errno);
      content.remove_prefix(static_cast<size_t>(written));
    }
    if (::fchmod(fd_.get(), mode) != 0)
      return problem(where.file, "keep its permissions", errno);
    if (retry([&] { return ::fsync(fd_.get()); }) != 0)
      return problem(where.file, "get a temporary file beside it to the disk",
                     errno);
    return {};
  }

  file_problem rename_to(const location& where) {
    if (::rename(name_.c_str(), where.file.c_str()) != 0)
      return problem(where.file, "replace it by a temporary file", errno);
    fd_ = descriptor{-1};
    return {};
  }

private:
  descriptor fd_;
  std::string name_;
};

file_problem sync_directory(const location& where) {
  constexpr std::string_view step = "get its name to the disk";
  auto fd = open_file(where.directory, O_RDONLY | O_DIRECTORY);
  if (!fd)
    return problem(where.file, step, errno);
  // Some file systems know nothing of this, and need not.
  if (retry([&] { return ::fsync(fd.get()); }) != 0 && errno != EINVAL)
    return problem(where.file, step, errno);
  return {};
}

/// Gives something another name that is not taken.
/// @returns 0 or an error number.
int rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                  RENAME_NOREPLACE)
      == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;
  // Not every file system can do this in one step.
  if (::link(from.c_str(), to.c_str()) != 0)
    return errno;
  return ::unlink(from.c_str()) == 0 ? 0 : errno;
}

bool is_leftover_name(std::string_view name, std::string_view prefix) {
  if (name.size() != prefix.size() + num_digits + temporary_suffix.size()
      || !name.starts_with(prefix) || !name.ends_with(temporary_suffix))
    return false;
  auto digits = name.substr(prefix.size(), num_digits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void remove_if_leftover(const std::string& name) {
  // Nothing else than a regular file is one, and opening it waits for nobody.
  auto fd = open_file(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat info {};
  if (fd && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && lock(fd)
      && has_name(fd, name))
    ::unlink(name.c_str());
}

} // namespace

file_problem write_file(const std::string& file, std::string_view content) {
  if (has_zero_byte(file))
    return bad_name(file);
  auto where = locate(file);
  mode_t mode = 0600;
  if (struct stat info{}; ::stat(where.file.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode))
      return problem(where.file, "replace it", "it is no regular file");
    mode = info.st_mode & 07777;
  } else if (errno != ENOENT) {
    return problem(where.file, "look at it", errno);
  }
  {
    temporary_file next;
    if (auto what = next.create(where))
      return what;
    if (auto what = next.fill(where, content, mode))
      return what;
    if (auto what = next.rename_to(where))
      return what;
  }
  return sync_directory(where);
}

file_problem read_file(const std::string& file, size_t limit,
                       std::optional<std::string>& content) {
  content.reset();
  if (has_zero_byte(file))
    return bad_name(file);
  // Opening waits for nobody, whatever it is.
  auto fd = open_file(file, O_RDONLY | O_NONBLOCK);
  if (!fd) {
    if (errno == ENOENT)
      return {};
    return problem(file, "open it", errno);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0)
    return problem(file, "look at it", errno);
  if (!S_ISREG(info.st_mode))
    return problem(file, "read it", "it is no regular file");
  auto too_large = [&] {
    return problem(file, "read it",
                   "it has more than " + std::to_string(limit) + " bytes");
  };
  auto size = static_cast<size_t>(info.st_size);
  if (size > limit)
    return too_large();
  // One byte more, to see the end or what came meanwhile.
  std::string result(size + 1, '\0');
  size_t end = 0;
  for (;;) {
    auto got = retry([&] {
      return ::read(fd.get(), result.data() + end, result.size() - end);
    });
    if (got < 0)
      return problem(file, "read it", errno);
    if (got == 0)
      break;
    end += static_cast<size_t>(got);
    if (end > limit)
      return too_large();
    if (end == result.size())
      result.resize(std::min(2 * end, limit) + 1);
  }
  result.resize(end);
  content = std::move(result);
  return {};
}

file_problem set_file_aside(const std::string& file, std::string& new_name) {
  if (has_zero_byte(file))
    return bad_name(file);
  for (int i = 1; i <= max_attempts; ++i) {
    auto name = file + ".refused";
    if (i > 1)
      name += '-' + std::to_string(i);
    auto error = rename_new(file, name);
    if (error == 0) {
      new_name = std::move(name);
      return {};
    }
    if (error != EEXIST)
      return problem(file, "rename it to " + name, error);
  }
  return problem(file, "keep it aside",
                 "there are " + std::to_string(max_attempts)
                   + " refused ones already");
}

void remove_leftovers(const std::string& file) noexcept {
  try {
    auto where = locate(file);
    std::error_code error;
    fs::directory_iterator i{where.directory, error};
    for (; !error && i != fs::directory_iterator{}; i.increment(error))
      if (is_leftover_name(i->path().filename().string(), where.prefix))
        remove_if_leftover(i->path().string());
  } catch (...) {
    // For lack of memory, they stay.
  }
}

} // namespace cafreg::detail
