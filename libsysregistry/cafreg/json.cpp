// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cafreg/detail/json_writer.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/value.hpp"

namespace cafreg {

namespace {

using value = caf::config_value;

/// How long a text from elsewhere may be that an error repeats.
constexpr size_t max_quotation = 120;

/// The longest an error repeats of a text; what is not printable is replaced.
std::string excerpt(std::string_view text) {
  std::string result{text.substr(0, max_quotation)};
  for (auto& c : result)
    if (static_cast<unsigned char>(c) < 0x20
        || static_cast<unsigned char>(c) > 0x7e)
      c = '?';
  if (text.size() > max_quotation)
    result += "...";
  return result;
}

/// Where the parser is. It takes iterators only by value.
struct tracking_iterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* pos;
  const char** farthest;

  reference operator*() const {
    return *pos;
  }

  tracking_iterator& operator++() {
    *farthest = ++pos;
    return *this;
  }

  tracking_iterator operator++(int) {
    auto copy = *this;
    ++*this;
    return copy;
  }

  bool operator==(const tracking_iterator& other) const {
    return pos == other.pos;
  }
};

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10;
  return std::nullopt;
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0)
    return std::nullopt;
  std::string result;
  result.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    auto high = hex_digit(text[i]);
    auto low = hex_digit(text[i + 1]);
    if (!high || !low)
      return std::nullopt;
    result += static_cast<char>(*high << 4 | *low);
  }
  return result;
}

std::optional<value> untag_string(std::string_view tag,
                                  const std::string& text) {
  if (tag == "uri") {
    if (text.empty())
      return value{caf::uri{}};
    if (auto result = caf::make_uri(text))
      return value{std::move(*result)};
  } else if (tag == "real") {
    using limits = std::numeric_limits<double>;
    if (text == "nan")
      return value{limits::quiet_NaN()};
    if (text == "inf")
      return value{limits::infinity()};
    if (text == "-inf")
      return value{-limits::infinity()};
  } else if (tag == "bytes") {
    if (auto result = unhex(text))
      return value{std::move(*result)};
  } else if (tag == "atom") {
    return detail::from_rare_value({"atom", text});
  }
  return std::nullopt;
}

std::optional<value> untag_entries(value::list& xs) {
  value::dictionary result;
  for (auto& x : xs) {
    auto* entry = caf::get_if<value::list>(&x);
    if (entry == nullptr || entry->size() != 2)
      return std::nullopt;
    auto* key = caf::get_if<std::string>(&entry->front());
    if (key == nullptr
        || !result.container()
              .emplace(std::move(*key), std::move(entry->back()))
              .second)
      return std::nullopt;
  }
  return value{std::move(result)};
}

/// Returns what an object with one key stands for, which is a `$` and `tag`.
std::optional<value> untag(std::string_view tag, value& content) {
  if (auto* text = caf::get_if<std::string>(&content))
    return untag_string(tag, *text);
  if (auto* number = caf::get_if<int64_t>(&content);
      number && tag == "timespan")
    return value{caf::timespan{*number}};
  if (auto* xs = caf::get_if<value::list>(&content); xs && tag == "entries")
    return untag_entries(*xs);
  return std::nullopt;
}

/// Makes a value of what the parser finds. Neither of them recurses.
class builder final : public nlohmann::json_sax<nlohmann::json> {
public:
  builder(std::string_view text, size_t max_depth)
    : text_(text),
      max_depth_(max_depth),
      pos_(text.data()),
      deepest_(text.data()) {
    // nop
  }

  caf::expected<value> run() {
    // Which the parser would take for the end.
    if (auto zero = text_.find('\0'); zero != std::string_view::npos) {
      pos_ += zero + 1;
      fail("a zero byte");
      return detail::failure(make_error(errc::bad_json, std::move(problem_)));
    }
    auto* first = text_.data();
    auto* last = first + text_.size();
    if (!nlohmann::json::sax_parse(tracking_iterator{first, &pos_},
                                   tracking_iterator{last, &pos_}, this))
      return detail::failure(make_error(errc::bad_json, std::move(problem_)));
    // With as many brackets as this, their depth may be within the limit still.
    if (deepest_nesting_ > max_depth_ && value_depth(result_) > max_depth_) {
      too_deep(deepest_);
      return detail::failure(make_error(errc::bad_json, std::move(problem_)));
    }
    return std::move(result_);
  }

  // -- what the parser calls --------------------------------------------------

  bool null() override {
    if (auto none = detail::from_rare_value({"none", {}}))
      return put(std::move(*none));
    return fail("null, which no value can be with this version of CAF");
  }

