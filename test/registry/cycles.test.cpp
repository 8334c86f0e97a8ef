// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What begins and ends, again and again, leaves nothing behind.

#include "registry/caf_helpers.hpp"
#include "registry/heap.hpp"

#include "catch.hpp"

namespace cycles_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

// What threads keep for themselves, and what CAF does.
constexpr ptrdiff_t slack = 256 * 1024;

std::vector<caf::actor> spawn_many(caf::actor_system& sys, size_t count) {
  std::vector<caf::actor> result;
  for (size_t i = 0; i < count; ++i)
    result.push_back(sys.spawn(idle));
  return result;
}

// Ends all of them and waits until CAF has forgotten them.
void end_all(caf::actor_system& sys, std::vector<caf::actor>& all) {
  auto before = running_actors(sys);
  for (auto& x : all)
    kill(x);
  wait_until([&] { return running_actors(sys) + all.size() <= before; });
  all.clear();
}

} // namespace

TEMPLATE_TEST_CASE("deaths leave nothing, wherever they are noticed", "",
                   names_type, topics_type) {
  if (!heap::measurable)
    return;
  constexpr size_t crowd = 3000;
  world w{3};
  TestType names{w.sys};
  uint64_t deaths = 0;
  auto cycle = [&] {
    auto all = spawn_many(w.sys, crowd);
    for (size_t i = 0; i < all.size(); ++i)
      REQUIRE(names.register_as(all[i], std::to_string(i), 1));
    deaths += all.size();
    end_all(w.sys, all);
    wait_until([&] { return names.stats().cleanups == deaths; });
    REQUIRE(names.count() == 0);
  };
  CHECK(heap::growth(6, cycle) < slack);
}

TEST_CASE("deaths after the end of a registry leave nothing") {
  if (!heap::measurable)
    return;
  constexpr size_t crowd = 3000;
  world w{2};
  auto cycle = [&] {
    auto all = spawn_many(w.sys, crowd);
    {
      names_type names{w.sys};
      topics_type topics{w.sys};
      for (size_t i = 0; i < all.size(); ++i) {
        REQUIRE(names.register_as(all[i], std::to_string(i), 1));
        REQUIRE(topics.register_as(all[i], "all", 2));
      }
    }
    end_all(w.sys, all);
  };
  CHECK(heap::growth(6, cycle) < slack);
}

} // namespace cycles_test
