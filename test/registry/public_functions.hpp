#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

/// What a class offers, read from its header: so that a list in a test is
/// complete, or the test fails.

namespace public_functions {

/// Returns the names of the public member functions of a class, but for its
/// constructors, its operators, and what the documentation leaves out.
inline std::set<std::string> of(const std::string& header,
                                const std::string& name) {
  std::ifstream in{CAFREG_SOURCE_DIR "/" + header};
  std::set<std::string> result;
  std::string line;
  std::string declaration;
  auto depth = 0;
  auto inside = false;
  auto open = false;
  auto hidden = false;
  auto note = [&] {
    auto end = declaration.find('(');
    if (end != std::string::npos && declaration.find('~') == std::string::npos
        && declaration.find("operator") == std::string::npos) {
      auto begin = end;
      while (
        begin > 0
        && (std::isalnum(static_cast<unsigned char>(declaration[begin - 1]))
            || declaration[begin - 1] == '_'))
        --begin;
      auto found = declaration.substr(begin, end - begin);
      if (found != name && found != "requires" && !found.empty())
        result.insert(found);
    }
    declaration.clear();
  };
  while (std::getline(in, line)) {
    if (line.find("@cond") != std::string::npos)
      hidden = true;
    else if (line.find("@endcond") != std::string::npos)
      hidden = false;
    line = line.substr(0, line.find("//"));
    auto text = line.substr(std::min(line.find_first_not_of(' '), line.size()));
    if (!inside) {
      std::istringstream words{text};
      std::string first;
      std::string second;
      words >> first >> second;
      // Not one that is only announced.
      inside = first == "class" && second == name
               && text.find(';') == std::string::npos;
      if (!inside)
        continue;
      open = false;
    }
    if (text == "public:" || text == "protected:" || text == "private:") {
      open = text == "public:";
      continue;
    }
    for (auto c : line) {
      if (c == '}' && --depth == 0)
        return result;
      if (depth == 1 && (c == ';' || c == '{')) {
        if (open && !hidden)
          note();
        declaration.clear();
      } else if (depth == 1) {
        declaration += c;
      }
      if (c == '{')
        ++depth;
    }
    declaration += ' ';
  }
  return result;
}

} // namespace public_functions
