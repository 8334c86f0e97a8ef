// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace bench {

/// What one repetition gave.
struct repetition {
  double items_per_second = 0;
  /// Share of the wall-clock time in which the threads had a core.
  double cpu_share = 1;
  /// Whether wall-clock time was taken, which others can spoil.
  bool by_the_clock = false;
};

/// What was measured.
struct measurement {
  std::vector<repetition> repetitions;
  /// Their medians.
  std::map<std::string, double> counters;

  /// The repetitions that count. By the clock these are the ones in which
  /// nothing else on the machine took the cores away, if there are at least
  /// three; otherwise all.
  std::vector<repetition> undisturbed() const;

  /// Median of those that count; 0 if there are none.
  double items_per_second() const;

  /// Their standard deviation, relative to the median.
  double spread() const;
};

/// By name.
using measurements = std::map<std::string, measurement>;

/// Reads the lines of a peer's script:
/// `{"name": "elixir/lookup/threads:1", "items_per_second": 1234567.8}`.
/// @throws std::runtime_error if the file does not look like that.
measurements read_peer(const std::string& path);

/// Prints medians as they come, and collects all repetitions.
class collector : public benchmark::ConsoleReporter {
public:
  explicit collector(measurements& result);

  void ReportRuns(const std::vector<Run>& runs) override;

  /// Whether a benchmark has failed.
  bool failed() const noexcept {
    return failed_;
  }

private:
  void collect(const Run& run);

  measurements& result_;
  bool failed_ = false;
};

/// Writes all repetitions and the aggregates to a file, and with them what the
/// peer's script measured.
class file_writer : public benchmark::JSONReporter {
public:
  explicit file_writer(const measurements& peer);

  void ReportRuns(const std::vector<Run>& runs) override;

  void Finalize() override;

private:
  const measurements& peer_;
};

/// Prints what was promised and what was measured.
void print_table(const measurements& measured);

} // namespace bench
