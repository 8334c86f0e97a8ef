// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/json.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "cafreg/errc.hpp"
#include "cafreg/value.hpp"
#include "catch.hpp"
#include "sysregistry/known_types.hpp"
#include "sysregistry/random_values.hpp"

namespace json_test {

using cafreg::errc;
using cafreg::from_json;
using cafreg::max_json_depth;
using cafreg::to_json;
using cafreg::to_text;
using cafreg::values;
using cafreg::detail::same_value;

namespace {

using value = caf::config_value;

std::string json(const values& x, int indent = -1) {
  return to_json(x.get(), indent);
}

value parsed(std::string_view text) {
  auto x = from_json(text);
  if (!x)
    FAIL(std::string{text} << ": " << to_text(x.error()));
  return std::move(*x);
}

/// Returns the text of the error that a text gets.
std::string refusal(std::string_view text) {
  auto x = from_json(text);
  if (x)
    return "accepted as " + to_json(*x);
  CHECK(is(x.error(), errc::bad_json));
  return to_text(x.error());
}

bool comes_back(const value& x) {
  auto text = to_json(x);
  auto y = from_json(text);
  auto pretty = from_json(to_json(x, 2));
  // The text again, too, since a negative zero equals a positive one.
  return y && same_value(x, *y) && to_json(*y) == text && pretty
         && same_value(x, *pretty);
}

/// A list in a list, and so on.
value nested(size_t depth, value innermost = value{int64_t{1}}) {
  for (; depth > 0; --depth) {
    value::list outer;
    outer.push_back(std::move(innermost));
    innermost = value{std::move(outer)};
  }
  return innermost;
}

/// The same with dictionaries that JSON cannot say as they are.
value nested_entries(size_t depth) {
  value innermost{caf::timespan{1}};
  for (; depth > 0; --depth) {
    value::dictionary outer;
    outer.container().emplace("$uri", std::move(innermost));
    innermost = value{std::move(outer)};
  }
  return innermost;
}

/// Takes a value apart without recursion, which its destructor would need.
void dismantle(value x) {
  while (auto* xs = caf::get_if<value::list>(&x)) {
    if (xs->empty())
      return;
    auto next = std::move(xs->front());
    x = std::move(next);
  }
}

std::string repeated(std::string_view what, size_t times) {
  std::string result;
  for (; times > 0; --times)
    result += what;
  return result;
}

} // namespace

TEST_CASE("what JSON knows is written as JSON knows it") {
  CHECK(json(1) == "1");
  CHECK(json(true) == "true");
  CHECK(json(1.5) == "1.5");
  CHECK(json("text") == "\"text\"");
  CHECK(json({{"b", 1}, {"a", cafreg::list({1, "x"})}})
        == R"({"a":[1,"x"],"b":1})");
  CHECK(json({}) == "{}");
  CHECK(json(cafreg::list({})) == "[]");
  CHECK(json("\"\\\n\t\x01\x7f\xc3\xa4")
        == "\"\\\"\\\\\\n\\t\\u0001\x7f\xc3\xa4\"");
}

TEST_CASE("JSON is indented on request") {
  CHECK(json({{"a", cafreg::list({1, 2})},
              {"b", {}},
              {"c", std::chrono::nanoseconds{5}}},
             2)
        == "{\n"
           "  \"a\": [\n"
           "    1,\n"
           "    2\n"
           "  ],\n"
           "  \"b\": {},\n"
           "  \"c\": {\"$timespan\": 5}\n"
           "}");
  CHECK(json({{"$a", 1}}, 1) == "{\"$entries\": [\n [\"$a\", 1]\n]}");
}

TEST_CASE("a real stays a real and an integer an integer") {
  CHECK(json(1.0) == "1.0");
  CHECK(json(-0.0) == "-0.0");
  CHECK(json(1e300) == "1e+300");
  CHECK(json(0.1) == "0.1");
  CHECK(caf::get_if<double>(&static_cast<const value&>(parsed("1.0"))));
  CHECK(caf::get_if<double>(&static_cast<const value&>(parsed("1e3"))));
  CHECK(caf::get_if<int64_t>(&static_cast<const value&>(parsed("1"))));
  CHECK(caf::get_if<int64_t>(&static_cast<const value&>(parsed("-0"))));
}

TEST_CASE("what JSON has no words for is an object with one key") {
  using limits = std::numeric_limits<double>;
  CHECK(json(std::chrono::microseconds{-3}) == R"({"$timespan":-3000})");
  CHECK(json(*caf::make_uri("http://example.org"))
        == R"({"$uri":"http://example.org"})");
  CHECK(json(caf::uri{}) == R"({"$uri":""})");
  CHECK(json(limits::infinity()) == R"({"$real":"inf"})");
  CHECK(json(-limits::infinity()) == R"({"$real":"-inf"})");
  CHECK(json(limits::quiet_NaN()) == R"({"$real":"nan"})");
  CHECK(json("\xff\x00"
             "a")
        == R"({"$bytes":"ff"})");
  CHECK(json(std::string_view{"\xff\0a", 3}) == R"({"$bytes":"ff0061"})");
  CHECK(json({{"$a", 1}}) == R"({"$entries":[["$a",1]]})");
  CHECK(json({{"\xff", 1}, {"a", 2}})
        == R"({"$entries":[["a",2],[{"$bytes":"ff"},1]]})");
  // With a second key it cannot be mistaken.
  CHECK(json({{"$a", 1}, {"b", 2}}) == R"({"$a":1,"b":2})");
}

TEST_CASE("values of one version of CAF are said or refused") {
  if (auto none = cafreg::detail::from_rare_value({"none", {}})) {
    CHECK(to_json(*none) == "null");
    CHECK(comes_back(*none));
    CHECK(refusal(R"({"$atom": "x"})").find("$atom") != std::string::npos);
  } else {
    auto atom = cafreg::detail::from_rare_value({"atom", "an_atom"});
    REQUIRE(atom);
    CHECK(to_json(*atom) == R"({"$atom":"an_atom"})");
    CHECK(comes_back(*atom));
    CHECK(refusal("[null]").find("null") != std::string::npos);
    CHECK(refusal(R"({"$atom": "longer_than_an_atom"})").find("$atom")
          != std::string::npos);
  }
}

TEST_CASE("each value comes back as it was") {
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    auto x = random_values{seed}.value(5);
    if (!comes_back(x)) {
      CAPTURE(seed);
      FAIL(to_json(x));
    }
  }
}

TEST_CASE("a URI that CAF cannot read back becomes a string") {
  // Without the fourth slash it has neither a host nor a path.
  auto odd = *caf::make_uri("a:////");
  if (caf::make_uri(std::string{odd.str().data(), odd.str().size()}))
    return; // a later version of CAF
  auto text = to_json(value{odd});
  CHECK(text.find("$uri") == std::string::npos);
  CHECK(from_json(text));
}

TEST_CASE("dictionaries that look like something else come back") {
  for (auto* text : {"$timespan", "$uri", "$real", "$bytes", "$atom",
                     "$entries", "$", "$$", "$none"}) {
    CHECK(comes_back(values{{text, 1}}.get()));
    CHECK(comes_back(values{{text, "inf"}}.get()));
    CHECK(comes_back(values{{text, {{text, 1}}}}.get()));
    CHECK(comes_back(values{{text, 1}, {"a", 2}}.get()));
  }
}

TEST_CASE("numbers that a value cannot hold are refused") {
  CHECK(comes_back(value{std::numeric_limits<int64_t>::max()}));
  CHECK(comes_back(value{std::numeric_limits<int64_t>::min()}));
  for (auto* text :
       {"9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "123456789012345678901234567890"}) {
    CAPTURE(text);
    CHECK(refusal(text).find("64 bits") != std::string::npos);
  }
  CHECK(caf::get_if<double>(
    &static_cast<const value&>(parsed("18446744073709551616.0"))));
  CHECK(refusal("1e999").find("overflow") != std::string::npos);
}

TEST_CASE("an error says where the text is wrong") {
  CHECK(refusal("").find("line 1, column 1") != std::string::npos);
  CHECK(refusal("{\n  \"a\": nonsense\n}").find("line 2, column 9")
        != std::string::npos);
  CHECK(refusal("{\n\n \"a\": 1,\n \"a\": 2}").find("line 4, column 4")
        != std::string::npos);
  CHECK(refusal("[1, 9223372036854775808]").find("line 1")
        != std::string::npos);
}

TEST_CASE("a text that is no JSON is refused") {
  for (std::string_view text : {"",           " ",        "{",
                                "[1",         "[1,]",     "{\"a\"}",
                                "{\"a\":1,}", "{a:1}",    "'a'",
                                "nan",        "NaN",      "Infinity",
                                "01",         "1.",       ".5",
                                "+1",         "0x10",     "1 2",
                                "[] x",       "\"\xff\"", "\"\\ud800\"",
                                "\"\n\"",     "// x\n1",  "\"unfinished"})
    CHECK(refusal(text).starts_with("JSON, line "));
  CHECK(refusal(std::string_view{"1\0", 2})
        == "JSON, line 1, column 2: a zero "
           "byte");
  CHECK(refusal(std::string_view{"1\n\0garbage", 10}).find("line 2, column 1")
        != std::string::npos);
}

TEST_CASE("a key twice in one object is refused") {
  CHECK(refusal(R"({"a": 1, "b": 2, "a": 3})").find("\"a\" twice")
        != std::string::npos);
  CHECK(refusal(R"({"$timespan": 1, "$timespan": 2})").find("twice")
        != std::string::npos);
  CHECK(refusal(R"({"$entries": [["$a", 1], ["$a", 2]]})").find("$entries")
        != std::string::npos);
  CHECK(
    same_value(parsed(R"({"a": {"a": 1}})"), values{{"a", {{"a", 1}}}}.get()));
}

TEST_CASE("an object with one unknown key that begins with $ is refused") {
  for (auto* text :
       {R"({"$": 1})", R"({"$ref": "x"})", R"({"$timespan": "1"})",
        R"({"$timespan": 1.5})", R"({"$real": 1.5})",
        R"({"$real": "infinity"})", R"({"$bytes": "f"})", R"({"$bytes": "FF"})",
        R"({"$bytes": "0g"})", R"({"$uri": "not one"})", R"({"$uri": 1})",
        R"({"$entries": {}})", R"({"$entries": [1]})",
        R"({"$entries": [["a"]]})", R"({"$entries": [[1, 2]]})",
        R"({"$entries": [["a", 1, 2]]})"}) {
    CAPTURE(text);
    CHECK(refusal(text).find("stands for no value") != std::string::npos);
  }
  CHECK(same_value(parsed(R"({"$ref": "x", "type": "y"})"),
                   values{{"$ref", "x"}, {"type", "y"}}.get()));
}

TEST_CASE("JSON may be nested up to a limit") {
  CHECK(comes_back(nested(max_json_depth)));
  CHECK(comes_back(nested_entries(max_json_depth)));
  CHECK(comes_back(nested(max_json_depth, value{caf::timespan{1}})));
  CHECK(refusal(to_json(nested(max_json_depth + 1))).find("deeper than 128")
        != std::string::npos);
  CHECK(
    refusal(to_json(nested_entries(max_json_depth + 1))).find("deeper than 128")
    != std::string::npos);
  CHECK(refusal(repeated("[", 200) + repeated("]", 200)).find("line 1, column")
        != std::string::npos);
  CHECK_FALSE(cafreg::detail::from_json("[[1]]", 1));
  CHECK(cafreg::detail::from_json("[[1]]", 2));
}

TEST_CASE("nesting without end overflows no stack") {
  constexpr size_t much = 100'000;
  for (auto* text :
       {"[", "{\"a\":", "{\"$entries\":[[\"$a\",", "[[],", "{\"$uri\":"})
    CHECK(refusal(repeated(text, much)).find("deeper than 128")
          != std::string::npos);
  CHECK(refusal(repeated("[", much) + repeated("]", much)).find("deeper")
        != std::string::npos);
  auto deep = nested(much);
  CHECK(to_json(deep).size() == 2 * much + 1);
  dismantle(std::move(deep));
}

TEST_CASE("an error repeats no more than a line of the text") {
  CHECK(refusal("\"" + std::string(100'000, 'x')).size() < 300);
  auto key = "\"" + std::string(100'000, 'x') + "\"";
  CHECK(refusal("{" + key + ":1," + key + ":2}").size() < 300);
  CHECK(refusal(std::string(100'000, '9')).size() < 300);
}

} // namespace json_test
