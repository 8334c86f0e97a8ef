// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/state_file.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "cafreg/errc.hpp"
#include "cafreg/json.hpp"
#include "cafreg/value.hpp"
#include "catch.hpp"
#include "sysregistry/full_disk.hpp"
#include "sysregistry/known_types.hpp"
#include "sysregistry/random_values.hpp"
#include "sysregistry/scratch.hpp"

namespace state_file_test {

using cafreg::errc;
using cafreg::path;
using cafreg::to_json;
using cafreg::to_text;
using cafreg::values;
using cafreg::detail::keep_aside;
using cafreg::detail::load_state;
using cafreg::detail::max_state_depth;
using cafreg::detail::same_value;
using cafreg::detail::save_state;
using cafreg::detail::state_leaves;

namespace {

using value = caf::config_value;

using strings = std::vector<std::string>;

value make(const values& x) {
  return x.get();
}

/// What a device may want to find again.
state_leaves some_leaves() {
  return {{"state.eth0.address", make("192.168.1.100")},
          {"state.eth0.mtu", make(1500)},
          {"state.eth0.uptime", make(std::chrono::seconds{5})},
          {path{"state", "eth0.1", "up"}, make(true)},
          {"config.filter", make(cafreg::list({"a", 0.5}))}};
}

/// Renders leaves in the order of their paths.
std::string text(state_leaves xs) {
  std::sort(xs.begin(), xs.end(),
            [](auto& x, auto& y) { return x.first < y.first; });
  std::string result;
  for (auto& [where, x] : xs)
    result += to_string(where) + " = " + to_json(x) + "\n";
  return result;
}

/// Renders what is in a file, or the error.
std::string loaded(const std::string& file) {
  auto xs = load_state(file);
  if (!xs) {
    CHECK(is(xs.error(), errc::bad_file));
    return to_text(xs.error());
  }
  return *xs ? text(**xs) : "not there";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("leaves come back as they were") {
  scratch dir;
  auto file = dir / "state.json";
  CHECK(loaded(file) == "not there");
  auto leaves = some_leaves();
  REQUIRE_FALSE(save_state(file, leaves));
  CHECK(loaded(file) == text(leaves));
  leaves.pop_back();
  REQUIRE_FALSE(save_state(file, leaves));
  CHECK(loaded(file) == text(leaves));
  REQUIRE_FALSE(save_state(file, {}));
  CHECK(loaded(file).empty());
  CHECK(dir.names() == strings{"state.json"});
}

TEST_CASE("a file of leaves is JSON that people can read") {
  scratch dir;
  REQUIRE_FALSE(save_state(dir / "x", {{"state.eth0.mtu", make(1500)},
                                       {"state.eth0.name", make("eth0")}}));
  auto text = dir.get("x");
  auto end_of_header = text.find("},\n");
  REQUIRE(end_of_header != std::string::npos);
  CHECK(text.starts_with("{\n  \"cafreg\": {\"format\": 1, \"bytes\": "));
  CHECK(text.substr(end_of_header + 3)
        == "  \"leaves\": {\n"
           "    \"state\": {\n"
           "      \"eth0\": {\n"
           "        \"mtu\": 1500,\n"
           "        \"name\": \"eth0\"\n"
           "      }\n"
           "    }\n"
           "  }\n"
           "}\n");
  CHECK(cafreg::from_json(text));
}

TEST_CASE("the format does not change unnoticed") {
  // Written by this code once; whoever must change it has a new format.
  scratch dir;
  REQUIRE_FALSE(save_state(dir / "new", some_leaves()));
  dir.put("old",
          R"({
  "cafreg": {"format": 1, "bytes": 286, "checksum": "c156af624aea2088"},
  "leaves": {
    "config": {
      "filter": [
        "a",
        0.5
      ]
    },
    "state": {
      "eth0": {
        "address": "192.168.1.100",
        "mtu": 1500,
        "uptime": {"$timespan": 5000000000}
      },
      "eth0.1": {
        "up": true
      }
    }
  }
}
)");
  CHECK(dir.get("new") == dir.get("old"));
  CHECK(loaded(dir / "old") == text(some_leaves()));
}

TEST_CASE("random leaves come back as they were") {
  scratch dir;
  auto file = dir / "x";
  for (uint64_t seed = 0; seed < 100; ++seed) {
    random_values random{seed};
    std::map<path, value> leaves;
    for (auto n = random.below(20); n > 0; --n) {
      path where;
      for (auto k = random.below(4) + 1; k > 0; --k)
        where /= random.text();
      auto x = random.value(3);
      auto blocked = std::any_of(leaves.begin(), leaves.end(), [&](auto& y) {
        return where.contains(y.first) || y.first.contains(where);
      });
      if (!blocked && !caf::get_if<value::dictionary>(&x))
        leaves.emplace(std::move(where), std::move(x));
    }
    state_leaves written{leaves.begin(), leaves.end()};
    REQUIRE_FALSE(save_state(file, written));
    auto read = load_state(file);
    CAPTURE(seed);
    REQUIRE(read);
    REQUIRE(*read);
    CHECK(text(**read) == text(written));
    CHECK(std::equal(written.begin(), written.end(), (*read)->begin(),
                     (*read)->end(), [](auto& x, auto& y) {
                       return x.first == y.first
                              && same_value(x.second, y.second);
                     }));
  }
}

TEST_CASE("a dictionary stands for the leaves in it") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(
    save_state(file, {{"a", make({{"b", {{"c", 1}}}, {"d", 2}})},
                      {"e", make({})},
                      {"f", make(cafreg::list({values{{"g", 1}}}))}}));
  CHECK(loaded(file) == "a.b.c = 1\na.d = 2\nf = [{\"g\":1}]\n");
}

TEST_CASE("leaves that cannot be together are refused") {
  scratch dir;
  auto file = dir / "x";
  dir.put("x", "old");
  for (auto& leaves : std::vector<state_leaves>{
         {{"a", make(1)}, {"a", make(2)}},
         {{"a", make(1)}, {"a.b", make(2)}},
         {{"a.b", make(1)}, {"a", make(2)}},
         {{"a.b.c", make(1)}, {"a.b", make({{"d", 1}})}},
       }) {
    auto err = save_state(file, leaves);
    CHECK(is(err, errc::path_conflict));
    CHECK(has(to_text(err), "path a"));
  }
  CHECK(is(save_state(file, {{path{}, make(1)}}), errc::bad_path));
  CHECK(dir.get("x") == "old");
}

TEST_CASE("leaves may be as deep as they can be read") {
  scratch dir;
  auto file = dir / "x";
  // Each of these keys takes three brackets.
  path deep(strings(max_state_depth - 2, "$uri"));
  state_leaves leaves{{deep, make(cafreg::list({cafreg::list({1})}))}};
  REQUIRE_FALSE(save_state(file, leaves));
  CHECK(loaded(file) == text(leaves));
  leaves.front().first /= "x";
  auto err = save_state(file, leaves);
  CHECK(is(err, errc::bad_path));
  CHECK(has(to_text(err), "deeper than 1000"));
}

TEST_CASE("a file that ends early is torn, wherever it ends") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(save_state(file, some_leaves()));
  auto whole = dir.get("x");
  for (size_t size = 0; size < whole.size(); ++size) {
    dir.put("x", whole.substr(0, size));
    auto problem = loaded(file);
    if (!has(problem, "torn"))
      FAIL("at " << size << ": " << problem);
  }
  dir.put("x", whole);
  CHECK(loaded(file) == text(some_leaves()));
}

