#pragma once

#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

/// The time limits of the public API, read from the headers: so that a list of
/// them in a test is complete, or the test fails.

namespace time_limits {

/// Returns `header: name` for each parameter and member that is a time span.
inline std::set<std::string> of(const std::string& library) {
  std::set<std::string> result;
  auto root = std::filesystem::path{CAFREG_SOURCE_DIR} / library / "cafreg";
  for (auto& entry : std::filesystem::directory_iterator{root}) {
    auto header = entry.path().filename().string();
    if (entry.path().extension() != ".hpp" || header == "time_span.hpp")
      continue;
    std::ifstream in{entry.path()};
    for (std::string line; std::getline(in, line);) {
      std::istringstream code{line.substr(0, line.find("//"))};
      for (std::string word; code >> word;) {
        if (!word.ends_with("time_span"))
          continue;
        code >> word;
        auto end = word.begin();
        while (
          end != word.end()
          && (std::isalnum(static_cast<unsigned char>(*end)) || *end == '_'))
          ++end;
        result.insert(header + ": " + std::string{word.begin(), end});
      }
    }
  }
  return result;
}

} // namespace time_limits
