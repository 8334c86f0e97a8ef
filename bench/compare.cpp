// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace compare {

namespace {

using nlohmann::json;

double median(std::vector<double> xs) {
  if (xs.empty())
    return 0;
  std::sort(xs.begin(), xs.end());
  return (xs[(xs.size() - 1) / 2] + xs[xs.size() / 2]) / 2;
}

// -- files --------------------------------------------------------------------

double nanoseconds_in(const std::string& time_unit) {
  static const std::map<std::string, double> units{
    {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  auto i = units.find(time_unit);
  if (i == units.end())
    throw std::runtime_error("unknown time_unit " + time_unit);
  return i->second;
}

// Time for one item. The rate knows which time counts, that of the clock or
// that of the core, which the names in our files do not say.
double time_of(const json& x) {
  if (auto rate = x.find("items_per_second"); rate != x.end())
    return 1e9 / rate->get<double>();
  auto several = x.value("threads", 1) > 1;
  return x.at(several ? "real_time" : "cpu_time").get<double>()
         * nanoseconds_in(x.value("time_unit", "ns"));
}

bool is_memory(const std::string& counter) {
  return counter.starts_with("bytes") && counter != "bytes_per_second";
}

// What the repetitions of one benchmark gave.
struct repetitions {
  std::vector<double> values;
  bool failed = false;
  unit what = unit::nanoseconds;

  void add(double x) {
    if (std::isfinite(x) && x > 0)
      values.push_back(x);
    else
      failed = true;
  }
};

void collect(const json& x, std::map<std::string, repetitions>& result) {
  if (x.value("run_type", "iteration") != "iteration")
    return;
  auto name = x.at("name").get<std::string>();
  auto& times = result[name];
  if (x.value("error_occurred", false)) {
    times.failed = true;
    return;
  }
  times.add(time_of(x));
  for (auto& [key, value] : x.items()) {
    if (!is_memory(key))
      continue;
    auto& sizes = result[std::string{name}.append(": ").append(key)];
    sizes.what = unit::bytes;
    sizes.add(value.get<double>());
  }
}

// -- rows ---------------------------------------------------------------------

// The figures of one benchmark, in all runs of one side.
struct series {
  size_t seen = 0;
  std::vector<double> values;
};

series find_in(const std::vector<results>& runs, const std::string& name,
               unit& what) {
  series result;
  for (auto& run : runs) {
    auto i = run.find(name);
    if (i == run.end())
      continue;
    ++result.seen;
    what = i->second.what;
    if (i->second.value)
      result.values.push_back(*i->second.value);
  }
  return result;
}

row compare_one(const std::string& name, const std::vector<results>& before,
                const std::vector<results>& now) {
  row result;
  result.name = name;
  auto xs = find_in(before, name, result.what);
  auto ys = find_in(now, name, result.what);
  result.before = median(xs.values);
  result.now = median(ys.values);
  // A run that lacks what others have has failed there.
  auto complete = [&](const series& x) {
    return x.values.size() == (x.seen > 0 ? before.size() : 0);
  };
  if (!complete(xs) || !complete(ys))
    return result;
  if (xs.seen == 0 || ys.seen == 0) {
    result.result.says = xs.seen == 0 ? verdict::only_new : verdict::only_old;
    return result;
  }
  std::vector<double> ratios;
  for (size_t i = 0; i < before.size(); ++i)
    ratios.push_back(ys.values[i] / xs.values[i]);
  result.result = judge(std::move(ratios));
  return result;
}

// -- text ---------------------------------------------------------------------

std::string format(const char* how, double value) {
  char buf[64];
  std::snprintf(buf, sizeof(buf), how, value);
  return buf;
}

std::string text_of(double value, unit what) {
  if (value == 0)
    return "-";
  if (what == unit::bytes)
    return format("%.1f B", value);
  if (value < 1e3)
    return format(value < 10 ? "%.2f ns" : "%.1f ns", value);
  return value < 1e6 ? format("%.2f us", value / 1e3)
                     : format("%.2f ms", value / 1e6);
}

std::string text_of(verdict x, unit what) {
  switch (x) {
    case verdict::slower:
      return what == unit::bytes ? "larger" : "slower";
    case verdict::faster:
      return what == unit::bytes ? "smaller" : "faster";
    case verdict::same:
      return "same";
    case verdict::unclear:
      return "unclear";
    case verdict::only_old:
      return "only old";
    case verdict::only_new:
      return "only new";
    default:
      return "failed";
  }
}

void print_line(std::ostream& out, const std::string& name,
                const std::string& before, const std::string& now,
                const std::string& ratio, const std::string& spread,
                const std::string& says) {
  char buf[512];
  std::snprintf(buf, sizeof(buf), " %10s %10s %7s %7s  ", before.c_str(),
                now.c_str(), ratio.c_str(), spread.c_str());
  out << name << std::string(name.size() < 52 ? 52 - name.size() : 0, ' ')
      << buf << says << '\n';
}

size_t count(const std::vector<row>& rows, verdict x) {
  return static_cast<size_t>(
    std::count_if(rows.begin(), rows.end(),
                  [&](const row& y) { return y.result.says == x; }));
}

} // namespace

results read_results(const std::string& path) {
  try {
    std::ifstream in{path};
    if (!in)
      throw std::runtime_error("cannot be read");
    auto file = json::parse(in);
    std::map<std::string, repetitions> found;
    for (auto& x : file.at("benchmarks"))
      collect(x, found);
    results result;
    for (auto& [name, xs] : found) {
      auto& y = result[name];
      y.what = xs.what;
      if (!xs.failed)
        y.value = median(xs.values);
    }
    return result;
  } catch (const std::exception& ex) {
    throw std::runtime_error(path + ": " + ex.what());
  }
}

judgement judge(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  auto last = ratios.size() - 1;
  auto left_out = ratios.size() / 8;
  judgement result;
  // Of an even number the geometric mean of the two in the middle: with old and
  // new in the place of the other it is the inverse.
  result.median = std::sqrt(ratios[last / 2] * ratios[(last + 1) / 2]);
  result.spread = ratios[last - left_out] / ratios[left_out];
  auto difference = std::max(result.median, 1 / result.median);
  if (difference <= tolerance)
    result.says = verdict::same;
  else if (difference <= result.spread)
    result.says = verdict::unclear;
  else
    result.says = result.median > 1 ? verdict::slower : verdict::faster;
  return result;
}

std::vector<row> compare_runs(const std::vector<results>& before,
                              const std::vector<results>& now) {
  std::set<std::string> names;
  for (auto* runs : {&before, &now})
    for (auto& run : *runs)
      for (auto& [name, x] : run)
        names.insert(name);
  std::vector<row> result;
  result.reserve(names.size());
  for (auto& name : names)
    result.push_back(compare_one(name, before, now));
  return result;
}

void print(std::ostream& out, const std::vector<row>& rows) {
  print_line(out, "name", "old", "new", "ratio", "spread", "");
  for (auto& [name, what, before, now, x] : rows) {
    auto judged = x.median > 0;
    print_line(out, name, text_of(before, what), text_of(now, what),
               judged ? format("%.3f", x.median) : "-",
               judged ? format("%.3f", x.spread) : "-", text_of(x.says, what));
  }
  out << '\n'
      << count(rows, verdict::slower) << " slower, "
      << count(rows, verdict::faster) << " faster, "
      << count(rows, verdict::same) << " same, "
      << count(rows, verdict::unclear) << " unclear, "
      << count(rows, verdict::failed) << " failed, "
      << count(rows, verdict::only_old) << " only old, "
      << count(rows, verdict::only_new) << " only new\n";
}

int run(const std::vector<std::string>& files, std::ostream& out,
        std::ostream& err) {
  if (files.size() < 4 || files.size() % 2 != 0) {
    err << "usage: cafreg_bench_compare OLD.json NEW.json OLD.json NEW.json "
           "...\ntakes the files of two rounds at least\n";
    return 2;
  }
  try {
    std::vector<results> before;
    std::vector<results> now;
    for (size_t i = 0; i < files.size(); i += 2) {
      before.push_back(read_results(files[i]));
      now.push_back(read_results(files[i + 1]));
    }
    auto rows = compare_runs(before, now);
    if (rows.empty()) {
      err << "no benchmark in any of the files\n";
      return 2;
    }
    print(out, rows);
    auto bad = count(rows, verdict::slower) + count(rows, verdict::failed);
    return bad > 0 ? 1 : 0;
  } catch (const std::exception& ex) {
    err << ex.what() << '\n';
    return 2;
  }
}

} // namespace compare
