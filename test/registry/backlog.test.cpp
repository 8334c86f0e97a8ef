// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Keepers that fall behind: it shows, and whoever adds to their work helps.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace backlog_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

// More than this many of the dead must not pile up, whatever comes.
constexpr size_t bound = 200;

// An actor that has died, of which the keepers were told.
template <class Registry, class Enter>
void enter_and_die(world& w, Registry& names, Enter&& enter) {
  auto who = w.sys.spawn(idle);
  enter(names, who);
  REQUIRE(kill_and_wait(who));
}

} // namespace

TEMPLATE_TEST_CASE("those whom nobody has cleaned up after yet are counted", "",
                   names_type, topics_type) {
  world w{2};
  TestType names{w.sys, cafreg::registry_options{.partitions = 4}};
  CHECK(names.stats().backlog == 0);
  {
    busy_keepers held{w.sys};
    for (auto i = 0; i < 10; ++i)
      enter_and_die(w, names, [i](auto& to, auto& who) {
        REQUIRE(to.register_as(who, std::to_string(i), i));
      });
    CHECK(eventually([&] { return names.stats().backlog == 10; }));
    CHECK(names.stats().cleanups == 0);
  }
  CHECK(eventually([&] { return names.stats().backlog == 0; }));
  CHECK(names.stats().cleanups == 10);
  CHECK(names.count() == 0);
}

TEMPLATE_TEST_CASE("what the dead leave behind is bounded without a keeper", "",
                   names_type, topics_type) {
  world w{2};
  TestType names{w.sys, cafreg::registry_options{.partitions = 1}};
  {
    busy_keepers held{w.sys};
    size_t most = 0;
    for (size_t i = 0; i < effort(1500, 400); ++i) {
      enter_and_die(w, names, [&, i](auto& to, auto& who) {
        for (auto key : {"a", "b", "c"})
          REQUIRE(to.register_as(who, key + std::to_string(i), 1));
      });
      most = std::max(most, names.count());
    }
    CHECK(most <= 3 * bound);
    CHECK(names.stats().backlog <= bound);
  }
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("whoever is registered often is removed bit by bit") {
  world w{2};
  topics_type topics{w.sys, cafreg::registry_options{.partitions = 1}};
  auto member = w.sys.spawn(idle);
  busy_keepers held{w.sys};
  enter_and_die(w, topics, [](auto& to, auto& who) {
    for (auto i = 0; i < 5000; ++i)
      REQUIRE(to.register_as(who, std::to_string(i), 1));
  });
  for (size_t i = 0; i < bound; ++i)
    enter_and_die(w, topics, [](auto& to, auto& who) {
      REQUIRE(to.register_as(who, "x", 1));
    });
  wait_until([&] { return topics.stats().backlog > bound / 2; });
  auto before = topics.count();
  REQUIRE(topics.register_as(member, "y", 1));
  CHECK(topics.count() < before);
  CHECK(topics.count() > 4900);
  kill(member);
}

TEST_CASE("what the dead waited for is bounded, too") {
  world w{2};
  names_type names{w.sys, cafreg::registry_options{.partitions = 1}};
  busy_keepers held{w.sys};
  for (size_t i = 0; i < 2 * bound; ++i)
    enter_and_die(w, names, [](auto& to, auto& who) {
      REQUIRE(to.watch("nobody", who));
    });
  CHECK(names.holders().size() <= bound);
}

TEST_CASE("threads that help do each death once") {
  world w{3};
  names_type names{w.sys, cafreg::registry_options{.partitions = 2}};
  constexpr size_t each = 1000;
  in_threads(3, [&](size_t t) {
    for (size_t i = 0; i < each; ++i) {
      auto who = w.sys.spawn(idle);
      if (!names.register_as(who, std::to_string(t) + '.' + std::to_string(i),
                             1))
        out_of_patience("a name");
      kill(who);
    }
  });
  CHECK(eventually([&] { return names.stats().cleanups == 3 * each; }));
  CHECK(names.count() == 0);
  CHECK(names.stats().backlog == 0);
  CHECK(names.stats().removals == 3 * each);
}

} // namespace backlog_test
