// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "cafreg/caf.hpp"

/// Makes random values of all kinds, with a liking for those that are hard to
/// say in JSON.
class random_values {
public:
  explicit random_values(uint64_t seed) : rng_(seed) {
    // nop
  }

  size_t below(size_t limit) {
    return std::uniform_int_distribution<size_t>{0, limit - 1}(rng_);
  }

  std::string text() {
    static const std::string pieces[]
      = {"a",        "$",    "$uri", "$entries", "\"",
         "\\",       ".",    "\n",   "\x01",     "\xff",
         "\xc3\xa4", "\xe2", "key",  "\x7f",     "\xf0\x9f\x98\x80"};
    std::string result;
    for (auto n = below(4); n > 0; --n)
      result += pieces[below(std::size(pieces))];
    if (below(20) == 0)
      result += '\0';
    return result;
  }

  int64_t integer() {
    using limits = std::numeric_limits<int64_t>;
    switch (below(4)) {
      case 0:
        return static_cast<int64_t>(rng_());
      case 1:
        return limits::max() - static_cast<int64_t>(below(2));
      case 2:
        return limits::min() + static_cast<int64_t>(below(2));
      default:
        return static_cast<int64_t>(below(5)) - 2;
    }
  }

  double real() {
    using limits = std::numeric_limits<double>;
    switch (below(8)) {
      case 0:
        return limits::infinity();
      case 1:
        return -limits::infinity();
      case 2:
        return limits::quiet_NaN();
      case 3:
        return -0.0;
      case 4:
        return static_cast<double>(integer());
      case 5:
        return limits::denorm_min() * static_cast<double>(below(5));
      case 6:
        return limits::max() / static_cast<double>(below(5) + 1);
      default:
        return std::uniform_real_distribution<>{-1e3, 1e3}(rng_);
    }
  }

  caf::config_value scalar() {
    switch (below(7)) {
      case 0:
        return caf::config_value{integer()};
      case 1:
        return caf::config_value{below(2) == 0};
      case 2:
        return caf::config_value{real()};
      case 3:
        return caf::config_value{caf::timespan{integer()}};
      case 4: {
        const std::string uris[]
          = {"http://example.org", "tcp://[::1]:80/a/b?c=d&e=f#g",
             "file:/tmp/a%20b", "urn:cafreg:x", "http://me@host:8080/"};
        return caf::config_value{*caf::make_uri(uris[below(std::size(uris))])};
      }
      case 5: {
        // What this version of CAF has, and none other.
        if (auto x = cafreg::detail::from_rare_value({"none", {}}))
          return *x;
        return *cafreg::detail::from_rare_value({"atom", "an_atom"});
      }
      default:
        return caf::config_value{text()};
    }
  }

  /// @param depth How deep it may be nested.
  caf::config_value value(size_t depth) {
    if (depth == 0)
      return scalar();
    switch (below(3)) {
      case 0: {
        caf::config_value::list result;
        for (auto n = below(4); n > 0; --n)
          result.push_back(value(depth - 1));
        return caf::config_value{std::move(result)};
      }
      case 1: {
        caf::config_value::dictionary result;
        for (auto n = below(4); n > 0; --n)
          result.container().emplace(text(), value(depth - 1));
        return caf::config_value{std::move(result)};
      }
      default:
        return scalar();
    }
  }

private:
  std::mt19937_64 rng_;
};
