// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// A directory for one test.
class scratch {
public:
  scratch() {
    auto name
      = (std::filesystem::temp_directory_path() / "cafreg-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"no directory " + name};
    root_ = name;
  }

  scratch(const scratch&) = delete;

  scratch& operator=(const scratch&) = delete;

  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  /// Returns the full name of a file in it.
  std::string operator/(std::string_view name) const {
    return (root_ / name).string();
  }

  /// Names of what is in it, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (auto& entry : std::filesystem::directory_iterator{root_})
      result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }

  /// Writes a file in the plain way.
  void put(std::string_view name, std::string_view content) const {
    std::ofstream out{*this / name, std::ios::binary | std::ios::trunc};
    out << content;
    if (!out.flush())
      throw std::runtime_error{"cannot write " + std::string{name}};
  }

  /// Reads a file in the plain way.
  std::string get(std::string_view name) const {
    std::ifstream in{*this / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

private:
  std::filesystem::path root_;
};
