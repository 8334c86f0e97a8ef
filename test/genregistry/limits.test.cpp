// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Limits that are given in time hold while each thread of the scheduler is
// inside a handler that does not return.

#include "genregistry/gen_helpers.hpp"
#include "registry/long_handlers.hpp"
#include "registry/time_limits.hpp"

#include "catch.hpp"

namespace limits_test {

using namespace gen_test;

namespace {

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

// A factory that waits at a gate, and counts.
struct slow_factory {
  std::shared_ptr<gate> held = std::make_shared<gate>();
  std::shared_ptr<std::atomic<int>> calls
    = std::make_shared<std::atomic<int>>(0);

  caf::actor operator()(caf::actor_system& sys, const std::string&) const {
    ++*calls;
    held->pass();
    return sys.spawn(idle);
  }
};

// Asks a worker and returns the answer, or the error's text.
std::string ask(caf::actor_system& sys, const workers_type& workers,
                const std::string& id, std::chrono::nanoseconds timeout) {
  std::string answer;
  caf::scoped_actor self{sys};
  workers.request(self, id, timeout, 7)
    .receive([&](int x) { answer = std::to_string(x); },
             [&](const caf::error& e) {
               answer = e == caf::sec::request_timeout ? "timeout" : code_of(e);
             });
  return answer;
}

} // namespace

TEST_CASE("each time limit of a registry of workers is in this suite") {
  CHECK(time_limits::of("libgenregistry")
        == std::set<std::string>{
          "gen_options.hpp: cool_down", "gen_options.hpp: idle_after",
          "gen_options.hpp: stop_timeout", "gen_options.hpp: within",
          "gen_registry.hpp: limit", "gen_registry.hpp: timeout"});
}

TEST_CASE("a start that takes long is waited for as long as one wants") {
  world w{2};
  slow_factory factory;
  workers_type workers{w.sys, {}, factory};
  for (auto limit : {1ms, 0ms, -1ms})
    CHECK(code_of(workers.lookup_or_start_for(limit, "a")) == "timeout");
  factory.held->open();
  CHECK(workers.lookup_or_start_for(patience, "a"));
  CHECK(*factory.calls == 1);
  CHECK(workers.lookup_or_start_for(0ms, "a"));
  CHECK(workers.count() == 1);
}

TEST_CASE("each of many starts is waited for as long as one wants") {
  world w{2};
  slow_factory factory;
  workers_type workers{w.sys, {}, factory};
  auto count = effort(200, 70);
  for (size_t i = 0; i < count; ++i) {
    auto id = std::to_string(i);
    if (i % 2 == 0)
      CHECK(code_of(workers.lookup_or_start_for(0ms, id)) == "timeout");
    else
      CHECK(ask(w.sys, workers, id, 0ms) == "timeout");
  }
  CHECK(workers.count() == 0);
  factory.held->open();
  CHECK(eventually([&] { return workers.count() == count; }));
}

TEST_CASE("a start that somebody else makes is waited for no longer") {
  world w{2};
  slow_factory factory;
  workers_type workers{w.sys, {}, factory};
  std::thread other{[&] { CHECK(workers.lookup_or_start("a")); }};
  REQUIRE(factory.held->wait_for(1));
  CHECK(code_of(workers.lookup_or_start_for(1ms, "a")) == "timeout");
  factory.held->open();
  other.join();
  CHECK(*factory.calls == 1);
}

TEST_CASE("a request has its limit, and its start goes on") {
  world w{2};
  slow_factory factory;
  workers_type workers{w.sys, {}, factory};
  CHECK(ask(w.sys, workers, "a", 10ms) == "timeout");
  CHECK(ask(w.sys, workers, "a", 10ms) == "timeout");
  CHECK(*factory.calls == 1);
  factory.held->open();
  CHECK(ask(w.sys, workers, "a", patience) == "7");
  // It may answer before its start is over.
  CHECK(eventually([&] { return workers.stats().starts == 1; }));
}

TEST_CASE("requests that wait for a start that fails are told") {
  world w{2};
  auto held = std::make_shared<gate>();
  workers_type workers{
    w.sys, {}, [held](caf::actor_system&, const std::string&) -> caf::actor {
      held->pass();
      throw std::runtime_error{"no"};
    }};
  caf::scoped_actor self{w.sys};
  std::vector<std::string> answers;
  auto note = [&](const caf::error& e) { answers.push_back(code_of(e)); };
  auto first = workers.request(self, "a", patience, 1);
  REQUIRE(held->wait_for(1));
  auto second = workers.request(self, "a", patience, 2);
  held->open();
  std::move(first).receive([](int) { FAIL("answered"); }, note);
  std::move(second).receive([](int) { FAIL("answered"); }, note);
  CHECK(answers == std::vector<std::string>(2, "factory_failed"));
}

TEST_CASE("requests that wait for a start when the registry closes are told") {
  world w{2};
  slow_factory factory;
  auto workers = std::make_unique<workers_type>(
    w.sys, cafreg::gen_registry_options{}, factory);
  caf::scoped_actor self{w.sys};
  auto asked = workers->request(self, "a", patience, 1);
  REQUIRE(factory.held->wait_for(1));
  std::thread closer{[&] { CHECK(workers->close()); }};
  wait_until([&] { return workers->closed(); });
  factory.held->open();
  auto told = false;
  std::move(asked).receive([&](int) { told = true; },
                           [&](const caf::error&) { told = true; });
  CHECK(told);
  closer.join();
}

// What one sender sends arrives in order, whether it waits for a start or not.
TEST_CASE("requests and messages of one sender keep their order over starts") {
  world w{2};
  struct seen {
    std::mutex mutex;
    std::vector<int> numbers;
  };
  for (auto round = 0; round < 30; ++round) {
    auto log = std::make_shared<seen>();
    workers_type workers{
      w.sys, {}, [log](caf::actor_system& sys, const std::string&) {
        return sys.spawn([log](caf::event_based_actor*) -> caf::behavior {
          return {[log](int x) {
            std::lock_guard guard{log->mutex};
            log->numbers.push_back(x);
            return x;
          }};
        });
      }};
    caf::scoped_actor self{w.sys};
    constexpr auto count = 20;
    std::vector<int> sent;
    auto last = workers.request(self, "a", patience, 0);
    sent.push_back(0);
    for (auto i = 1; i < count; ++i) {
      if (i % 3 == round % 3)
        CHECK(workers.send("a", i));
      else
        last = workers.request(self, "a", patience, i);
      sent.push_back(i);
    }
    CHECK(eventually([&] {
      std::lock_guard guard{log->mutex};
      return log->numbers.size() == count;
    }));
    CHECK(log->numbers == sent);
  }
}

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

TEST_CASE("a stop by message has its limit beside long handlers") {
  world w{2};
  workers_type workers{w.sys,
                       {.stop_timeout = 10ms},
                       [](caf::actor_system& sys, const std::string&) {
                         return sys.spawn<caf::detached>(stubborn);
                       }};
  auto started = workers.lookup_or_start("a");
  REQUIRE(started);
  auto front = workers.actor();
  caf::scoped_actor self{w.sys};
  long_handlers busy{w.sys, 2};
  auto stopped = false;
  cafreg::detail::request(self.ptr(), front, patience, cafreg::ask::stop{},
                          std::string{"a"})
    .receive([&](bool) { stopped = true; }, [](const caf::error&) {});
  CHECK(stopped);
  CHECK(workers.stats().kills == 1);
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

TEST_CASE("starts that failed are tried again beside long handlers") {
  world w{2};
  auto calls = std::make_shared<std::atomic<int>>(0);
  workers_type workers{
    w.sys,
    {.backoff = {.failures = 2, .within = 1h, .cool_down = 5ms}},
    [calls](caf::actor_system& sys, const std::string&) -> caf::actor {
      if (++*calls < 3)
        throw std::runtime_error{"no"};
      return sys.spawn<caf::detached>(idle);
    }};
  long_handlers busy{w.sys, 2};
  CHECK(code_of(workers.lookup_or_start("a")) == "factory_failed");
  CHECK(code_of(workers.lookup_or_start("a")) == "factory_failed");
  CHECK(eventually(
    [&] { return static_cast<bool>(workers.lookup_or_start("a")); }));
  CHECK(*calls == 3);
}

TEST_CASE("failures that are long ago are forgotten beside long handlers") {
  world w{2};
  workers_type workers{
    w.sys,
    {.backoff = {.failures = 2, .within = 1ns, .cool_down = 1h}},
    [](caf::actor_system&, const std::string&) -> caf::actor {
      throw std::runtime_error{"no"};
    }};
  long_handlers busy{w.sys, 2};
  for (auto i = 0; i < 20; ++i)
    CHECK(code_of(workers.lookup_or_start("a")) == "factory_failed");
}

} // namespace limits_test
