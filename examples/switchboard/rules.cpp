// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/rules.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace switchboard {

namespace {

std::ifstream open(const std::string& path) {
  std::ifstream result{path};
  if (!result)
    throw std::runtime_error{"cannot read " + path};
  return result;
}

} // namespace

void rules::deny(std::string pattern) {
  denied_.push_back(std::move(pattern));
}

bool rules::allow(std::string_view caller) const {
  return std::none_of(
    denied_.begin(), denied_.end(), [caller](std::string_view pattern) {
      if (pattern.ends_with('*'))
        return caller.starts_with(pattern.substr(0, pattern.size() - 1));
      return caller == pattern;
    });
}

rules_file::rules_file(std::string path) : path_(std::move(path)) {
  auto in = open(path_);
  std::string line;
  for (auto at = in.tellg(); std::getline(in, line); at = in.tellg())
    if (auto comma = line.find(',');
        line[0] != '#' && comma != std::string::npos)
      lines_[line.substr(0, comma)].push_back(at);
}

rules rules_file::load(const std::string& callee) const {
  rules result;
  auto pos = lines_.find(callee);
  if (pos == lines_.end())
    return result;
  auto in = open(path_);
  std::string line;
  for (auto at : pos->second)
    if (in.seekg(at) && std::getline(in, line))
      result.deny(line.substr(callee.size() + 1));
  return result;
}

} // namespace switchboard
