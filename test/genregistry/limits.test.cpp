// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Limits that are given in time hold while each thread of the scheduler is
// inside a handler that does not return.

#include "genregistry/gen_helpers.hpp"

#include "catch.hpp"

namespace limits_test {

using namespace gen_test;

namespace {

// Keeps every thread of a scheduler inside of a handler until it goes.
class long_handlers {
public:
  explicit long_handlers(caf::actor_system& sys, size_t threads) {
    for (size_t i = 0; i < threads; ++i)
      sys.spawn([held = gate_](caf::event_based_actor*) { held->pass(); });
    REQUIRE(gate_->wait_for(threads));
  }

  long_handlers(const long_handlers&) = delete;

  long_handlers& operator=(const long_handlers&) = delete;

  ~long_handlers() {
    gate_->open();
  }

private:
  std::shared_ptr<gate> gate_ = std::make_shared<gate>();
};

// A worker with a thread of its own, which leaves only when it is killed.
caf::behavior stubborn(caf::event_based_actor* self) {
  return cafreg::detail::ignoring_exits(self, {[](int x) { return x; }});
}

// The same, and it is never without a message.
caf::behavior restless(caf::event_based_actor* self) {
  auto again = [self] {
    cafreg::detail::post(self->ctrl(), caf::make_message(1));
  };
  again();
  return cafreg::detail::ignoring_exits(self, {[again](int) { again(); }});
}

} // namespace

TEST_CASE("a worker that will not leave is killed beside long handlers") {
  world w{2};
  workers_type workers{w.sys,
                       {.stop_timeout = 20ms},
                       [](caf::actor_system& sys, const std::string&) {
                         return sys.spawn<caf::detached>(stubborn);
                       }};
  std::vector<caf::actor> kept; // or one of them would just be reclaimed
  for (auto id : {"a", "b", "c"}) {
    auto started = workers.lookup_or_start(id);
    REQUIRE(started);
    kept.push_back(*started);
  }
  long_handlers busy{w.sys, 2};
  CHECK(workers.stop("a"));
  CHECK(workers.stats().kills == 1);
  CHECK(workers.stop("b", {}, 1ms));
  CHECK(workers.stats().kills == 2);
  CHECK(workers.close());
  CHECK(workers.stats().kills == 3);
}

TEST_CASE("workers that keep all threads busy themselves are killed") {
  for (auto closes : {true, false}) {
    world w{2};
    auto workers = std::make_unique<workers_type>(
      w.sys, cafreg::gen_registry_options{.stop_timeout = 20ms},
      [](caf::actor_system& sys, const std::string&) {
        return sys.spawn(restless);
      });
    for (auto id : {"a", "b", "c", "d"})
      REQUIRE(workers->lookup_or_start(id));
    CHECK(workers->stop("a"));
    if (closes)
      CHECK(workers->close());
    workers.reset();
  }
}

TEST_CASE("a worker with a long queue is killed in time") {
  world w{2};
  workers_type workers{
    w.sys, {}, [](caf::actor_system& sys, const std::string&) {
      return sys.spawn(restless);
    }};
  REQUIRE(workers.lookup_or_start("a"));
  for (auto i = 0; i < 10'000; ++i)
    workers.send("a", 1);
  CHECK(workers.stop("a", {}, 20ms));
  CHECK(workers.stats().kills == 1);
}

TEST_CASE("idle workers are told to leave beside long handlers") {
  world w{2};
  workers_type workers{w.sys,
                       {.idle_after = 10ms},
                       [](caf::actor_system& sys, const std::string&) {
                         return sys.spawn<caf::detached>(idle);
                       }};
  long_handlers busy{w.sys, 2};
  REQUIRE(workers.lookup_or_start("a"));
  CHECK(eventually([&] { return workers.stats().passivations == 1; }));
  CHECK(eventually([&] { return workers.count() == 0; }));
}

TEST_CASE("names of the dead are free, and awaits end, beside long handlers") {
  world w{2};
  auto log = std::make_shared<journal>();
  auto recorder = spawn_recorder<caf::detached>(w.sys, log);
  auto victim = w.sys.spawn<caf::detached>(idle);
  {
    names_type names{w.sys, {.listeners = {recorder}}};
    REQUIRE(names.register_as(victim, "x"));
    REQUIRE(names.await("y", recorder, 10ms));
    long_handlers busy{w.sys, 2};
    kill(victim);
    // Registered, unregistered, in vain.
    CHECK(log->wait_for(3).size() == 3);
    CHECK(names.stats().entries == 0);
    CHECK(code_of(names.await("z", 1ms)) == "timeout");
  }
  kill(recorder);
}

} // namespace limits_test
