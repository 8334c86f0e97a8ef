// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include <cafreg/genregistry.hpp>
#include <cafreg/system_registry.hpp>

namespace switchboard {

/// What is counted for each call.
struct tally {
  std::atomic<size_t> allowed{0};
  std::atomic<size_t> rejected{0};
  std::atomic<size_t> malformed{0};

  size_t decided() const {
    return allowed + rejected;
  }
};

/// Where statistics are published: `state.switchboard`.
extern const cafreg::path published;

/// An actor that publishes, told to with `caf::tick_atom`, what has been
/// counted and what workers there are: a publication for each call would cost
/// more than the call.
caf::behavior statistics(caf::event_based_actor* self,
                         cafreg::system_registry_ref state,
                         std::shared_ptr<const tally> counts,
                         cafreg::gen_registry_ref<std::string> workers);

/// An actor that prints a line for each state of this that it gets.
caf::behavior display(caf::event_based_actor* self);

/// Says the same in more words.
std::string summary(const cafreg::snapshot& now);

} // namespace switchboard
