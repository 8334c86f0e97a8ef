// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Workers that come and go leave nothing behind.

#include "genregistry/gen_helpers.hpp"
#include "registry/cycling.hpp"

#include "catch.hpp"

namespace cycles_test {

using namespace gen_test;

namespace {

// What threads keep for themselves, and what CAF does.
constexpr ptrdiff_t slack = 256 * 1024;

} // namespace

TEST_CASE("starts and ends of workers leave nothing") {
  if (!heap::measurable)
    return;
  world w{2};
  auto all = std::make_shared<census>();
  cafreg::gen_registry_options options;
  std::function<bool(workers_type&, const std::string&, const caf::actor&)> end;
  SECTION("that are stopped") {
    end = [](auto& workers, auto& id, auto&) {
      return static_cast<bool>(workers.stop(id));
    };
  }
  SECTION("that are killed") {
    end = [](auto&, auto&, auto& who) { return kill_and_wait(who); };
  }
  SECTION("that have records") {
    options.max_workers = 10;
    options.backoff.failures = 3;
    end = [](auto& workers, auto& id, auto&) {
      return static_cast<bool>(workers.stop(id));
    };
  }
  workers_type workers{w.sys, options, counted(all)};
  auto cycle = [&] {
    for (auto i = 0; i < 2000; ++i) {
      auto id = std::to_string(i % 70);
      auto who = workers.start(id);
      REQUIRE(who);
      REQUIRE(end(workers, id, *who));
    }
    wait_until([&] { return all->living() == 0 && workers.count() == 0; });
  };
  CHECK(heap::growth(6, cycle) < slack);
}

TEST_CASE("what begins with a worker, and ends, leaves nothing") {
  using cycling::must;
  world w{2};
  auto all_workers = std::make_shared<census>();
  workers_type workers{w.sys, {}, counted(all_workers)};
  auto a = cycling::spawn_silent(w.sys);
  cycling::list all;
  all.add("lookup_or_start stop", [&] {
    must(workers.lookup_or_start("x"));
    must(workers.stop("x"));
  });
  all.add("start begin_stop", [&] {
    must(workers.start("x"));
    must(workers.begin_stop("x"));
    wait_until([&] { return !workers.whereis("x"); });
  });
  all.add("lookup_or_start_for", [&] {
    must(workers.lookup_or_start_for(caf::infinite, "x"));
    must(workers.stop("x"));
  });
  all.add("lookup_or_start_all", [&] {
    must(workers.lookup_or_start_all({"x", "y"}).size() == 2);
    must(workers.stop("x"));
    must(workers.stop("y"));
  });
  all.add("send request actor", [&] {
    must(workers.send("x", 1));
    caf::scoped_actor self{w.sys};
    workers.request(self, "x", patience, 2)
      .receive([](int) {}, [](const caf::error&) {});
    must(workers.actor());
    must(workers.stop("x"));
  });
  all.add("close", [&] {
    // CAF keeps whom a timer is for until its time.
    workers_type other{w.sys, {.stop_timeout = 1ms}, counted(all_workers)};
    must(other.start("x"));
    other.close();
  });
  all.none("count count_children for_each ids lookup lookup_error options "
           "reduce sample started_worker stats to_list touch update_value "
           "visit whereis which_children");
  all.compare({{"libgenregistry/cafreg/gen_registry.hpp", "gen_registry_ref"}});
  auto before = running_actors(w.sys);
  all.run(cycling::count(), [&] {
    cycling::drain(w.sys, a);
    wait_until([&] { return running_actors(w.sys) == before; });
  });
  kill(a);
}

} // namespace cycles_test
