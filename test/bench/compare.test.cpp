// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "bench/compare.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace compare_test {

using compare::judge;
using compare::verdict;

namespace {

/// A directory with files of made-up runs.
class fixture {
public:
  fixture()
    : dir_(std::filesystem::temp_directory_path()
           / ("cafreg-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(dir_);
  }

  fixture(const fixture&) = delete;

  fixture& operator=(const fixture&) = delete;

  ~fixture() {
    std::filesystem::remove_all(dir_);
  }

  std::string path(const std::string& name) const {
    return dir_ / name;
  }

  /// Adds a file, to those that are compared as well.
  std::string add(std::string_view text) {
    files.push_back(path(std::to_string(files.size()) + ".json"));
    std::ofstream{files.back()} << text;
    return files.back();
  }

  /// Adds a run with these benchmarks.
  std::string add_run(const std::vector<std::string>& benchmarks) {
    std::string text = R"({"context": {"num_cpus": 2}, "benchmarks": [)";
    for (size_t i = 0; i < benchmarks.size(); ++i)
      text += (i == 0 ? "" : ",") + benchmarks[i];
    return add(text + "]}");
  }

  int compare() {
    std::ostringstream out;
    std::ostringstream err;
    auto result = compare::run(files, out, err);
    table = out.str();
    errors = err.str();
    return result;
  }

  /// Returns what the table says about a benchmark, its last word or two.
  std::string says(const std::string& name) const {
    std::istringstream in{table};
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(name + ' '))
        return line.substr(line.rfind("  ") + 2);
    return "not there";
  }

  std::vector<std::string> files;
  std::string table;
  std::string errors;

private:
  std::filesystem::path dir_;
};

/// An entry like Google Benchmark's.
std::string entry(const std::string& name, const std::string& more) {
  return R"({"name": ")" + name + R"(", "run_type": "iteration", )" + more
         + "}";
}

/// One of a benchmark that takes `ns` for an item.
std::string timed(const std::string& name, double ns) {
  return entry(name, R"("threads": 1, "real_time": 1, "cpu_time": 1,
                        "time_unit": "ms", "items_per_second": )"
                       + std::to_string(1e9 / ns));
}

std::string failing(const std::string& name) {
  return entry(name, R"("error_occurred": true, "error_message": "no",
                        "real_time": 0, "cpu_time": 0, "time_unit": "ns")");
}

} // namespace

TEST_CASE("clear differences are slower and faster") {
  CHECK(judge({1.1, 1.12, 1.08, 1.09, 1.11}).says == verdict::slower);
  CHECK(judge({0.9, 0.88, 0.92, 0.91, 0.89}).says == verdict::faster);
  CHECK(judge({1, 1.01, 0.99, 1.02, 0.98}).says == verdict::same);
}

TEST_CASE("median and spread of the ratios are reported") {
  auto x = judge({1.5, 1, 1.25, 2, 1.75});
  CHECK(x.median == 1.5);
  CHECK(x.spread == 2);
  CHECK(judge({2, 8}).median == 4);
}

TEST_CASE("a small difference is none, however steady it is") {
  CHECK(judge({1.05, 1.05, 1.05, 1.05, 1.05}).says == verdict::same);
  CHECK(judge({1.051, 1.051, 1.051, 1.051, 1.051}).says == verdict::slower);
  CHECK(judge({0.96, 0.96, 0.96, 0.96, 0.96}).says == verdict::same);
}

TEST_CASE("a difference within the spread is unclear") {
  CHECK(judge({0.9, 1.1, 1.2, 1.1, 1.3}).says == verdict::unclear);
  CHECK(judge({1.1, 0.9, 0.85, 0.9, 0.8}).says == verdict::unclear);
  // As wide as the difference.
  CHECK(judge({1.5, 1.5, 1.5, 1.5, 2.25}).says == verdict::unclear);
}

TEST_CASE("a large difference is clear on a noisy machine, too") {
  CHECK(judge({5, 20, 10, 8, 15}).says == verdict::slower);
  CHECK(judge({0.2, 0.05, 0.1, 0.125, 0.0625}).says == verdict::faster);
}

TEST_CASE("one disturbed round hides a difference, and makes none") {
  CHECK(judge({1.1, 1.1, 1.1, 1.1, 2}).says == verdict::unclear);
  CHECK(judge({1, 1, 1, 1, 2}).says == verdict::same);
  CHECK(judge({1, 1, 1, 1, 0.5}).says == verdict::same);
}

TEST_CASE("of eight rounds and more an eighth is left out at each end") {
  CHECK(judge({1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 2}).says == verdict::unclear);
  CHECK(judge({1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 2}).says == verdict::slower);
  CHECK(judge({0.5, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 2}).says == verdict::slower);
  CHECK(judge({0.5, 0.5, 1.1, 1.1, 1.1, 1.1, 1.1, 2}).says == verdict::unclear);
}

