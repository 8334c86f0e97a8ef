// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Limits that are given in time hold while each thread of the scheduler is
// inside a handler that does not return.

#include "registry/long_handlers.hpp"
#include "registry/time_limits.hpp"

#include "catch.hpp"

namespace registry_limits_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

constexpr size_t threads = 2;

// What a request came to.
template <class... Ts, class Handle>
std::string outcome_of(Handle request) {
  std::string result;
  std::move(request).receive([&](const Ts&...) { result = "answer"; },
                             [&](const caf::error& e) {
                               result = e == caf::sec::request_timeout
                                          ? "timeout"
                                          : code_of(e);
                             });
  return result;
}

} // namespace

TEST_CASE("each time limit of a registry is in this suite") {
  CHECK(time_limits::of("libregistry")
        == std::set<std::string>{"registry_base.hpp: timeout",
                                 "unique_registry.hpp: timeout",
                                 "via.hpp: timeout"});
}

TEMPLATE_TEST_CASE("a thread waits for a name no longer than it said", "",
                   names_type, topics_type) {
  world w{threads};
  TestType names{w.sys};
  long_handlers busy{w.sys, threads};
  for (auto limit : {5ms, 1ms, 0ms, -7ms})
    CHECK(code_of(names.await("x", limit)) == "timeout");
}

TEMPLATE_TEST_CASE("an actor waits for a name no longer than it said", "",
                   names_type, topics_type) {
  world w{threads};
  TestType names{w.sys};
  auto log = std::make_shared<journal>();
  auto recorder = spawn_recorder<caf::detached>(w.sys, log);
  long_handlers busy{w.sys, threads};
  for (auto limit : {30ms, 5ms, 0ms, -7ms})
    REQUIRE(names.await("x", recorder, limit));
  for (auto& x : log->wait_for(4)) {
    CHECK(x.what == event::kind::awaited);
    CHECK(code_of(x.reason) == "timeout");
  }
  kill(recorder);
}

TEST_CASE("a wait by message has its limit") {
  world w{threads};
  names_type names{w.sys};
  auto front = names.actor();
  auto holder = w.sys.spawn<caf::detached>(idle);
  REQUIRE(names.register_as(holder, "here", 1));
  caf::scoped_actor self{w.sys};
  auto ask = [&](auto... xs) {
    return cafreg::detail::request(self.ptr(), front, patience, xs...);
  };
  long_handlers busy{w.sys, threads};
  // The registry's own limit, which is not that of the request.
  auto limited = [&](const char* key, caf::timespan limit) {
    return outcome_of<caf::actor, int>(
      ask(cafreg::ask::await{}, std::string{key}, limit));
  };
  CHECK(limited("x", 3ms) == "timeout");
  CHECK(limited("x", 0ms) == "timeout");
  CHECK(limited("here", 0ms) == "answer");
  CHECK(outcome_of<uint64_t>(ask(cafreg::ask::count{})) == "answer");
  kill(holder);
}

TEST_CASE("a request to a name has its limit") {
  world w{threads};
  names_type names{w.sys};
  auto deaf = w.sys.spawn(idle);
  REQUIRE(names.register_as(deaf, "deaf"));
  caf::scoped_actor self{w.sys};
  long_handlers busy{w.sys, threads};
  CHECK(outcome_of<int>(names.via("deaf").request(self, 4ms, 1)) == "timeout");
  CHECK(outcome_of<int>(names.via("nobody").request(self, patience, 1))
        == "no_such_name");
}

TEST_CASE("names of the dead are free, and awaits end, beside long handlers") {
  world w{threads};
  auto log = std::make_shared<journal>();
  auto recorder = spawn_recorder<caf::detached>(w.sys, log);
  auto victim = w.sys.spawn<caf::detached>(idle);
  {
    names_type names{w.sys, {.listeners = {recorder}}};
    REQUIRE(names.register_as(victim, "x"));
    REQUIRE(names.standby("x", recorder, 2));
    long_handlers busy{w.sys, threads};
    kill(victim);
    // Registered, unregistered, registered again.
    CHECK(log->wait_for(3).size() == 3);
    auto who = names.whereis("x");
    REQUIRE(who);
    CHECK(*who == recorder);
  }
  kill(recorder);
}

} // namespace registry_limits_test
