// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/open_registries.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace cafreg::detail {

namespace {

// The registries of each actor system that has ever had one and lives still.
struct book {
  static book& get() {
    static auto* instance = std::make_unique<book>().release();
    return *instance;
  }

  std::mutex mutex;
  std::map<caf::actor_system*, std::map<const void*, std::string>> open;
};

void system_ends(caf::actor_system* sys) noexcept {
  auto& all = book::get();
  std::lock_guard guard{all.mutex};
  auto left = all.open.extract(sys);
  if (!left || left.mapped().empty())
    return;
  for (auto& [registry, name] : left.mapped())
    std::fprintf(stderr,
                 "cafreg: the registry %s outlives its actor system: destroy, "
                 "or close, it before\n",
                 name.c_str());
  std::abort();
}

} // namespace

void open_in(caf::actor_system& sys, const void* registry, std::string name) {
  auto& all = book::get();
  auto first = false;
  {
    std::lock_guard guard{all.mutex};
    auto [pos, added] = all.open.try_emplace(&sys);
    pos->second.emplace(registry, std::move(name));
    first = added;
  }
  if (first)
    on_end(sys, [ptr = &sys] { system_ends(ptr); });
}

void close_in(caf::actor_system& sys, const void* registry) noexcept {
  auto& all = book::get();
  std::lock_guard guard{all.mutex};
  if (auto pos = all.open.find(&sys); pos != all.open.end())
    pos->second.erase(registry);
}

} // namespace cafreg::detail