TEST_CASE("each flip of a bit is seen") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(save_state(file, some_leaves()));
  auto whole = dir.get("x");
  for (size_t i = 0; i < whole.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto other = whole;
      other[i]
        = static_cast<char>(static_cast<unsigned char>(other[i]) ^ (1u << bit));
      dir.put("x", other);
      auto problem = loaded(file);
      if (!has(problem, "refused: "))
        FAIL("bit " << bit << " of byte " << i << ": " << problem);
    }
}

TEST_CASE("bytes added, doubled or swapped are seen") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(save_state(file, some_leaves()));
  auto whole = dir.get("x");
  dir.put("x", whole + "\n");
  CHECK(has(loaded(file), "damaged"));
  dir.put("x", whole + whole);
  CHECK(has(loaded(file), "damaged"));
  // A hole, as some file systems leave after a crash.
  dir.put("x", std::string(whole.size(), '\0'));
  CHECK(has(loaded(file), "no file of cafreg"));
  auto at = whole.find("1500");
  std::swap(whole[at], whole[at + 1]);
  dir.put("x", whole);
  CHECK(has(loaded(file), "damaged, or was edited"));
}

TEST_CASE("a foreign file is refused and stays as it is") {
  scratch dir;
  auto file = dir / "x";
  for (std::string_view foreign :
       {"{}", "[]", "hello", "{\"cafreg\": {\"format\": 1}}", "\177ELF",
        "{\n  \"cafreg\": 1\n}\n"}) {
    dir.put("x", foreign);
    CHECK(loaded(file)
          == "file " + file + ": refused: it is no file of cafreg");
    CHECK(dir.get("x") == foreign);
  }
  REQUIRE_FALSE(save_state(file, some_leaves()));
  auto other = dir.get("x");
  other.replace(other.find("\"format\": 1") + 10, 1, "2");
  dir.put("x", other);
  CHECK(has(loaded(file), "another format"));
}

