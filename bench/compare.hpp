// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

/// Two builds of the benchmarks that ran in turn, held against each other.
/// Knows the files of Google Benchmark, and needs nothing of it.
namespace compare {

enum class unit {
  nanoseconds,
  bytes
};

/// What one run gave for one benchmark.
struct figure {
  /// Nothing if it failed.
  std::optional<double> value;
  unit what = unit::nanoseconds;
};

/// By name. A counter of memory has a name of its own, `BENCHMARK: COUNTER`.
using results = std::map<std::string, figure>;

/// Reads the file of one run. Of several repetitions it takes the median.
/// @throws std::runtime_error if it is no such file
results read_results(const std::string& path);

enum class verdict {
  slower,
  faster,
  same,
  unclear,
  failed,
  only_old,
  only_new
};

/// A ratio up to this one is no difference.
constexpr auto tolerance = 1.05;

struct judgement {
  double median = 0;
  double spread = 0;
  verdict says = verdict::failed;
};

/// Judges the ratios new/old of the rounds, two at least.
///
/// Their spread is the largest divided by the smallest, hence a ratio, too;
/// from eight on without those farthest out, an eighth of them at each end,
/// rounded down. Slower is what has a median above `tolerance` and above the
/// spread; unclear what is above `tolerance` only. Faster is what would be
/// slower if old and new changed places.
///
/// Of five ratios nobody can say which one is an outlier, hence they all count.
/// However noisy the machine (normal noise), a build is then slower than itself
/// in one benchmark of 300; if the spread were that of the middle three, it
/// would be in one of 12.
judgement judge(std::vector<double> ratios);

struct row {
  std::string name;
  unit what = unit::nanoseconds;
  /// Medians of the runs; 0 if it failed in all, or is in none.
  double before = 0;
  double now = 0;
  judgement result;
};

/// Compares as many runs of the one as of the other, in the order in which they
/// ran.
std::vector<row> compare_runs(const std::vector<results>& before,
                              const std::vector<results>& now);

void print(std::ostream& out, const std::vector<row>& rows);

/// Compares the files OLD NEW OLD NEW ... and prints the table.
/// @returns the exit code: 1 if a benchmark is slower or failed, 2 if nothing
///          can be compared, 0 otherwise
int run(const std::vector<std::string>& files, std::ostream& out,
        std::ostream& err);

} // namespace compare
