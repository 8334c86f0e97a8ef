// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <utility>

#include "sysregistry/sys_helpers.hpp"

namespace sys_test {

/// Asks actors from a thread.
class client {
public:
  explicit client(caf::actor_system& sys) : self_(sys) {
    // nop
  }

  /// Asks and waits for an answer of one type.
  /// @returns "ok" or the code of the error.
  template <class Answer, class... Ts>
  std::string ask(Answer& answer, const caf::actor& to, Ts&&... xs) {
    std::string result = "no answer";
    cafreg::detail::request(self_.ptr(), to, patience, std::forward<Ts>(xs)...)
      .receive(
        [&](const Answer& y) {
          answer = y;
          result = "ok";
        },
        [&](const caf::error& err) { result = code_of(err); });
    return result;
  }

  /// The same for what has no answer but an error.
  template <class... Ts>
  std::string tell(const caf::actor& to, Ts&&... xs) {
    std::string result = "no answer";
    cafreg::detail::request(self_.ptr(), to, patience, std::forward<Ts>(xs)...)
      .receive([&] { result = "ok"; },
               [&](const caf::error& err) { result = code_of(err); });
    return result;
  }

private:
  caf::scoped_actor self_;
};

} // namespace sys_test
