// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/errc.hpp"

namespace cafreg {

namespace detail {

/// Key and value of an event, of any type: so that events are a few types for
/// all registries, and users never register one of them with CAF.
class event_data {
public:
  event_data() = default;

  event_data(const event_data&) = delete;

  event_data& operator=(const event_data&) = delete;

  virtual ~event_data();

  /// Returns the address of the key if it is of this type, or null.
  virtual const void* key(const std::type_info& type) const noexcept = 0;

  /// Returns the address of the value if it is of this type, or null.
  virtual const void* value(const std::type_info& type) const noexcept = 0;

  /// Key and value, if there is one, as the elements of a message for another
  /// node; empty if CAF cannot send them.
  virtual caf::message to_message() const = 0;

  /// Renders the key.
  virtual std::string key_text() const = 0;

  /// Renders the value; empty if there is none, or it says nothing.
  virtual std::string value_text() const = 0;

  /// The message in which key and value came from another node, or null.
  virtual const caf::message* received() const noexcept {
    return nullptr;
  }
};

using event_data_ptr = std::shared_ptr<const event_data>;

template <class Key, class Value>
class event_data_of final : public event_data {
public:
  explicit event_data_of(Key key) : key_(std::move(key)) {
    // nop
  }

  event_data_of(Key key, Value value)
    : key_(std::move(key)), value_(std::move(value)) {
    // nop
  }

  const void* key(const std::type_info& type) const noexcept override {
    return type == typeid(Key) ? &key_ : nullptr;
  }

  const void* value(const std::type_info& type) const noexcept override {
    return value_ && type == typeid(Value) ? &*value_ : nullptr;
  }

  caf::message to_message() const override {
    if constexpr (sendable<Key> && sendable<Value>)
      return value_ ? caf::make_message(key_, *value_)
                    : caf::make_message(key_);
    else
      return {};
  }

  std::string key_text() const override {
    return detail::key_text(key_);
  }

  std::string value_text() const override {
    if constexpr (!std::is_same_v<Value, unit>)
      if (value_)
        return detail::key_text(*value_);
    return {};
  }

private:
  Key key_;
  std::optional<Value> value_;
};

// Most keys are strings; compiled with the library.
extern template class event_data_of<std::string, unit>;

/// Creates the data of an event that came from another node.
event_data_ptr received_event_data(caf::message content);

} // namespace detail

/// What all events of a registry have in common. Cheap to copy.
class event {
public:
  event() = default;

  /// For registries.
  event(std::shared_ptr<const std::string> registry,
        detail::event_data_ptr data, caf::strong_actor_ptr holder)
    : registry_(std::move(registry)),
      data_(std::move(data)),
      holder_(std::move(holder)) {
    // nop
  }

  /// Name of the registry.
  std::string_view registry() const noexcept {
    return registry_ ? std::string_view{*registry_} : std::string_view{};
  }

  /// Returns the key, or null if the registry's keys are of another type.
  template <class T>
  const T* key() const {
    return element<T>(0, data_ ? data_->key(typeid(T)) : nullptr);
  }

  /// Returns the value, or null if the registry's values are of another type
  /// or the event has none.
  template <class T>
  const T* value() const {
    return element<T>(1, data_ ? data_->value(typeid(T)) : nullptr);
  }

  /// The actor that the event is about; null if there is none.
  const caf::strong_actor_ptr& holder() const noexcept {
    return holder_;
  }

  /// The actor that the event is about, as a handle of the registry's type.
  template <class Handle = caf::actor>
  Handle handle() const {
    return caf::actor_cast<Handle>(holder_);
  }

protected:
  /// @cond
  // "WHAT REGISTRY: KEY -> ACTOR (VALUE)"
  std::string text(std::string_view what) const;

  // For CAF, which sends events between nodes.
  template <class Inspector, class Self, class... Ts>
  static auto inspect_event(Inspector& f, Self& self, const char* type,
                            detail::field<Ts>... more) {
    std::string name{self.registry()};
    auto content = self.data_ ? self.data_->to_message() : caf::message{};
    auto load = [&] {
      self.registry_ = std::make_shared<const std::string>(std::move(name));
      self.data_ = detail::received_event_data(std::move(content));
    };
    return detail::inspect_fields(
      f, self, type, load, detail::field<std::string>{"registry", name},
      detail::field<caf::message>{"content", content},
      detail::field<caf::strong_actor_ptr>{"holder", self.holder_}, more...);
  }

