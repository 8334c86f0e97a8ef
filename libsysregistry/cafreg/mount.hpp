// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cafreg/access.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/snapshot.hpp"

namespace cafreg {

/// A change that somebody wants to make, as a rule sees it.
struct proposal {
  /// Who wants it; null for what is restored from a file.
  const caf::actor& who;
  /// What would change, at all mounts that it concerns.
  const delta& changes;
  /// The state of before.
  const snapshot& before;
  /// The state that would be.
  const snapshot& after;
};

/// A top-level key, and the rules for what is below it.
struct mount {
  /// The first key of all paths that belong to it.
  std::string key;
  /// Who may change what.
  access rule = access::owned;
  /// For `access::layered`: the names of priorities, the highest one first; `*`
  /// stands for all that are not named, also for none.
  std::vector<std::string> priorities = {"debug", "*", "persistence",
                                         "default"};
  /// A rule of one's own, asked after the others about each transaction that
  /// changes something below this mount: an error refuses it, and becomes part
  /// of the refusal. It runs in the caller's thread without a lock, and may run
  /// again if somebody else makes a change meanwhile. It may look at the
  /// registry but not change it. Exceptions refuse as well.
  std::function<caf::error(const proposal&)> validate = nullptr;
};

} // namespace cafreg
