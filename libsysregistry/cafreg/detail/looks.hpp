// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <utility>

namespace cafreg::detail {

/// Looks at each scope once and remembers what it saw as long as it lives, in
/// the scopes themselves, which must live longer. `Scope` has `where` and in
/// `value` two members for this: `seen`, an optional state, and `seen_before`,
/// a pointer to another scope.
template <class Scope>
class looks {
public:
  looks() = default;

  looks(const looks&) = delete;

  looks& operator=(const looks&) = delete;

  ~looks() {
    while (last_ != nullptr) {
      last_->value.seen.reset();
      last_ = std::exchange(last_->value.seen_before, nullptr);
    }
  }

  /// Returns the state of a scope: what `look(const path&)` says, or said.
  /// @throws what it throws; then it is asked again.
  template <class Look>
  const auto& at(Scope& x, Look& look) {
    if (!x.value.seen) {
      x.value.seen.emplace(look(std::as_const(x.where)));
      x.value.seen_before = std::exchange(last_, &x);
    }
    return *x.value.seen;
  }

private:
  Scope* last_ = nullptr;
};

} // namespace cafreg::detail
