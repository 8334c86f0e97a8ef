// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>
#include <regex>
#include <stdexcept>

namespace bench {

namespace {

// A repetition counts as undisturbed if its threads had their cores for this
// share of the time.
constexpr auto good_share = 0.9;

bool by_cpu_share(const repetition& x, const repetition& y) {
  return x.cpu_share < y.cpu_share;
}

// How the figure of a benchmark relates to what it is held against.
enum class relation {
  /// Time for an operation over the other's; at most.
  time,
  /// The same, the larger over the smaller.
  difference,
  /// The same for each thread, when the number of threads differs.
  time_of_thread,
  /// Operations in a second over the other's; at least.
  throughput,
  /// Nanoseconds for an item; at most, held against nothing.
  nanoseconds,
  /// A counter; at most, held against nothing.
  counter,
  /// Time over the other's, without a promise.
  none,
};

struct row {
  std::string name;
  std::string against;
  relation how;
  double target;
  /// Name of the counter.
  std::string counter;
};

const std::vector<row>& rows() {
  static const std::vector<row> result = [] {
    using enum relation;
    std::vector<row> xs{
      {"registry/lookup/threads:1",
       "limit/flat_find_copy/threads:1",
       time,
       1.3,
       {}},
      {"registry/lookup/threads:2",
       "registry/lookup/threads:1",
       throughput,
       1.8,
       {}},
      {"registry/visit/threads:1", "limit/flat_find/threads:1", time, 1.8, {}},
      {"registry/lookup_hot/threads:2",
       "limit/flat_hot_copy/threads:2",
       time,
       1.2,
       {}},
      {"registry/visit_hot/threads:2",
       "registry/visit_hot/threads:1",
       time_of_thread,
       1.1,
       {}},
      {"registry/lookup_miss/threads:1",
       "limit/flat_find_miss/threads:1",
       time,
       1.5,
       {}},
      {"registry/lookup_under_churn",
       "registry/lookup/threads:1",
       time,
       1.3,
       {}},
      {"limit/flat_find_alive/threads:1",
       "limit/flat_find_copy/threads:1",
       none,
       0,
       {}},
      {"caf/actor_registry_get/threads:1",
       "registry/lookup/threads:1",
       none,
       0,
       {}},
      {"caf/actor_registry_get/threads:2",
       "registry/lookup/threads:2",
       none,
       0,
       {}},
      {"registry/register_unregister/threads:1",
       "limit/flat_node_list_pair",
       time,
       1.2,
       {}},
      {"registry/register_unregister/threads:2",
       "registry/register_unregister/threads:1",
       throughput,
       1.6,
       {}},
      {"registry/unregister_held:100000",
       "registry/unregister_held:10",
       difference,
       1.3,
       {}},
      {"registry/update_value", "registry/lookup/threads:1", time, 2, {}},
      {"registry/dispatch:1000", {}, nanoseconds, 2.5, {}},
      {"registry/dispatch:100000", {}, nanoseconds, 2.5, {}},
      {"registry/dispatch_send:1000", "limit/send_loop:1000", time, 1.05, {}},
      {"registry/dispatch_send:100000",
       "limit/send_loop:100000",
       time,
       1.05,
       {}},
      {"registry/mass_death:100000", "limit/mass_exit", time, 1.3, {}},
      {"registry/unregister_all:1000000",
       "registry/unregister_each:1000000",
       time,
       1.1,
       {}},
      {"registry/bytes_per_entry",
       {},
       counter,
       110,
       "bytes_at_10_keys_an_actor"},
      {"registry/bytes_per_entry", {}, counter, 150, "bytes_at_1_key_an_actor"},
      {"genregistry/hot/threads:1", "registry/lookup/threads:1", time, 1.2, {}},
      {"genregistry/hot/threads:2",
       "genregistry/hot/threads:1",
       throughput,
       1.6,
       {}},
      {"genregistry/cold/threads:1",
       "limit/bare_spawn/threads:1",
       time,
       1.5,
       {}},
      {"genregistry/cold/threads:2",
       "genregistry/cold/threads:1",
       throughput,
       1.6,
       {}},
      {"genregistry/cold/threads:2", "limit/bare_spawn/threads:2", none, 0, {}},
      {"genregistry/churn", "genregistry/stop", none, 0, {}},
      {"genregistry/passivation_overhead", "genregistry/send", none, 0, {}},
      {"sysregistry/update_leaf/threads:1", {}, nanoseconds, 2'000, {}},
      {"sysregistry/update_leaf/threads:2",
       "sysregistry/update_leaf/threads:1",
       throughput,
       1,
       {}},
      {"sysregistry/update_leaf_100_subs", {}, nanoseconds, 2'500, {}},
      {"sysregistry/update_leaf:1000000",
       "sysregistry/update_leaf/threads:1",
       time,
       3,
       {}},
      {"sysregistry/snapshot", {}, nanoseconds, 100, {}},
      {"sysregistry/get", "sysregistry/snapshot", none, 0, {}},
      {"sysregistry/transaction:100",
       "sysregistry/update_leaf/threads:1",
       none,
       0,
       {}},
      {"sysregistry/diff", "sysregistry/update_leaf/threads:1", none, 0, {}},
      {"sysregistry/deliver:10000", "limit/send_loop:10000", time, 1.3, {}},
      {"sysregistry/deliver_read:10000",
       "limit/send_loop_read:10000",
       none,
       0,
       {}},
      {"sysregistry/owner_death:8000", {}, nanoseconds, 10'000'000, {}},
    };
    for (std::string threads : {"/threads:1", "/threads:2"}) {
      xs.push_back({"registry/lookup" + threads,
                    "elixir/lookup" + threads,
                    throughput,
                    8,
                    {}});
      xs.push_back({"registry/register_unregister" + threads,
                    "elixir/register_unregister" + threads,
                    throughput,
                    5,
                    {}});
    }
    xs.push_back({"registry/mass_death:100000",
                  "elixir/mass_death:100000",
                  throughput,
                  5,
                  {}});
    return xs;
  }();
  return result;
}

// Google Benchmark adds how it measures to the names.
benchmark::BenchmarkReporter::Run
with_plain_name(benchmark::BenchmarkReporter::Run run) {
  run.run_name.iterations.clear();
  run.run_name.repetitions.clear();
  run.run_name.min_time.clear();
  run.run_name.time_type.clear();
  return run;
}

std::vector<benchmark::BenchmarkReporter::Run>
with_plain_names(const std::vector<benchmark::BenchmarkReporter::Run>& runs) {
  std::vector<benchmark::BenchmarkReporter::Run> result;
  result.reserve(runs.size());
  for (auto& run : runs)
    result.push_back(with_plain_name(run));
  return result;
}

size_t threads_of(const std::string& name) {
  return name.ends_with("/threads:2") ? 2 : 1;
}

const measurement* find(const measurements& measured, const std::string& name) {
  auto i = measured.find(name);
  return i != measured.end() && i->second.items_per_second() > 0 ? &i->second
                                                                 : nullptr;
}

std::string format(const char* how, double value) {
  char buf[64];
  std::snprintf(buf, sizeof(buf), how, value);
  return buf;
}

std::string time_of(const measurement& x) {
  auto ns = 1e9 / x.items_per_second();
  return format(ns < 10 ? "%.2f ns" : ns < 1000 ? "%.1f ns" : "%.0f ns", ns);
}

struct cells {
  std::string figure = "-";
  std::string other = "-";
  std::string ratio = "-";
  std::string target;
  std::string verdict = "not measured";
};

std::string judge(bool met) {
  return met ? "met" : "missed";
}

void fill_counter(cells& out, const row& x, const measurement& mine) {
  auto i = mine.counters.find(x.counter);
  if (i == mine.counters.end())
    return;
  out.figure = format("%.1f B", i->second);
  out.verdict = judge(i->second <= x.target);
}

void fill_ratio(cells& out, const row& x, const measurement& mine,
                const measurement& other) {
  out.other = time_of(other);
  auto ratio = other.items_per_second() / mine.items_per_second();
  switch (x.how) {
    case relation::throughput:
      ratio = 1 / ratio;
      out.verdict = judge(ratio >= x.target);
      break;
    case relation::none:
      out.verdict = "for comparison";
      break;
    case relation::difference:
      ratio = ratio < 1 ? 1 / ratio : ratio;
      out.verdict = judge(ratio <= x.target);
      break;
    case relation::time_of_thread:
      ratio = ratio * static_cast<double>(threads_of(x.name))
              / static_cast<double>(threads_of(x.against));
      out.verdict = judge(ratio <= x.target);
      break;
    default:
      out.verdict = judge(ratio <= x.target);
      break;
  }
  out.ratio = format("%.2f x", ratio);
}

cells fill(const row& x, const measurements& measured) {
  cells out;
  switch (x.how) {
    case relation::none:
      break;
    case relation::nanoseconds:
      out.target = format("<= %.3g ns", x.target);
      break;
    case relation::counter:
      out.target = format("<= %.4g B", x.target);
      break;
    case relation::throughput:
      out.target = format(">= %.3g x", x.target);
      break;
    default:
      out.target = format("<= %.3g x", x.target);
      break;
  }
  auto* mine = find(measured, x.name);
  if (mine == nullptr)
    return out;
  out.figure = time_of(*mine);
  if (x.how == relation::counter) {
    fill_counter(out, x, *mine);
  } else if (x.how == relation::nanoseconds) {
    out.verdict = judge(1e9 / mine->items_per_second() <= x.target);
  } else if (auto* other = find(measured, x.against)) {
    fill_ratio(out, x, *mine, *other);
  }
  return out;
}

void print_row(const std::string& name, const std::string& figure,
               const std::string& against, const std::string& other,
               const std::string& ratio, const std::string& target,
               const std::string& verdict) {
  std::printf("%-52s %9s  %-38s %9s %8s %9s  %s\n", name.c_str(),
              figure.c_str(), against.c_str(), other.c_str(), ratio.c_str(),
              target.c_str(), verdict.c_str());
}

// Says what makes figures doubtful.
void print_doubts(const measurements& measured) {
  for (auto& [name, x] : measured) {
    auto counted = x.undisturbed();
    auto least = std::min_element(counted.begin(), counted.end(), by_cpu_share);
    auto left_out = x.repetitions.size() - counted.size();
    if (least != counted.end() && least->cpu_share < good_share)
      std::printf("disturbed: %s had its cores for only %.0f %% of the time\n",
                  name.c_str(), least->cpu_share * 100);
    else if (left_out > 0)
      std::printf("disturbed: %s, %zu of %zu repetitions left out\n",
                  name.c_str(), left_out, x.repetitions.size());
    if (x.spread() > 0.15)
      std::printf("unsteady: %s varies by %.0f %%\n", name.c_str(),
                  x.spread() * 100);
  }
}

} // namespace

std::vector<repetition> measurement::undisturbed() const {
  std::vector<repetition> result;
  for (auto& x : repetitions)
    if (!x.by_the_clock || x.cpu_share >= good_share)
      result.push_back(x);
  return result.size() >= 3 ? result : repetitions;
}

double measurement::items_per_second() const {
  std::vector<double> xs;
  for (auto& x : undisturbed())
    xs.push_back(x.items_per_second);
  if (xs.empty())
    return 0;
  std::sort(xs.begin(), xs.end());
  return (xs[(xs.size() - 1) / 2] + xs[xs.size() / 2]) / 2;
}

double measurement::spread() const {
  auto xs = undisturbed();
  auto median = items_per_second();
  auto sum = 0.0;
  for (auto& x : xs)
    sum += (x.items_per_second - median) * (x.items_per_second - median);
  return std::sqrt(sum / static_cast<double>(xs.size())) / median;
}

measurements read_peer(const std::string& path) {
  std::ifstream in{path};
  if (!in)
    throw std::runtime_error("cannot read " + path);
  static const std::regex pattern{
    R"re(\{"name": "([^"]+)", "items_per_second": ([0-9.e+]+)\})re"};
  measurements result;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, pattern))
      throw std::runtime_error("not a line of a peer's script: " + line);
    result[match[1]].repetitions.push_back({std::stod(match[2])});
  }
  return result;
}

collector::collector(measurements& result)
  : ConsoleReporter(OO_None), result_(result) {
  // nop
}

void collector::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> shown;
  for (auto& run : with_plain_names(runs)) {
    failed_ |= run.error_occurred;
    collect(run);
    if (run.error_occurred || run.repetitions == 1
        || (run.run_type == Run::RT_Aggregate
            && run.aggregate_name == "median"))
      shown.push_back(run);
  }
  if (!shown.empty())
    ConsoleReporter::ReportRuns(shown);
}