TEST_CASE("old and new may change places") {
  std::mt19937 rng{1};
  std::lognormal_distribution<> ratio{0.03, 0.1};
  size_t clear = 0;
  for (auto i = 0; i < 10'000; ++i) {
    std::vector<double> xs;
    std::vector<double> inverse;
    for (auto n = 2 + i % 16; n > 0; --n) {
      xs.push_back(ratio(rng));
      inverse.push_back(1 / xs.back());
    }
    auto x = judge(xs).says;
    auto y = judge(inverse).says;
    if (x == verdict::slower || x == verdict::faster) {
      ++clear;
      CHECK(y == (x == verdict::slower ? verdict::faster : verdict::slower));
    } else {
      CHECK(y == x);
    }
  }
  CHECK(clear > 0);
}

TEST_CASE("a build is hardly ever slower than itself") {
  std::mt19937 rng{1};
  for (auto noise : {0.02, 0.05, 0.1, 0.3}) {
    std::lognormal_distribution<> time{0, noise};
    auto slower = 0;
    for (auto i = 0; i < 20'000; ++i) {
      std::vector<double> xs;
      for (auto n = 0; n < 5; ++n)
        xs.push_back(time(rng) / time(rng));
      slower += judge(xs).says == verdict::slower ? 1 : 0;
    }
    INFO("noise " << noise);
    CHECK(slower < 20'000 / 200);
  }
}

TEST_CASE("the rounds are compared one by one") {
  fixture runs;
  // Each round is slower than the one before; in each, new is like old.
  for (auto slow : {1, 2, 3, 4, 5}) {
    runs.add_run({timed("same", slow * 100), timed("slower", slow * 100),
                  timed("faster", slow * 100)});
    runs.add_run({timed("same", slow * 101), timed("slower", slow * 120),
                  timed("faster", slow * 80)});
  }
  CHECK(runs.compare() == 1);
  CHECK(runs.says("same") == "same");
  CHECK(runs.says("slower") == "slower");
  CHECK(runs.says("faster") == "faster");
  CHECK(runs.errors.empty());
  CHECK(runs.table.find("1 slower, 1 faster, 1 same, 0 unclear")
        != std::string::npos);
}

TEST_CASE("what is faster, the same or unclear is no failure") {
  fixture runs;
  for (auto noise : {100, 110, 200, 110, 90}) {
    runs.add_run(
      {timed("faster", 100), timed("same", 100), timed("noisy", 100)});
    runs.add_run(
      {timed("faster", 50), timed("same", 100), timed("noisy", noise)});
  }
  CHECK(runs.compare() == 0);
  CHECK(runs.says("faster") == "faster");
  CHECK(runs.says("same") == "same");
  CHECK(runs.says("noisy") == "unclear");
}

TEST_CASE("benchmarks that only one of both has are listed") {
  fixture runs;
  for (auto i = 0; i < 2; ++i) {
    runs.add_run({timed("both", 1), timed("missing", 1)});
    runs.add_run({timed("both", 1), timed("added", 1)});
  }
  CHECK(runs.compare() == 0);
  CHECK(runs.says("both") == "same");
  CHECK(runs.says("missing") == "only old");
  CHECK(runs.says("added") == "only new");
}

TEST_CASE("a benchmark that failed is no success") {
  fixture runs;
  auto before = timed("x", 1);
  auto now = timed("x", 1);
  SECTION("in a run of the new build") {
    now = failing("x");
  }
  SECTION("in a run of the old build") {
    before = failing("x");
  }
  SECTION("in one of its repetitions") {
    now += "," + failing("x");
  }
  SECTION("without a word") {
    now = timed("y", 1);
  }
  SECTION("without a time") {
    now = entry("x", R"("cpu_time": 0, "real_time": 0, "time_unit": "ns")");
  }
  SECTION("with a time that is none") {
    now = entry("x", R"("items_per_second": 0)");
  }
  runs.add_run({timed("x", 1), timed("y", 1)});
  runs.add_run({timed("x", 1), timed("y", 1)});
  runs.add_run({before, timed("y", 1)});
  runs.add_run({now, timed("y", 1)});
  CHECK(runs.compare() == 1);
  CHECK(runs.says("x") == "failed");
  CHECK(runs.says("y") == "same");
}

TEST_CASE("without a rate, time is that of the core, of several threads that "
          "of the clock") {
  fixture runs;
  auto file = runs.add_run(
    {entry("one", R"("threads": 1, "cpu_time": 3, "real_time": 9,
                     "time_unit": "us")"),
     entry("two", R"("threads": 2, "cpu_time": 9, "real_time": 4,
                     "time_unit": "ms")"),
     entry("nothing said", R"("cpu_time": 5, "real_time": 9)"),
     entry("rate", R"("threads": 2, "cpu_time": 9, "real_time": 9,
                      "time_unit": "s", "items_per_second": 1e8)")});
  auto found = compare::read_results(file);
  CHECK(found["one"].value == 3e3);
  CHECK(found["two"].value == 4e6);
  CHECK(found["nothing said"].value == 5);
  CHECK(found["rate"].value == 10);
}

TEST_CASE("different units of time are the same time") {
  fixture runs;
  for (auto i = 0; i < 2; ++i) {
    runs.add_run({entry("x", R"("cpu_time": 2000, "time_unit": "us")")});
    runs.add_run({entry("x", R"("cpu_time": 2, "time_unit": "ms")")});
  }
  CHECK(runs.compare() == 0);
  CHECK(runs.says("x") == "same");
}

TEST_CASE("of repetitions the median counts, and no aggregate") {
  fixture runs;
  auto file = runs.add_run(
    {timed("x", 3), timed("x", 1), timed("x", 2),
     R"({"name": "x_mean", "run_type": "aggregate", "cpu_time": 7})"});
  auto found = compare::read_results(file);
  CHECK(found.size() == 1);
  CHECK(found["x"].value == 2);
}

TEST_CASE("memory is compared like time") {
  fixture runs;
  for (auto i = 0; i < 2; ++i)
    for (auto bytes : {"100", "120"})
      runs.add_run(
        {entry("x", R"("cpu_time": 1, "bytes_per_leaf": )" + std::string{bytes}
                      + R"(, "bytes_per_second": )" + bytes
                      + R"(, "changes_per_second": )" + bytes)});
  CHECK(runs.compare() == 1);
  CHECK(runs.says("x") == "same");
  CHECK(runs.says("x: bytes_per_leaf") == "larger");
  CHECK(runs.says("x: bytes_per_second") == "not there");
  CHECK(runs.says("x: changes_per_second") == "not there");
  std::swap(runs.files[0], runs.files[1]);
  std::swap(runs.files[2], runs.files[3]);
  CHECK(runs.compare() == 0);
  CHECK(runs.says("x: bytes_per_leaf") == "smaller");
}

TEST_CASE("a file that is none is named") {
  fixture runs;
  for (auto i = 0; i < 3; ++i)
    runs.add_run({timed("x", 1)});
  auto bad = std::string{};
  SECTION("missing") {
    bad = runs.path("missing");
    runs.files.push_back(bad);
  }
  SECTION("a directory") {
    bad = runs.path("");
    runs.files.push_back(bad);
  }
  SECTION("empty") {
    bad = runs.add("");
  }
  SECTION("cut off") {
    bad = runs.add(R"({"benchmarks": [{"name": "x", "cpu_time": 1})");
  }
  SECTION("a list") {
    bad = runs.add("[]");
  }
  SECTION("without benchmarks") {
    bad = runs.add(R"({"context": {}})");
  }
  SECTION("with something else in their place") {
    bad = runs.add(R"({"benchmarks": 7})");
  }
  SECTION("with numbers for benchmarks") {
    bad = runs.add(R"({"benchmarks": [1, 2]})");
  }
  SECTION("a benchmark without a name") {
    bad = runs.add(R"({"benchmarks": [{"cpu_time": 1}]})");
  }
  SECTION("a benchmark without a time") {
    bad = runs.add(R"({"benchmarks": [{"name": "x"}]})");
  }
  SECTION("a time that is a text") {
    bad = runs.add(R"({"benchmarks": [{"name": "x", "cpu_time": "1"}]})");
  }
  SECTION("an unknown unit") {
    bad = runs.add_run({entry("x", R"("cpu_time": 1, "time_unit": "days")")});
  }
  SECTION("no number") {
    bad = runs.add_run({entry("x", R"("cpu_time": NaN)")});
  }
  CHECK(runs.compare() == 2);
  CHECK(runs.table.empty());
  CHECK(runs.errors.starts_with(bad + ": "));
}

TEST_CASE("where nothing was measured, nothing is compared") {
  fixture runs;
  for (auto i = 0; i < 4; ++i)
    runs.add_run({});
  CHECK(runs.compare() == 2);
  CHECK(runs.errors == "no benchmark in any of the files\n");
}

TEST_CASE("two rounds are the least, and each has two files") {
  fixture runs;
  CHECK(runs.compare() == 2);
  runs.add_run({timed("x", 1)});
  runs.add_run({timed("x", 1)});
  CHECK(runs.compare() == 2);
  runs.add_run({timed("x", 1)});
  CHECK(runs.compare() == 2);
  CHECK(runs.errors.starts_with("usage: "));
  runs.add_run({timed("x", 1)});
  CHECK(runs.compare() == 0);
}

TEST_CASE("a long name does not spoil its line") {
  fixture runs;
  std::string name(1000, 'x');
  for (auto i = 0; i < 4; ++i)
    runs.add_run({timed(name, 1)});
  CHECK(runs.compare() == 0);
  CHECK(runs.says(name) == "same");
}

} // namespace compare_test
