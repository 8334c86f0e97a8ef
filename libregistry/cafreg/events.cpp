// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/events.hpp"

#include "cafreg/types.hpp"

namespace cafreg {

namespace detail {

event_data::~event_data() {
  // nop
}

template class event_data_of<std::string, unit>;

namespace {

class event_data_received final : public event_data {
public:
  explicit event_data_received(caf::message content)
    : content_(std::move(content)) {
    // nop
  }

  const void* key(const std::type_info&) const noexcept override {
    return nullptr;
  }

  const void* value(const std::type_info&) const noexcept override {
    return nullptr;
  }

  caf::message to_message() const override {
    return content_;
  }

  std::string key_text() const override {
    if (auto* text = message_element<std::string>(content_, 0))
      return detail::key_text(*text);
    return to_string(content_);
  }

  std::string value_text() const override {
    return {};
  }

  const caf::message* received() const noexcept override {
    return &content_;
  }

private:
  caf::message content_;
};

} // namespace

event_data_ptr received_event_data(caf::message content) {
  return std::make_shared<event_data_received>(std::move(content));
}

caf::message to_message(registered x) {
  return caf::make_message(std::move(x));
}

caf::message to_message(unregistered x) {
  return caf::make_message(std::move(x));
}

caf::message to_message(name_state x) {
  return caf::make_message(std::move(x));
}

caf::message to_message(awaited x) {
  return caf::make_message(std::move(x));
}

} // namespace detail

std::string event::text(std::string_view what) const {
  std::string result{what};
  result += ' ';
  result += registry();
  result += ": ";
  result += data_ ? data_->key_text() : std::string{};
  result += " -> ";
  result += holder_ ? detail::actor_text(holder_) : "nobody";
  if (auto value = data_ ? data_->value_text() : std::string{}; !value.empty())
    result += " (" + value + ')';
  return result;
}

std::string to_string(const unregistered& x) {
  auto result = x.text("unregistered") + ", " + to_string(x.why());
  if (detail::failed(x.reason()))
    result += ": " + to_text(x.reason());
  return result;
}

std::string to_string(const awaited& x) {
  return detail::failed(x.error()) ? "awaited: " + to_text(x.error())
                                   : x.text("awaited");
}

std::string to_string(departure why) {
  switch (why) {
    case departure::unregistered:
      return "unregistered";
    case departure::given_away:
      return "given_away";
    case departure::down:
      return "down";
    case departure::closed:
      return "closed";
  }
  return "invalid";
}

} // namespace cafreg
