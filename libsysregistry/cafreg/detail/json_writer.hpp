// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cafreg/caf.hpp"

namespace cafreg::detail {

/// Writes one value as JSON; see `to_json`. Keeps a stack of its own, since
/// values may be nested deeper than the stack of a thread allows.
class json_writer {
public:
  explicit json_writer(int indent) : indent_(indent) {
    // nop
  }

  std::string write(const caf::config_value& root);

private:
  using list = caf::config_value::list;
  using dictionary = caf::config_value::dictionary;

  /// A list or a dictionary that is half written.
  struct frame {
    list::const_iterator item;
    list::const_iterator last_item;
    dictionary::const_iterator entry;
    dictionary::const_iterator last_entry;
    bool is_list = false;
    /// Whether a dictionary is written as a list of entries.
    bool as_entries = false;
    bool empty = true;
  };

  void put(const caf::config_value& x);
  void put(const list& xs);
  void put(const dictionary& xs);
  void put_string(std::string_view text);
  void put_uri(const caf::uri& x);
  void put_real(double x);

  template <class T>
  void put_number(T x);

  /// Writes an object with one key.
  template <class Fn>
  void put_tagged(std::string_view tag, Fn put_content);

  /// Writes the next element of the innermost list or dictionary, or its end.
  void step();

  void quote(std::string_view text);
  void separate(frame& in);
  void new_line(size_t level);
  void colon();

  int indent_;
  std::string out_;
  std::vector<frame> stack_;
};

} // namespace cafreg::detail
