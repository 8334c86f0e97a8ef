// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstdint>

#include "cafreg/gen_stats.hpp"

namespace cafreg::detail {

/// A number that many threads add to.
class counter {
public:
  void add(uint64_t count = 1) noexcept {
    value_.fetch_add(count, std::memory_order_relaxed);
  }

  uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<uint64_t> value_{0};
};

/// What a registry of workers counts.
struct gen_counters {
  counter starts;
  counter failed_starts;
  counter shared_starts;
  counter refused_starts;
  counter stops;
  counter passivations;
  counter vetoes;
  counter kills;
  counter handed_over;

  void read(gen_registry_stats& to) const noexcept {
    to.starts = starts.get();
    to.failed_starts = failed_starts.get();
    to.shared_starts = shared_starts.get();
    to.refused_starts = refused_starts.get();
    to.stops = stops.get();
    to.passivations = passivations.get();
    to.vetoes = vetoes.get();
    to.kills = kills.get();
    to.handed_over = handed_over.get();
  }
};

} // namespace cafreg::detail
