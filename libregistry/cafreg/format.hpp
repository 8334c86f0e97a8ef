// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <caf/typed_actor.hpp>
#include <fmt/format.h>

#include "cafreg/caf.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/stats.hpp"
#include "cafreg/via.hpp"

/// Formatters of fmt for what a registry gives out: entries, events, errors,
/// codes, names, holders and actor handles. The library itself does not use
/// fmt.

/// @cond
// Specialisations in another's namespace are beyond Doxygen.

namespace cafreg::detail {

/// Formats through a conversion to text, with fmt's options for strings.
struct text_formatter : fmt::formatter<std::string_view> {
  template <class Context>
  auto format_text(const std::string& text, Context& ctx) const {
    return fmt::formatter<std::string_view>::format(text, ctx);
  }
};

/// What has a `to_string` in this library.
template <class T>
concept textual
  = std::derived_from<T, event> || std::same_as<T, errc> || std::same_as<
    T, departure> || std::same_as<T, holder_role> || std::same_as<T,
                                                                  holder_info>;

/// Formats handles of actors.
struct actor_formatter : text_formatter {
  template <class Handle, class Context>
  auto format(const Handle& x, Context& ctx) const {
    return format_text(actor_text(x), ctx);
  }
};

/// Renders any value: fmt's way if there is one, else CAF's.
template <class T>
std::string value_text(const T& x) {
  if constexpr (fmt::is_formattable<T>::value)
    return fmt::format("{}", x);
  else
    return key_text(x);
}

template <class Entry>
std::string entry_text(const Entry& x) {
  auto result = fmt::format("{} -> {}", value_text(x.key()),
                            actor_text(x.handle()));
  if constexpr (!std::is_same_v<std::decay_t<decltype(x.value())>, unit>)
    result += fmt::format(" ({})", value_text(x.value()));
  return result;
}

} // namespace cafreg::detail

/// Prints the text of an error.
template <>
struct fmt::formatter<caf::error> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const caf::error& x, Context& ctx) const {
    return format_text(cafreg::to_text(x), ctx);
  }
};

/// Prints codes, reasons, roles and events as `to_string` does.
template <cafreg::detail::textual T>
struct fmt::formatter<T> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const T& x, Context& ctx) const {
    return format_text(to_string(x), ctx);
  }
};

/// Prints id and node of an actor.
template <>
struct fmt::formatter<caf::actor> : cafreg::detail::actor_formatter {};

/// Prints id and node of an actor.
template <>
struct fmt::formatter<caf::strong_actor_ptr> : cafreg::detail::actor_formatter {
};

/// Prints id and node of an actor.
template <class... Signatures>
struct fmt::formatter<caf::typed_actor<Signatures...>>
  : cafreg::detail::actor_formatter {};

/// Prints "KEY -> ACTOR (VALUE)".
template <class Key, class Value, class Handle>
struct fmt::formatter<cafreg::entry<Key, Value, Handle>>
  : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::entry<Key, Value, Handle>& x, Context& ctx) const {
    return format_text(cafreg::detail::entry_text(x), ctx);
  }
};

/// Prints "KEY -> ACTOR (VALUE)".
template <class Key, class Value, class Handle>
struct fmt::formatter<cafreg::entry_view<Key, Value, Handle>>
  : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::entry_view<Key, Value, Handle>& x,
              Context& ctx) const {
    return format_text(cafreg::detail::entry_text(x), ctx);
  }
};

/// Prints "via REGISTRY: KEY".
template <class Ref>
struct fmt::formatter<cafreg::via<Ref>> : cafreg::detail::text_formatter {
  template <class Context>
  auto format(const cafreg::via<Ref>& x, Context& ctx) const {
    return format_text(fmt::format("via {}: {}", x.registry().name(),
                                   cafreg::detail::value_text(x.key())),
                       ctx);
  }
};

/// @endcond
