// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/statistics.hpp"

#include <chrono>
#include <string_view>
#include <utility>

#include <cafreg/format.hpp>

namespace switchboard {

const cafreg::path published{"state", "switchboard"};

caf::behavior statistics(caf::event_based_actor* self,
                         cafreg::system_registry_ref state,
                         std::shared_ptr<const tally> counts,
                         cafreg::gen_registry_ref<std::string> workers) {
  using clock = std::chrono::steady_clock;
  return {[=, before = size_t{0},
           since = clock::now()](caf::tick_atom) mutable -> caf::result<void> {
    auto calls = counts->decided();
    auto now = clock::now();
    std::chrono::duration<double> took = now - std::exchange(since, now);
    auto new_calls = static_cast<double>(calls - std::exchange(before, calls));
    auto stats = workers.stats();
    auto done = state.update(self, published,
                             {{"calls",
                               {{"allowed", counts->allowed.load()},
                                {"rejected", counts->rejected.load()},
                                {"malformed", counts->malformed.load()},
                                {"a_second", new_calls / took.count()}}},
                              {"workers",
                               {{"now", workers.count()},
                                {"started", stats.starts},
                                {"put_to_sleep", stats.passivations},
                                {"handed_on", stats.handed_over}}}});
    if (!done)
      return done.error();
    return {};
  }};
}

caf::behavior display(caf::event_based_actor*) {
  return {[](const cafreg::system_state& now) {
    if (now.snapshot.empty())
      return;
    auto number = [&](std::string_view what) {
      return now.snapshot.get_or<double>(now.scope / cafreg::path(what), 0);
    };
    fmt::print("{:>10.0f} allowed {:>10.0f} rejected {:>8.0f} workers "
               "{:>10.0f} calls a second\n",
               number("calls.allowed"), number("calls.rejected"),
               number("workers.now"), number("calls.a_second"));
  }};
}

std::string summary(const cafreg::snapshot& now) {
  auto number = [&](std::string_view what) {
    return now.get_or<size_t>(published / cafreg::path(what), 0);
  };
  return fmt::format("{} allowed, {} rejected, {} malformed lines skipped\n"
                     "{} workers started, {} put to sleep, {} messages handed "
                     "on\n",
                     number("calls.allowed"), number("calls.rejected"),
                     number("calls.malformed"), number("workers.started"),
                     number("workers.put_to_sleep"),
                     number("workers.handed_on"));
}

} // namespace switchboard