TEST_CASE("what cannot be read is refused") {
  scratch dir;
  std::filesystem::create_directory(dir / "x");
  CHECK(has(loaded(dir / "x"), "no regular file"));
  auto err = save_state(dir / "x", some_leaves());
  CHECK(is(err, errc::bad_file));
  CHECK(has(to_text(err), "no regular file"));
  CHECK(is(save_state(dir / "missing/x", {}), errc::bad_file));
}

TEST_CASE("a file is never larger than the limit") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(save_state(file, some_leaves()));
  auto size = dir.get("x").size();
  CHECK(load_state(file, size));
  auto refused = load_state(file, size - 1);
  REQUIRE_FALSE(refused);
  CHECK(has(to_text(refused.error()), "more than"));
  REQUIRE_FALSE(save_state(file, some_leaves(), size));
  auto err = save_state(file, some_leaves(), size - 1);
  CHECK(is(err, errc::bad_file));
  CHECK(has(to_text(err), "more than"));
  CHECK(loaded(file) == text(some_leaves()));
}

TEST_CASE("on a full disk the leaves of before stay") {
  scratch dir;
  auto file = dir / "x";
  REQUIRE_FALSE(save_state(file, some_leaves()));
  state_leaves large{{"a", make(std::string(100'000, 'x'))}};
  caf::error err;
  {
    full_disk disk{4096};
    err = save_state(file, large);
  }
  CHECK(is(err, errc::bad_file));
  CHECK(has(to_text(err), "File too large"));
  CHECK(loaded(file) == text(some_leaves()));
  CHECK(dir.names() == strings{"x"});
}

TEST_CASE("loading ignores and removes what a crash left") {
  scratch dir;
  auto file = dir / "x";
  dir.put(".x.0123456789abcdef.tmp", "{\n  \"cafreg\": {\"form");
  CHECK(loaded(file) == "not there");
  CHECK(dir.names().empty());
  REQUIRE_FALSE(save_state(file, some_leaves()));
  dir.put(".x.0123456789abcdef.tmp", dir.get("x") + "x");
  CHECK(loaded(file) == text(some_leaves()));
  CHECK(dir.names() == strings{"x"});
}

TEST_CASE("a refused file makes room") {
  scratch dir;
  auto file = dir / "x";
  dir.put("x", "foreign");
  auto name = keep_aside(file);
  REQUIRE(name);
  CHECK(*name == file + ".refused");
  CHECK(loaded(file) == "not there");
  REQUIRE_FALSE(save_state(file, some_leaves()));
  CHECK(dir.get("x.refused") == "foreign");
  auto nothing = keep_aside(dir / "missing");
  REQUIRE_FALSE(nothing);
  CHECK(is(nothing.error(), errc::bad_file));
}

TEST_CASE("of two that save at once the last wins") {
  scratch dir;
  auto file = dir / "x";
  auto leaves = [](int writer) {
    state_leaves result;
    for (int i = 0; i < 50 * (writer + 1); ++i)
      result.emplace_back(path{"a", std::to_string(i)}, make(writer));
    return result;
  };
  auto texts = std::pair{text(leaves(0)), text(leaves(1))};
  REQUIRE_FALSE(save_state(file, leaves(0)));
  std::atomic<int> at_work{2};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int writer : {0, 1})
    threads.emplace_back([&, writer] {
      for (int i = 0; i < 50; ++i)
        if (save_state(file, leaves(writer)))
          ++failures;
      --at_work;
    });
  int torn = 0;
  do {
    auto seen = loaded(file);
    if (seen != texts.first && seen != texts.second)
      ++torn;
  } while (at_work > 0);
  for (auto& thread : threads)
    thread.join();
  CHECK(torn == 0);
  CHECK(failures == 0);
  CHECK(dir.names() == strings{"x"});
}

} // namespace state_file_test
