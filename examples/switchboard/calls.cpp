// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/calls.hpp"

#include <algorithm>
#include <random>

namespace switchboard {

namespace {

constexpr unsigned callees = 2000;

constexpr unsigned callers = 20'000;

std::string number(std::string_view area, unsigned n) {
  auto digits = std::to_string(n);
  return std::string{area} + std::string(6 - digits.size(), '0') + digits;
}

// The generators are the same everywhere, the distributions of the standard
// library are not.
unsigned below(std::mt19937& rng, unsigned limit) {
  return static_cast<unsigned>(rng() % limit);
}

// Some are called more often than others.
std::string callee(std::mt19937& rng) {
  return number("+4930", std::min(below(rng, callees), below(rng, callees)));
}

std::string caller(std::mt19937& rng) {
  return number("+4940", below(rng, callers));
}

} // namespace

bool is_number(std::string_view text) {
  return text.size() >= 4 && text.size() <= 16 && text.front() == '+'
         && std::all_of(text.begin() + 1, text.end(),
                        [](char c) { return c >= '0' && c <= '9'; });
}

void read_calls(std::istream& in, const std::function<void(call)>& fn,
                const std::function<void(size_t, std::string_view,
                                         std::string_view)>& malformed) {
  std::string line;
  for (size_t at = 1; std::getline(in, line); ++at) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (line.empty() || line.front() == '#')
      continue;
    auto comma = line.find(',');
    if (comma == std::string::npos
        || line.find(',', comma + 1) != std::string::npos) {
      malformed(at, line, "not two fields");
      continue;
    }
    call x{line.substr(0, comma), line.substr(comma + 1)};
    if (!is_number(x.caller))
      malformed(at, line, "the caller is no number");
    else if (!is_number(x.callee))
      malformed(at, line, "the callee is no number");
    else
      fn(std::move(x));
  }
}

void generate_calls(std::ostream& out, size_t count) {
  std::mt19937 rng{1876};
  out << "# caller,callee\n";
  for (size_t i = 0; i < count; ++i) {
    auto from = caller(rng);
    out << from << ',' << callee(rng) << '\n';
  }
}

void generate_rules(std::ostream& out) {
  std::mt19937 rng{1889};
  out << "# callee,denied caller; a * stands for any end\n";
  for (unsigned i = 0; i < callees; ++i)
    for (auto left = below(rng, 4); left > 0; --left)
      out << number("+4930", i) << ',' << caller(rng).substr(0, 8) << "*\n";
}

} // namespace switchboard
