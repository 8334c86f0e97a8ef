// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What begins and ends, again and again, leaves nothing behind.

#include "registry/cycling.hpp"
#include "sysregistry/scratch.hpp"
#include "sysregistry/sys_helpers.hpp"

#include "catch.hpp"

namespace sys_cycles_test {

using namespace sys_test;

using cycling::must_not;

TEST_CASE("what begins with state, and ends, leaves nothing") {
  scratch dir;
  sys_world w{2};
  system_registry state{w.sys};
  auto me = w.someone();
  auto n = 0;
  cycling::list all;
  all.add("update remove", [&] {
    must(state.update(me, "state.a", 1));
    must(state.remove(me, "state.a"));
  });
  all.add("update_in transaction move remove_all", [&] {
    must(
      state.transaction(me).update("state.a", 1).update("state.b", 2).commit());
    must(state.update_in(me, "state.a", [](auto&) { return 3; }));
    must(state.move(me, "state.a", "state.c"));
    must(state.remove_all(me));
  });
  all.add("subscribe acknowledge", [&] {
    auto done = state.subscribe(me, {.scope = "state"});
    must(done);
    must(done->cancel());
  });
  all.add("unsubscribe", [&] {
    must(state.subscribe(me, {.scope = "state"}));
    must(state.update(me, "state.a", ++n));
    must(state.unsubscribe(me, "state"));
  });
  all.add("task", [&] {
    auto done = state.task("config", [](auto&, auto&) {});
    must(done);
    must(done->cancel());
  });
  all.add("persist flush", [&] {
    auto file = state.persist("config", dir / "a");
    must(file);
    file->stop();
    cycling::await_threads();
  });
  all.add("update", [&] { // by one who dies
    auto who = w.someone();
    must(state.update(who, "state.d", 1));
    caf_test::kill(who);
    wait_until([&] { return state.count("state.d") == 0; });
  });
  all.add("close", [&] {
    system_registry other{w.sys};
    must(other.update(me, "state.a", 1));
    must(other.actor());
    other.close();
  });
  all.none("closed count get get_or holders name owner_of paths_of "
           "private_snapshot snapshot stats system version load_error "
           "restored write_error actor cancel id");
  all.none("stop");
  all.compare(
    {{"libsysregistry/cafreg/system_registry.hpp", "system_registry_ref"},
     {"libsysregistry/cafreg/persistence.hpp", "persistence"},
     {"libregistry/cafreg/subscription.hpp", "subscription"}});
  auto before = running_actors(w.sys);
  all.run(cycling::count(), [&] {
    cycling::drain(w.sys, me);
    wait_until([&] { return running_actors(w.sys) == before; });
  });
  caf_test::kill(me);
}

} // namespace sys_cycles_test
