// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/bouncer.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/lookup_result.hpp"
#include "cafreg/time_span.hpp"

namespace cafreg {

/// Whether a message was sent to anyone.
class send_result {
public:
  send_result() = default;

  /// Sent to nobody, and why.
  explicit send_result(errc why) : why_(why) {
    // nop
  }

  /// Whether there was a holder to send to.
  explicit operator bool() const noexcept {
    return why_ == errc{};
  }

  /// Why the message was sent to nobody: `errc::no_such_name` or
  /// `errc::closed`.
  errc error() const noexcept {
    return why_;
  }

private:
  errc why_{};
};

/// A name that stands for whoever holds it when it is used: Elixir's
/// `{:via, Registry, {registry, key}}`. Cheap to copy, never keeps an actor
/// alive. Thread-safe.
template <class Ref>
class via {
public:
  /// What the registry's entries are found by.
  using key_type = typename Ref::key_type;

  /// The registry's handles.
  using handle_type = typename Ref::handle_type;

  /// For registries, see `unique_registry_ref::via`.
  via(Ref registry, key_type key)
    : registry_(std::move(registry)), key_(std::move(key)) {
    // nop
  }

  /// The key.
  const key_type& key() const noexcept {
    return key_;
  }

  /// The registry in which the key is looked up.
  const Ref& registry() const noexcept {
    return registry_;
  }

  /// Returns the present holder.
  lookup_result<handle_type> whereis() const {
    return registry_.whereis(key_);
  }

  /// Sends an anonymous message to the present holder. Never waits.
  template <class... Ts>
  send_result send(Ts&&... xs) const {
    auto holder = whereis();
    if (!holder)
      return send_result{holder.error()};
    detail::post(caf::actor_cast<caf::actor_control_block*>(*holder),
                 caf::make_message(std::forward<Ts>(xs)...));
    return send_result{};
  }

  /// Sends a request from `self` to the present holder.
  /// @returns a response handle of CAF; the response is the error
  ///          `errc::no_such_name` or `errc::closed` if there is no holder.
  template <class Self, class... Ts>
  auto request(Self* self, time_span timeout, Ts&&... xs) const {
    auto holder = whereis();
    auto to = holder ? *holder
                     : caf::actor_cast<handle_type>(detail::spawn_bouncer(
                       registry_.system(),
                       registry_.lookup_error(holder.error(), key_)));
    return detail::request(self, to, timeout, std::forward<Ts>(xs)...);
  }

  /// The same for a scoped actor, or whatever else has a `ptr()`.
  template <class Self, class... Ts>
    requires requires(Self& self) {
      self.ptr();
    }
  auto request(Self& self, time_span timeout, Ts&&... xs) const {
    return request(self.ptr(), timeout, std::forward<Ts>(xs)...);
  }

private:
  Ref registry_;
  key_type key_;
};

} // namespace cafreg
