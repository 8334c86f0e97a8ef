// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/calls.hpp"

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

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

void read_calls(std::istream& in, const std::function<void(call)>& fn,
                const malformed_line& malformed) {
  read_pairs(
    in,
    [&fn](std::string caller, std::string callee) -> std::string_view {
      if (!is_number(caller))
        return "the caller is no number";
      if (!is_number(callee))
        return "the callee is no number";
      fn({std::move(caller), std::move(callee)});
      return {};
    },
    malformed);
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