  bool boolean(bool x) override {
    return put(value{x});
  }

  bool number_integer(number_integer_t x) override {
    return put(value{static_cast<int64_t>(x)});
  }

  bool number_unsigned(number_unsigned_t x) override {
    if (!std::in_range<int64_t>(x))
      return fail("an integer that does not fit into 64 bits: "
                  + std::to_string(x));
    return put(value{static_cast<int64_t>(x)});
  }

  bool number_float(number_float_t x, const string_t& text) override {
    // The parser takes an integer for a real if it does not fit.
    if (text.find_first_of(".eE") == std::string::npos)
      return fail("an integer that does not fit into 64 bits: "
                  + excerpt(text));
    return put(value{x});
  }

  bool string(string_t& x) override {
    return put(value{std::move(x)});
  }

  bool binary(binary_t&) override {
    return fail("binary data");
  }

  bool start_object(size_t) override {
    return open(true);
  }

  bool key(string_t& x) override {
    auto& top = stack_.back();
    if (top.entries.contains(x))
      return fail("the key \"" + excerpt(x) + "\" twice in one object");
    top.key = std::move(x);
    return true;
  }

  bool end_object() override {
    auto top = close();
    if (top.entries.size() == 1) {
      auto& [name, content] = *top.entries.begin();
      if (name.starts_with('$')) {
        if (auto x = untag(std::string_view{name}.substr(1), content))
          return put(std::move(*x));
        return fail("an object with the one key \"" + excerpt(name)
                    + "\", which stands for no value here");
      }
    }
    value::dictionary result;
    result.container() = std::move(top.entries);
    return put(value{std::move(result)});
  }

  bool start_array(size_t) override {
    return open(false);
  }

  bool end_array() override {
    return put(value{close().items});
  }

  bool parse_error(size_t, const std::string&,
                   const nlohmann::json::exception& what) override {
    // "[json.exception.parse_error.101] parse error at ...: syntax error ..."
    std::string_view text{what.what()};
    if (auto end = text.find("] "); end != std::string_view::npos)
      text.remove_prefix(end + 2);
    if (text.starts_with("parse error at "))
      if (auto end = text.find(": "); end != std::string_view::npos)
        text.remove_prefix(end + 2);
    return fail(excerpt(text));
  }

private:
  /// A list or an object whose end was not seen yet.
  struct frame {
    bool is_object;
    std::string key;
    value::list items;
    value::dictionary::map_type entries;
  };

  bool put(value x) {
    if (stack_.empty())
      result_ = std::move(x);
    else if (auto& top = stack_.back(); top.is_object)
      top.entries.emplace(std::move(top.key), std::move(x));
    else
      top.items.push_back(std::move(x));
    return true;
  }

  bool open(bool is_object) {
    // A level takes three brackets at most: those of {"$entries": [[...]]}.
    // The innermost value may have those of a tag.
    if (stack_.size() > 3 * max_depth_)
      return too_deep(pos_);
    stack_.push_back({is_object, {}, {}, {}});
    if (stack_.size() > deepest_nesting_) {
      deepest_nesting_ = stack_.size();
      deepest_ = pos_;
    }
    return true;
  }

  frame close() {
    auto result = std::move(stack_.back());
    stack_.pop_back();
    return result;
  }

  bool too_deep(const char* where) {
    pos_ = where;
    return fail("lists and dictionaries deeper than "
                + std::to_string(max_depth_) + " levels");
  }

  bool fail(const std::string& what) {
    // As editors count: from 1, and to the last character that was read.
    std::string_view read{text_.data(),
                          static_cast<size_t>(pos_ - text_.data())};
    auto line = std::count(read.begin(), read.end(), '\n') + 1;
    auto column = read.size();
    if (auto end = read.rfind('\n'); end != std::string_view::npos)
      column -= end + 1;
    problem_ = "JSON, line " + std::to_string(line) + ", column "
               + std::to_string(std::max<size_t>(column, 1)) + ": " + what;
    return false;
  }

  std::string_view text_;
  size_t max_depth_;
  const char* pos_;
  const char* deepest_;
  size_t deepest_nesting_ = 0;
  std::vector<frame> stack_;
  value result_;
  std::string problem_;
};

} // namespace

std::string to_json(const caf::config_value& x, int indent) {
  return detail::json_writer{indent}.write(x);
}

caf::expected<caf::config_value> from_json(std::string_view text) {
  return detail::from_json(text, max_json_depth);
}

caf::expected<caf::config_value> detail::from_json(std::string_view text,
                                                   size_t max_depth) {
  return builder{text, max_depth}.run();
}

} // namespace cafreg
