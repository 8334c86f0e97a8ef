// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/value.hpp"

#include <algorithm>

namespace cafreg {

namespace {

using value = caf::config_value;

/// Calls `fn` for each element of a list or dictionary.
template <class Fn>
void for_each_element(const value& x, Fn fn) {
  if (auto* items = caf::get_if<value::list>(&x)) {
    for (auto& item : *items)
      fn(item);
  } else if (auto* entries = caf::get_if<value::dictionary>(&x)) {
    for (auto& entry : *entries)
      fn(entry.second);
  }
}

bool is_container(const value& x) {
  return caf::holds_alternative<value::list>(x)
         || caf::holds_alternative<value::dictionary>(x);
}

void add_saturating(size_t& sum, size_t x) {
  if (__builtin_add_overflow(sum, x, &sum))
    sum = std::numeric_limits<size_t>::max();
}

/// The bytes of a value without its elements.
size_t own_size(const value& x) {
  return detail::visit_value(x, [](const auto& y) -> size_t {
    using type = std::decay_t<decltype(y)>;
    size_t result = sizeof(value);
    if constexpr (std::is_same_v<type, std::string>) {
      add_saturating(result, y.size());
    } else if constexpr (std::is_same_v<type, caf::uri>) {
      add_saturating(result, y.str().size());
    } else if constexpr (std::is_same_v<type, value::dictionary>) {
      for (auto& entry : y) {
        add_saturating(result, sizeof(entry.first));
        add_saturating(result, entry.first.size());
      }
    }
    return result;
  });
}

/// What a value is, for people. Says no more of it than fits into a line.
std::string describe(const value& x) {
  return detail::visit_value(x, [&x](const auto& y) -> std::string {
    using type = std::decay_t<decltype(y)>;
    if constexpr (std::is_same_v<type, bool>)
      return y ? "the boolean true" : "the boolean false";
    else if constexpr (std::is_same_v<type, int64_t>)
      return "the integer " + std::to_string(y);
    else if constexpr (std::is_same_v<type, double>)
      return "the real " + to_string(x);
    else if constexpr (std::is_same_v<type, caf::timespan>)
      return "a timespan of " + std::to_string(y.count()) + "ns";
    else if constexpr (std::is_same_v<type, caf::uri>)
      return "a URI";
    else if constexpr (std::is_same_v<type, std::string>)
      return "a string";
    else if constexpr (std::is_same_v<type, value::list>)
      return "a list";
    else if constexpr (std::is_same_v<type, value::dictionary>)
      return "a dictionary";
    else
      return "what CAF calls " + std::string{y.kind};
  });
}

} // namespace

// -- conversions --------------------------------------------------------------

caf::error detail::not_a(std::string_view asked_for, const value& x) {
  return cafreg::make_error(errc::bad_value,
                            "asked for " + std::string{asked_for}
                              + ", but this is " + describe(x));
}

caf::error detail::in_element(const std::string& which, const caf::error& err) {
  return cafreg::make_error(errc::bad_value,
                            which + ": " + cafreg::to_text(err));
}

std::string detail::range_text(int64_t low, uint64_t high) {
  return "an integer from " + std::to_string(low) + " to "
         + std::to_string(high);
}

// -- values -------------------------------------------------------------------

values::values(std::initializer_list<entry> xs) {
  value::dictionary result;
  for (auto& x : xs)
    result.container().emplace(x.key, absorb(x.content));
  value_ = std::move(result);
}

values list(std::initializer_list<values> xs) {
  values result{value{}};
  value::list items;
  items.reserve(xs.size());
  for (auto& x : xs)
    items.push_back(result.absorb(x));
  result.value_ = std::move(items);
  return result;
}

// -- walks --------------------------------------------------------------------

// With a stack of their own, since nobody limits how deep a value is that comes
// from elsewhere. A value without elements needs none of it.

size_t value_size(const value& x) {
  auto result = own_size(x);
  std::vector<const value*> open;
  if (is_container(x))
    open.push_back(&x);
  while (!open.empty()) {
    auto* next = open.back();
    open.pop_back();
    for_each_element(*next, [&](const value& element) {
      add_saturating(result, own_size(element));
      if (is_container(element))
        open.push_back(&element);
    });
  }
  return result;
}

size_t value_depth(const value& x) {
  size_t result = 0;
  std::vector<std::pair<const value*, size_t>> open;
  if (is_container(x))
    open.emplace_back(&x, 1);
  while (!open.empty()) {
    auto [next, depth] = open.back();
    open.pop_back();
    result = std::max(result, depth);
    for_each_element(*next, [&open, depth = depth](const value& element) {
      if (is_container(element))
        open.emplace_back(&element, depth + 1);
    });
  }
  return result;
}

bool detail::same_value(const value& x, const value& y) {
  std::vector<std::pair<const value*, const value*>> open;
  // Compares two values; elements are left for later.
  auto same = [&open](const value& x, const value& y) {
    return visit_value(x, [&](const auto& a) -> bool {
      using type = std::decay_t<decltype(a)>;
      if constexpr (std::is_same_v<type, rare_value>) {
        // These are scalars.
        return x == y;
      } else {
        auto* b = caf::get_if<type>(&y);
        if (b == nullptr)
          return false;
        if constexpr (std::is_same_v<type, double>) {
          return a == *b || (std::isnan(a) && std::isnan(*b));
        } else if constexpr (std::is_same_v<type, value::list>) {
          if (a.size() != b->size())
            return false;
          for (size_t i = 0; i < a.size(); ++i)
            open.emplace_back(&a[i], &(*b)[i]);
          return true;
        } else if constexpr (std::is_same_v<type, value::dictionary>) {
          if (a.size() != b->size())
            return false;
          for (auto i = a.begin(), j = b->begin(); i != a.end(); ++i, ++j) {
            if (i->first != j->first)
              return false;
            open.emplace_back(&i->second, &j->second);
          }
          return true;
        } else {
          return a == *b;
        }
      }
    });
  };
  if (!same(x, y))
    return false;
  while (!open.empty()) {
    auto [a, b] = open.back();
    open.pop_back();
    if (!same(*a, *b))
      return false;
  }
  return true;
}

} // namespace cafreg
