// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What begins and ends, again and again, leaves nothing behind.

#include "registry/cycling.hpp"

#include "catch.hpp"

namespace cycles_test {

using namespace caf_test;

using cycling::drain;
using cycling::must;
using cycling::must_not;
using cycling::spawn_silent;

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

TEST_CASE("what begins with a name, and ends, leaves nothing") {
  world w{2};
  names_type names{w.sys};
  auto a = spawn_silent(w.sys);
  auto b = spawn_silent(w.sys);
  uint64_t deaths = 0;
  cycling::list all;
  all.add("register_as unregister", [&] {
    must(names.register_as(a, "x", 1));
    must(names.unregister(a, "x"));
  });
  all.add("unregister_all", [&] {
    must(names.register_as(a, "x", 1));
    must(names.register_as(a, "y", 1));
    must(names.unregister_all(a));
  });
  all.add("unregister_if update_value values", [&] {
    must(names.register_as(a, "x", 1));
    must(names.update_value(a, "x", [](int x) { return x + 1; }));
    must(names.unregister_if(a, "x", [](const auto&) { return true; }));
  });
  all.add("give_away", [&] {
    must(names.register_as(a, "x", 1));
    must_not(names.give_away("x", a, b));
    must(names.unregister(b, "x"));
  });
  all.add("standby", [&] {
    must(names.register_as(a, "x", 1));
    auto waits = names.standby("x", b, 2);
    must(waits);
    must(waits->cancel());
    must(names.unregister(a, "x"));
  });
  all.add("watch", [&] {
    auto watch = names.watch("x", a);
    must(watch);
    must(watch->cancel());
  });
  all.add("await", [&] {
    auto waits = names.await("x", a, 1h);
    must(waits);
    must(waits->cancel());
    must(names.await("y", a, caf::infinite));
    must(names.register_as(b, "y", 1));
    must(names.unregister(b, "y"));
    must(!names.await("z", 0s));
  });
  all.add("add_listener remove_listener", [&] {
    must_not(names.add_listener(a));
    must(names.remove_listener(a));
  });
  all.add("put_meta meta delete_meta", [&] {
    must(names.put_meta("m", 1));
    must(names.delete_meta("m"));
  });
  all.add("with_lock", [&] { must(names.with_lock("x", [] {})); });
  all.add("via actor", [&] {
    caf::scoped_actor self{w.sys};
    names.via("nobody")
      .request(self.ptr(), patience, 1)
      .receive([](int) {}, [](const caf::error&) {});
    cafreg::detail::request(self.ptr(), names.actor(), patience,
                            cafreg::ask::count{})
      .receive([](uint64_t) {}, [](const caf::error&) {});
  });
  all.add("spawn_as", [&] {
    auto who = names.spawn_as("x", 1, idle);
    must(who);
    kill(*who);
    ++deaths;
    wait_until([&] { return names.stats().cleanups == deaths; });
  });
  all.none(
    "close closed count count_if for_each holders keys lookup lookup_error "
    "match name select stats system visit whereis ref");
  all.compare(
    {{"libregistry/cafreg/registry_base.hpp", "registry_base"},
     {"libregistry/cafreg/registry_base.hpp", "registry_owner"},
     {"libregistry/cafreg/unique_registry.hpp", "unique_registry_ref"}});
  all.run(cycling::count(), [&] {
    drain(w.sys, a);
    drain(w.sys, b);
  });
  kill(a);
  kill(b);
}

TEST_CASE("what begins with a topic, and ends, leaves nothing") {
  world w{2};
  topics_type topics{w.sys};
  auto a = spawn_silent(w.sys);
  auto b = spawn_silent(w.sys);
  cycling::list all;
  all.add("register_as unregister publish", [&] {
    must(topics.register_as(a, "x", 1));
    must(topics.register_as(b, "x", 1));
    must(topics.publish("x", 1) == 2);
    must(topics.unregister(a, "x"));
    must(topics.unregister(b, "x"));
  });
  all.add("unregister_all", [&] {
    must(topics.register_as(a, "x", 1));
    must(topics.register_as(a, "x", 2));
    must(topics.unregister_all(a));
  });
  all.add("unregister_if", [&] {
    must(topics.register_as(a, "x", 1));
    must(topics.unregister_if(a, "x", [](int) { return true; }));
  });
  all.none("actor count count_if dispatch for_each keys lookup match "
           "publish_message select values visit");
  all.compare(
    {{"libregistry/cafreg/duplicate_registry.hpp", "duplicate_registry_ref"}});
  all.run(cycling::count(), [&] {
    drain(w.sys, a);
    drain(w.sys, b);
  });
  kill(a);
  kill(b);
}

// The thread of keepers stays.
TEST_CASE("registries that come and go leave nothing") {
  world w{2};
  auto a = spawn_silent(w.sys);
  names_type stays{w.sys};
  auto before = running_actors(w.sys);
  cycling::list all;
  all.add("unique_registry", [&] {
    names_type names{w.sys};
    must(names.register_as(a, "x", 1));
    must(names.watch("x", a));
    must(names.actor());
    names.close();
  });
  all.add("duplicate_registry", [&] {
    topics_type topics{w.sys};
    must(topics.register_as(a, "x", 1));
    must(topics.actor());
  });
  all.run(cycling::count(), [&] {
    drain(w.sys, a);
    // The keepers of those that were closed.
    wait_until([&] { return running_actors(w.sys) == before; });
  });
  kill(a);
}

} // namespace cycles_test
