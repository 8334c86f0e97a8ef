// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "switchboard/rulebook.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include <cafreg/format.hpp>

#include "switchboard/rules.hpp"

namespace switchboard {

namespace {

using stamp = std::pair<std::filesystem::file_time_type, uintmax_t>;

// Without a value if there is no such file.
std::optional<stamp> stamp_of(const std::string& file) {
  std::error_code no_time;
  std::error_code no_size;
  stamp result{std::filesystem::last_write_time(file, no_time),
               std::filesystem::file_size(file, no_size)};
  if (no_time || no_size)
    return std::nullopt;
  return result;
}

caf::result<void> load(caf::event_based_actor* self,
                       const cafreg::system_registry_ref& state,
                       const std::string& file) {
  std::ifstream in{file};
  auto rules = read_rules(in, complain(file));
  if (!in.eof())
    return cafreg::make_error(cafreg::errc::bad_file, "cannot read " + file);
  auto done = state.transaction(self)
                .remove(all_rules)
                .update(all_rules, rules)
                .commit();
  if (!done)
    return done.error();
  fmt::print("rules of {} numbers: {} new, {} changed, {} removed\n",
             rules.size(), done->added.size(), done->changed.size(),
             done->removed.size());
  return {};
}

} // namespace

const cafreg::path all_rules{"config", "rules"};

caf::behavior rulebook(caf::event_based_actor* self,
                       cafreg::system_registry_ref state, std::string file) {
  return {[=, seen = std::optional{stamp{}}](
            caf::tick_atom) mutable -> caf::result<void> {
    auto now = stamp_of(file);
    if (now == std::exchange(seen, now))
      return {};
    return load(self, state, file);
  }};
}

} // namespace switchboard
