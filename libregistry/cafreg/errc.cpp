// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/errc.hpp"

#include <array>
#include <cstddef>

#include "cafreg/types.hpp"

namespace cafreg {

namespace {

constexpr std::array<std::string_view, 29> names{
  "none",
  "no_such_name",
  "closed",
  "already_registered",
  "not_holder",
  "null_handle",
  "dead_actor",
  "remote_actor",
  "key_too_large",
  "timeout",
  "cancelled",
  "would_block",
  "would_deadlock",
  "bad_request",
  "bad_option",
  "spawn_failed",
  "already_started",
  "factory_failed",
  "backing_off",
  "reserved_keys",
  "path_conflict",
  "bad_path",
  "no_such_path",
  "value_too_large",
  "bad_value",
  "rule_refused",
  "callback_threw",
  "bad_json",
  "bad_file",
};

} // namespace

std::string to_string(errc code) {
  auto index = static_cast<size_t>(code);
  return std::string{index < names.size() ? names[index] : "invalid"};
}

bool from_string(std::string_view text, errc& code) {
  for (size_t i = 1; i < names.size(); ++i)
    if (names[i] == text)
      return from_integer(static_cast<uint8_t>(i), code);
  return false;
}

bool from_integer(std::underlying_type_t<errc> number, errc& code) {
  if (number == 0 || number >= names.size())
    return false;
  code = static_cast<errc>(number);
  return true;
}

caf::error make_error(errc code, std::string text) {
  return detail::pack_error(code, caf::make_message(std::move(text)));
}

bool is(const caf::error& err, errc code) noexcept {
  return detail::failed(err) && detail::is_our_error<errc>(err)
         && err.code() == static_cast<uint8_t>(code);
}

std::string to_text(const caf::error& err) {
  if (detail::failed(err) && detail::is_our_error<errc>(err)) {
    if (auto* text = detail::message_element<std::string>(err.context(), 0);
        text != nullptr && !text->empty())
      return *text;
    return to_string(static_cast<errc>(err.code()));
  }
  return to_string(err);
}

namespace detail {

caf::error make_error(errc code, std::string_view registry,
                      std::string_view key, std::string_view reason,
                      std::string_view noun) {
  std::string text = "registry ";
  text += registry;
  if (!key.empty()) {
    text += ": ";
    text += noun;
    text += ' ';
    text += key;
  }
  text += ": ";
  text += reason;
  return cafreg::make_error(code, std::move(text));
}

caf::error with_actor(const caf::error& err, caf::strong_actor_ptr who) {
  return pack_error(static_cast<errc>(err.code()),
                    caf::make_message(to_text(err), std::move(who)));
}

caf::strong_actor_ptr actor_of(const caf::error& err) {
  if (failed(err) && is_our_error<errc>(err))
    if (auto* who = message_element<caf::strong_actor_ptr>(err.context(), 1))
      return *who;
  return nullptr;
}

} // namespace detail

} // namespace cafreg
