// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/json_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "cafreg/detail/utf8.hpp"

namespace cafreg::detail {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

/// Whether an object of JSON says the same.
bool is_plain(const caf::config_value::dictionary& xs) {
  if (xs.size() == 1 && xs.begin()->first.starts_with('$'))
    return false;
  return std::all_of(xs.begin(), xs.end(),
                     [](const auto& entry) { return is_utf8(entry.first); });
}

} // namespace

std::string json_writer::write(const caf::config_value& root) {
  put(root);
  while (!stack_.empty())
    step();
  return std::move(out_);
}

void json_writer::put(const caf::config_value& x) {
  visit_value(x, [this](const auto& y) {
    using type = std::decay_t<decltype(y)>;
    if constexpr (std::is_same_v<type, bool>) {
      out_ += y ? "true" : "false";
    } else if constexpr (std::is_same_v<type, int64_t>) {
      put_number(y);
    } else if constexpr (std::is_same_v<type, double>) {
      put_real(y);
    } else if constexpr (std::is_same_v<type, caf::timespan>) {
      put_tagged("timespan", [&] { put_number(y.count()); });
    } else if constexpr (std::is_same_v<type, caf::uri>) {
      put_uri(y);
    } else if constexpr (std::is_same_v<type, std::string>) {
      put_string(y);
    } else if constexpr (std::is_same_v<type, rare_value>) {
      if (y.kind == "none")
        out_ += "null";
      else
        put_tagged(y.kind, [&] { quote(y.text); });
    } else {
      put(y);
    }
  });
}

void json_writer::put(const list& xs) {
  if (xs.empty()) {
    out_ += "[]";
    return;
  }
  out_ += '[';
  frame next;
  next.item = xs.begin();
  next.last_item = xs.end();
  next.is_list = true;
  stack_.push_back(next);
}

void json_writer::put(const dictionary& xs) {
  if (xs.empty()) {
    out_ += "{}";
    return;
  }
  frame next;
  next.entry = xs.begin();
  next.last_entry = xs.end();
  next.as_entries = !is_plain(xs);
  if (next.as_entries) {
    out_ += "{\"$entries\"";
    colon();
    out_ += '[';
  } else {
    out_ += '{';
  }
  stack_.push_back(next);
}

void json_writer::step() {
  auto& top = stack_.back();
  if (top.is_list) {
    if (top.item == top.last_item) {
      new_line(stack_.size() - 1);
      out_ += ']';
      stack_.pop_back();
      return;
    }
    separate(top);
    put(*top.item++); // may move the frames
    return;
  }
  if (top.as_entries && !top.empty)
    out_ += ']';
  if (top.entry == top.last_entry) {
    new_line(stack_.size() - 1);
    out_ += top.as_entries ? "]}" : "}";
    stack_.pop_back();
    return;
  }
  separate(top);
  const auto& [key, value] = *top.entry++;
  if (top.as_entries) {
    out_ += '[';
    put_string(key);
    out_ += indent_ < 0 ? "," : ", ";
  } else {
    quote(key);
    colon();
  }
  put(value); // may move the frames
}

void json_writer::put_string(std::string_view text) {
  if (is_utf8(text)) {
    quote(text);
    return;
  }
  put_tagged("bytes", [&] {
    out_ += '"';
    for (auto c : text) {
      out_ += digits[static_cast<unsigned char>(c) >> 4];
      out_ += digits[static_cast<unsigned char>(c) & 15];
    }
    out_ += '"';
  });
}

void json_writer::put_uri(const caf::uri& x) {
  std::string text{x.str().data(), x.str().size()};
  auto same = caf::make_uri(text);
  if (text.empty() || (same && *same == x))
    put_tagged("uri", [&] { quote(text); });
  else
    put_string(text);
}

void json_writer::put_real(double x) {
  if (!std::isfinite(x)) {
    put_tagged("real", [&] {
      if (std::isnan(x))
        out_ += "\"nan\"";
      else
        out_ += x < 0 ? "\"-inf\"" : "\"inf\"";
    });
    return;
  }
  auto begin = out_.size();
  put_number(x);
  if (out_.find_first_of(".e", begin) == std::string::npos)
    out_ += ".0";
}

template <class T>
void json_writer::put_number(T x) {
  std::array<char, 32> buf;
  auto [end, ec] = std::to_chars(buf.data(), buf.data() + buf.size(), x);
  out_.append(buf.data(), end);
}

template <class Fn>
void json_writer::put_tagged(std::string_view tag, Fn put_content) {
  out_ += "{\"$";
  out_ += tag;
  out_ += '"';
  colon();
  put_content();
  out_ += '}';
}

void json_writer::quote(std::string_view text) {
  out_ += '"';
  for (auto c : text) {
    switch (c) {
      case '"':
        out_ += "\\\"";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\t':
        out_ += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out_ += "\\u00";
          out_ += digits[static_cast<unsigned char>(c) >> 4];
          out_ += digits[static_cast<unsigned char>(c) & 15];
        } else {
          out_ += c;
        }
    }
  }
  out_ += '"';
}

void json_writer::separate(frame& in) {
  if (!in.empty)
    out_ += ',';
  in.empty = false;
  new_line(stack_.size());
}

void json_writer::new_line(size_t level) {
  if (indent_ < 0)
    return;
  out_ += '\n';
  out_.append(level * static_cast<size_t>(indent_), ' ');
}

void json_writer::colon() {
  out_ += indent_ < 0 ? ":" : ": ";
}

} // namespace cafreg::detail
