// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace switchboard {

/// Whom one callee does not want to hear.
class rules {
public:
  /// Adds a caller, or with a * in the end all callers that begin so.
  void deny(std::string pattern);

  bool allow(std::string_view caller) const;

private:
  std::vector<std::string> denied_;
};

/// Knows where in a file, "callee,denied" in each line, a callee's rules are,
/// and reads them when they are asked for. Any thread may ask.
class rules_file {
public:
  /// @throws std::runtime_error if the file cannot be read
  explicit rules_file(std::string path);

  /// Reads the rules of one callee.
  /// @throws std::runtime_error if the file cannot be read
  rules load(const std::string& callee) const;

private:
  std::string path_;
  std::unordered_map<std::string, std::vector<std::streamoff>> lines_;
};

} // namespace switchboard
