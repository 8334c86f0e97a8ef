// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/value.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/errc.hpp"
#include "cafreg/json.hpp"
#include "cafreg/path.hpp"
#include "catch.hpp"
#include "sysregistry/known_types.hpp"
#include "sysregistry/random_values.hpp"

namespace value_test {

using namespace std::chrono_literals;
using namespace std::string_literals;

using cafreg::errc;
using cafreg::list;
using cafreg::path;
using cafreg::to_json;
using cafreg::to_text;
using cafreg::value_as;
using cafreg::value_depth;
using cafreg::value_size;
using cafreg::values;
using cafreg::detail::same_value;

namespace {

using value = caf::config_value;

/// With the parameters that updates have.
std::string update(int, const path& where, const values& what) {
  return to_string(where) + " = " + to_json(what.get());
}

template <class T>
bool gives(const values& x, const T& expected) {
  auto y = value_as<T>(x.get());
  return y && *y == expected;
}

template <class T>
std::string refusal(const values& x) {
  auto y = value_as<T>(x.get());
  if (y)
    return "no error";
  CHECK(is(y.error(), errc::bad_value));
  return to_text(y.error());
}

value nested(size_t depth) {
  value result{int64_t{1}};
  for (; depth > 0; --depth) {
    value::list outer;
    outer.push_back(std::move(result));
    result = value{std::move(outer)};
  }
  return result;
}

void dismantle(value x) {
  while (auto* xs = caf::get_if<value::list>(&x)) {
    auto next = std::move(xs->front());
    x = std::move(next);
  }
}

// What must not compile.
static_assert(!std::is_constructible_v<values, char>);
static_assert(!std::is_constructible_v<values, wchar_t>);
static_assert(!std::is_constructible_v<values, char16_t>);
static_assert(!std::is_constructible_v<values, int*>);
static_assert(!std::is_constructible_v<values, std::nullptr_t>);
static_assert(!std::is_constructible_v<values, long double>);
static_assert(!std::is_constructible_v<values, std::chrono::duration<double>>);
static_assert(
  !std::is_constructible_v<values, std::chrono::duration<int64_t, std::pico>>);
static_assert(!std::is_constructible_v<values, std::vector<char>>);
static_assert(
  !std::is_constructible_v<values, std::vector<std::vector<void*>>>);
static_assert(!std::is_default_constructible_v<values::entry>);
static_assert(std::is_convertible_v<uint8_t, values>);
static_assert(std::is_convertible_v<int8_t, values>);
static_assert(std::is_convertible_v<std::vector<std::vector<int>>, values>);

} // namespace

// -- C++ types to values ------------------------------------------------------

TEST_CASE("a value or another one") {
  using maybe = std::optional<caf::config_value>;
  maybe five{values{5}.get()};
  CHECK(cafreg::value_or(five, 1) == 5);
  CHECK(cafreg::value_or(five, uint8_t{1}) == 5);
  CHECK(cafreg::value_or(maybe{values{500}.get()}, uint8_t{1}) == 1);
  CHECK(cafreg::value_or(maybe{}, std::string{"x"}) == "x");
  CHECK(cafreg::value_or(five, std::string{"x"}) == "x");
}

TEST_CASE("arguments of updates mean what they look like") {
  auto x = 0;
  CHECK(update(x, "a.b", 1) == "a.b = 1");
  CHECK(update(x, "a.b", "text") == "a.b = \"text\"");
  CHECK(update(x, {"a", "b"}, {{"address", "192.168.1.100"}, {"mtu", 1500}})
        == R"(a.b = {"address":"192.168.1.100","mtu":1500})");
  // Two strings in braces could also be the begin and the end of one string.
  CHECK(update(x, "a", {{"k", "v"}}) == R"(a = {"k":"v"})");
  CHECK(update(x, "a", {{"k", "v"}, {"l", "w"}}) == R"(a = {"k":"v","l":"w"})");
  CHECK(update(x, {"a"}, {{"k", "v"}}) == R"(a = {"k":"v"})");
  CHECK(update(x, "a", {{"k", {{"l", "w"}}}}) == R"(a = {"k":{"l":"w"}})");
  CHECK(update(x, "a", {{"k", {{"l", {{"m", "n"}}}}}})
        == R"(a = {"k":{"l":{"m":"n"}}})");
  CHECK(update(x, "a", {{"k", {{"l", 1}, {"m", true}}}, {"n", 0.5}})
        == R"(a = {"k":{"l":1,"m":true},"n":0.5})");
  CHECK(update(x, "a", {}) == "a = {}");
  CHECK(update(x, "a", {{"k", {}}}) == R"(a = {"k":{}})");
  CHECK(update(x, "a", list({1, 2, 3})) == "a = [1,2,3]");
  CHECK(update(x, "a", list({1, "two", 3.0, list({})}))
        == R"(a = [1,"two",3.0,[]])");
  CHECK(update(x, "a", list({"k", "v"})) == R"(a = ["k","v"])");
  CHECK(update(x, "a", {{"k", list({"l", "w"})}}) == R"(a = {"k":["l","w"]})");
  CHECK(update(x, "a", std::vector<int>{1, 2}) == "a = [1,2]");
}

TEST_CASE("values are made of whatever is at hand") {
  CHECK(to_json(values{true}.get()) == "true");
  CHECK(to_json(values{uint8_t{7}}.get()) == "7");
  CHECK(to_json(values{int8_t{-7}}.get()) == "-7");
  CHECK(to_json(values{7ull}.get()) == "7");
  CHECK(to_json(values{0.5f}.get()) == "0.5");
  auto text = "text"s;
  CHECK(to_json(values{text}.get()) == "\"text\"");
  CHECK(to_json(values{std::as_const(text)}.get()) == "\"text\"");
  CHECK(to_json(values{std::string_view{text}}.get()) == "\"text\"");
  CHECK(to_json(values{text.c_str()}.get()) == "\"text\"");
  CHECK(to_json(values{std::string{"text"}}.get()) == "\"text\"");
  CHECK(to_json(values{2s}.get()) == R"({"$timespan":2000000000})");
  CHECK(to_json(values{1ms}.get()) == R"({"$timespan":1000000})");
  auto uri = *caf::make_uri("urn:x");
  CHECK(to_json(values{uri}.get()) == R"({"$uri":"urn:x"})");
  CHECK(to_json(values{value{int64_t{1}}}.get()) == "1");
  CHECK(to_json(values{std::vector<bool>{true, false}}.get())
        == "[true,false]");
  CHECK(to_json(values{std::vector{"a", "b"}}.get()) == R"(["a","b"])");
  CHECK(to_json(values{std::vector<values>{1, "b"}}.get()) == R"([1,"b"])");
  CHECK(to_json(values{std::vector<std::vector<int>>{{1}, {}}}.get())
        == "[[1],[]]");
  CHECK(to_json(values{value::list{value{true}}}.get()) == "[true]");
  CHECK(to_json(values{std::map<std::string, int>{{"a", 1}}}.get())
        == R"({"a":1})");
  value::dictionary entries;
  entries.emplace("a", int64_t{1});
  CHECK(to_json(values{entries}.get()) == R"({"a":1})");
  CHECK(to_json(values{{"a", 1}, {"a", 2}}.get()) == R"({"a":1})");
}

TEST_CASE("what a value cannot hold makes the whole invalid") {
  constexpr uint64_t largest = std::numeric_limits<int64_t>::max();
  CHECK(values{largest}.valid());
  CHECK_FALSE(values{largest + 1}.valid());
  CHECK(values{std::chrono::hours{1}}.valid());
  CHECK_FALSE(values{std::chrono::hours::max()}.valid());
  CHECK_FALSE(values{std::chrono::hours::min()}.valid());
  CHECK(values{std::chrono::nanoseconds::max()}.valid());
  CHECK(values{{"a", {{"b", 1}}}}.valid());
  CHECK_FALSE(values{{"a", {{"b", largest + 1}}}, {"c", 1}}.valid());
  CHECK_FALSE(list({1, list({largest + 1}), 2}).valid());
  CHECK_FALSE(values{std::vector{largest + 1, largest}}.valid());
  CHECK_FALSE(
    values{std::map<std::string, uint64_t>{{"a", largest + 1}, {"b", 1}}}
      .valid());
}

// -- values to C++ types ------------------------------------------------------

TEST_CASE("values become what they are") {
  CHECK(gives(true, true));
  CHECK(gives(1, 1));
  CHECK(gives(1.5, 1.5));
  CHECK(gives("a", "a"s));
  CHECK(gives(5s, 5s));
  CHECK(gives(*caf::make_uri("urn:x"), *caf::make_uri("urn:x")));
  CHECK(gives(std::vector{1, 2}, std::vector{1, 2}));
  CHECK(gives(list({true, false}), std::vector<bool>{true, false}));
  CHECK(gives({{"a", 1}, {"b", 2}},
              std::map<std::string, int>{{"a", 1}, {"b", 2}}));
  CHECK(gives({{"a", list({"x"})}},
              std::map<std::string, std::vector<std::string>>{{"a", {"x"}}}));
  auto any = value_as<value>(values{{"a", 1}}.get());
  REQUIRE(any);
  CHECK(to_json(*any) == R"({"a":1})");
  CHECK(value_as<value::list>(list({1, "a"}).get()));
}

TEST_CASE("no integer is narrowed in silence") {
  CHECK(gives(65535, uint16_t{65535}));
  CHECK(refusal<uint16_t>(70000)
        == "asked for an integer from 0 to 65535, but this is the integer "
           "70000");
  CHECK(refusal<uint16_t>(-1).find("integer -1") != std::string::npos);
  CHECK(gives(-128, int8_t{-128}));
  CHECK(refusal<int8_t>(128).find("from -128 to 127") != std::string::npos);
  CHECK(
    gives(std::numeric_limits<int64_t>::max(), uint64_t{9223372036854775807u}));
  CHECK(refusal<uint64_t>(-1).find("to 18446744073709551615")
        != std::string::npos);
  CHECK(refusal<int>(1.0).find("the real 1") != std::string::npos);
  CHECK(refusal<int>(true).find("the boolean true") != std::string::npos);
  CHECK(refusal<bool>(1).find("asked for a boolean") != std::string::npos);
}

TEST_CASE("an integer becomes a real if that is exact") {
  constexpr int64_t exact = int64_t{1} << 53;
  CHECK(gives(1, 1.0));
  CHECK(gives(exact, 9007199254740992.0));
  CHECK(refusal<double>(exact + 1) != "no error");
  CHECK(gives(-exact, -9007199254740992.0));
  CHECK(gives(std::numeric_limits<int64_t>::min(), -9223372036854775808.0));
  CHECK(refusal<double>(std::numeric_limits<int64_t>::max()) != "no error");
  CHECK(gives(16777216, 16777216.0f));
  CHECK(refusal<float>(16777217) != "no error");
  CHECK(refusal<float>(std::numeric_limits<int64_t>::max()) != "no error");
}

TEST_CASE("a real becomes the nearest float, but never infinite") {
  CHECK(gives(0.1, 0.1f));
  CHECK(refusal<float>(1e300).find("single precision") != std::string::npos);
  CHECK(gives(std::numeric_limits<double>::infinity(),
              std::numeric_limits<float>::infinity()));
  auto nan = value_as<float>(value{std::numeric_limits<double>::quiet_NaN()});
  REQUIRE(nan);
  CHECK(std::isnan(*nan));
}

TEST_CASE("a timespan becomes any duration that says it exactly") {
  CHECK(gives(5s, 5000ms));
  CHECK(gives(120s, 2min));
  CHECK(refusal<std::chrono::minutes>(90s).find("90000000000ns")
        != std::string::npos);
  CHECK(gives(90s, std::chrono::duration<double>{90.0}));
  CHECK(gives(90s, std::chrono::duration<double, std::ratio<60>>{1.5}));
  CHECK(gives(100ms, std::chrono::duration<double>{0.1}));
  CHECK(refusal<std::chrono::duration<float>>(123456789ns) != "no error");
  using small = std::chrono::duration<int8_t>;
  CHECK(gives(127s, small{127}));
  CHECK(refusal<small>(128s) != "no error");
  using fine = std::chrono::duration<int64_t, std::pico>;
  CHECK(gives(1ns, fine{1000}));
  CHECK(refusal<fine>(std::chrono::nanoseconds::max()) != "no error");
  CHECK(refusal<std::chrono::duration<double>>(std::chrono::nanoseconds::max())
        != "no error");
  CHECK(refusal<std::chrono::seconds>(5).find("asked for a timespan")
        != std::string::npos);
}

TEST_CASE("an error in an element says in which") {
  CHECK(refusal<std::vector<int>>(list({1, "a"}))
        == "element 1: asked for an integer from -2147483648 to 2147483647, "
           "but this is a string");
  CHECK(refusal<std::map<std::string, std::vector<bool>>>({{"k", list({1})}})
        == "key \"k\": element 0: asked for a boolean, but this is the "
           "integer 1");
  CHECK(refusal<std::vector<int>>(1).find("asked for a list")
        != std::string::npos);
  CHECK(refusal<std::map<std::string, int>>(list({})).find("but this is a list")
        != std::string::npos);
  CHECK(refusal<std::string>(1).find("a string") != std::string::npos);
  CHECK(refusal<caf::uri>("urn:x").find("a URI") != std::string::npos);
}

// -- limits and equality ------------------------------------------------------

TEST_CASE("a value's size grows with what is in it") {
  auto number = value_size(values{1}.get());
  CHECK(number >= sizeof(value));
  CHECK(value_size(values{std::string(1000, 'x')}.get()) >= number + 1000);
  CHECK(value_size(list({1, 2, 3}).get()) >= 4 * number);
  CHECK(value_size(values{{std::string(1000, 'x'), 1}}.get())
        >= 2 * number + 1000);
  CHECK(value_size(values{{"a", {{"b", std::string(1000, 'x')}}}}.get())
        >= 3 * number + 1000);
  CHECK(value_size(values{std::vector<int>(10'000)}.get()) < 2'000'000);
}

TEST_CASE("a value's depth is that of its deepest element") {
  CHECK(value_depth(values{1}.get()) == 0);
  CHECK(value_depth(values{}.get()) == 1);
  CHECK(value_depth(list({1, 2}).get()) == 1);
  CHECK(value_depth(list({1, list({}), 2}).get()) == 2);
  CHECK(value_depth(values{{"a", {{"b", list({1})}}}, {"c", 1}}.get()) == 3);
}

TEST_CASE("no depth overflows the stack") {
  constexpr size_t much = 100'000;
  auto x = nested(much);
  auto y = nested(much);
  CHECK(value_depth(x) == much);
  CHECK(value_size(x) >= much * sizeof(value));
  CHECK(same_value(x, y));
  dismantle(std::move(x));
  dismantle(std::move(y));
}

TEST_CASE("values are the same if they have the same type and are equal") {
  auto same = [](const values& x, const values& y) {
    auto result = same_value(x.get(), y.get());
    CHECK(same_value(y.get(), x.get()) == result);
    return result;
  };
  auto nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(same(1, 1));
  CHECK_FALSE(same(1, 2));
  CHECK_FALSE(same(1, 1.0));
  CHECK_FALSE(same(1, true));
  CHECK_FALSE(same(1, 1ns));
  CHECK_FALSE(same("urn:x", *caf::make_uri("urn:x")));
  CHECK(same(*caf::make_uri("urn:x"), *caf::make_uri("urn:x")));
  CHECK(same(nan, nan));
  CHECK_FALSE(same(nan, 1.0));
  CHECK(same(list({1, nan}), list({1, nan})));
  CHECK_FALSE(same(list({1, 2}), list({1, 3})));
  CHECK_FALSE(same(list({1, 2}), list({1})));
  CHECK_FALSE(same({{"a", 1}}, {{"b", 1}}));
  CHECK_FALSE(same({{"a", 1}}, {{"a", 2}}));
  CHECK_FALSE(same({{"a", 1}}, {{"a", 1}, {"b", 2}}));
  CHECK(same({{"a", 1}, {"b", nan}}, {{"b", nan}, {"a", 1}}));
  CHECK_FALSE(same({}, list({})));
}

TEST_CASE("values are the same exactly if they are written the same") {
  // Negative zeros are equal to positive ones and written otherwise.
  auto text = [](const value& x) {
    auto result = to_json(x);
    for (size_t at; (at = result.find("-0.0")) != std::string::npos;)
      result.erase(at, 1);
    return result;
  };
  for (uint64_t seed = 0; seed < 3'000; ++seed) {
    auto x = random_values{seed % 1000}.value(2);
    auto y = random_values{seed}.value(2);
    if (same_value(x, y) != (text(x) == text(y))) {
      CAPTURE(seed);
      FAIL(to_json(x) << " and " << to_json(y));
    }
  }
}

} // namespace value_test