void collector::collect(const Run& run) {
  if (run.error_occurred)
    return;
  auto is_median = run.run_type == Run::RT_Aggregate
                   && run.aggregate_name == "median";
  if (run.run_type != Run::RT_Iteration && !is_median)
    return;
  // The medians come last.
  auto& x = result_[run.run_name.str()];
  for (auto& [name, counter] : run.counters)
    x.counters[name] = counter.value;
  if (is_median)
    return;
  repetition y;
  y.items_per_second = x.counters["items_per_second"];
  // What a benchmark times itself is work of other threads.
  if (run.time_unit != benchmark::kMillisecond)
    y.cpu_share = run.GetAdjustedCPUTime() / run.GetAdjustedRealTime()
                  / static_cast<double>(run.threads);
  y.by_the_clock = run.threads > 1;
  x.repetitions.push_back(y);
}

file_writer::file_writer(const measurements& peer) : peer_(peer) {
  // nop
}

void file_writer::ReportRuns(const std::vector<Run>& runs) {
  JSONReporter::ReportRuns(with_plain_names(runs));
}

void file_writer::Finalize() {
  std::vector<Run> runs;
  for (auto& [name, x] : peer_) {
    Run run;
    run.run_name.function_name = name;
    run.family_index = 0;
    run.per_family_instance_index = 0;
    run.repetition_index = 0;
    run.repetitions = 1;
    run.threads = static_cast<int64_t>(threads_of(name));
    run.real_accumulated_time = 1 / x.items_per_second();
    run.cpu_accumulated_time = run.real_accumulated_time;
    run.counters["items_per_second"] = x.items_per_second();
    runs.push_back(run);
  }
  if (!runs.empty())
    JSONReporter::ReportRuns(runs);
  JSONReporter::Finalize();
}

void print_table(const measurements& measured) {
  std::printf("\nTime for one operation, of all threads together: medians. Of "
              "one thread it is\nthe time that it has a core, of several the "
              "wall-clock time, if possible of the\nrepetitions in which each "
              "had a core.\n\n");
  print_row("name", "figure", "held against", "figure", "ratio", "target", "");
  for (auto& x : rows()) {
    auto out = fill(x, measured);
    auto name = x.counter.empty() ? x.name : x.name + ": " + x.counter;
    print_row(name, out.figure, x.against, out.other, out.ratio, out.target,
              out.verdict);
  }
  std::printf("\n");
  print_doubts(measured);
}

} // namespace bench