  template <class T>
  const T* element(size_t index, const void* local) const {
    if (local != nullptr)
      return static_cast<const T*>(local);
    if (data_ != nullptr)
      if (auto* msg = data_->received())
        return detail::message_element<T>(*msg, index);
    return nullptr;
  }

  std::shared_ptr<const std::string> registry_;
  detail::event_data_ptr data_;
  caf::strong_actor_ptr holder_;
  /// @endcond
};

/// An actor came to hold a key. Sent to listeners.
class registered : public event {
public:
  registered() = default;

  /// For registries.
  explicit registered(event what) : event(std::move(what)) {
    // nop
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, registered& x) {
    return inspect_event(f, x, "cafreg::registered");
  }

  /// Returns "registered REGISTRY: KEY -> ACTOR (VALUE)".
  friend std::string to_string(const registered& x) {
    return x.text("registered");
  }
};

/// Why an actor no longer holds a key.
enum class departure : uint8_t {
  /// It was unregistered by a call.
  unregistered,
  /// It handed the key over to another actor.
  given_away,
  /// It terminated.
  down,
  /// The registry was closed.
  closed,
};

/// Returns the name of the reason.
std::string to_string(departure why);

/// For CAF, which sends events between nodes.
template <class Inspector>
requires detail::inspects_enums auto inspect(Inspector& f, departure& x) {
  return detail::inspect_enum(f, x);
}

/// An actor no longer holds a key. Sent to listeners.
class unregistered : public event {
public:
  unregistered() = default;

  /// For registries.
  unregistered(event what, departure why, caf::error reason)
    : event(std::move(what)), why_(why), reason_(std::move(reason)) {
    // nop
  }

  /// Why the actor no longer holds the key.
  departure why() const noexcept {
    return why_;
  }

  /// With which reason the actor terminated, for `departure::down`. If its key
  /// was taken over before its down message came, `exit_reason::unknown`.
  const caf::error& reason() const noexcept {
    return reason_;
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, unregistered& x) {
    return inspect_event(f, x, "cafreg::unregistered",
                         detail::field<departure>{"why", x.why_},
                         detail::field<caf::error>{"reason", x.reason_});
  }

  /// Returns "unregistered REGISTRY: KEY -> ACTOR (VALUE), WHY", and with
  /// which reason an actor terminated.
  friend std::string to_string(const unregistered& x);

private:
  departure why_ = departure::unregistered;
  caf::error reason_;
};

/// Who holds a watched key now: `holder()` is null if nobody does. Sent to
/// watchers, first with the state at the time of the call.
class name_state : public event {
public:
  name_state() = default;

  /// For registries.
  explicit name_state(event what) : event(std::move(what)) {
    // nop
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, name_state& x) {
    return inspect_event(f, x, "cafreg::name_state");
  }

  /// Returns "state REGISTRY: KEY -> ACTOR (VALUE)".
  friend std::string to_string(const name_state& x) {
    return x.text("state");
  }
};

/// The answer to `await`.
class awaited : public event {
public:
  awaited() = default;

  /// For registries.
  awaited(event what, uint64_t id, caf::error error = {})
    : event(std::move(what)), id_(id), error_(std::move(error)) {
    // nop
  }

  /// Which of several waits was answered, see `subscription::id`.
  uint64_t id() const noexcept {
    return id_;
  }

  /// Why there is no holder: `errc::timeout`, `errc::closed` or
  /// `errc::cancelled`; none if there is one.
  const caf::error& error() const noexcept {
    return error_;
  }

  template <class Inspector>
  friend auto inspect(Inspector& f, awaited& x) {
    return inspect_event(f, x, "cafreg::awaited",
                         detail::field<uint64_t>{"id", x.id_},
                         detail::field<caf::error>{"error", x.error_});
  }

  /// Returns "awaited REGISTRY: KEY -> ACTOR (VALUE)" or "awaited: ERROR".
  friend std::string to_string(const awaited& x);

private:
  uint64_t id_ = 0;
  caf::error error_;
};

namespace detail {

// Out of line: instantiating CAF's messages is slow to compile.

caf::message to_message(registered x);

caf::message to_message(unregistered x);

caf::message to_message(name_state x);

caf::message to_message(awaited x);

} // namespace detail

} // namespace cafreg
