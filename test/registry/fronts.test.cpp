// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// The end of the actors that answer messages: CAF crashes at the end of a
// system in which an actor that it does not wait for has never ended.

#include "registry/network.hpp"

#include "catch.hpp"

namespace fronts_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

std::string ask(caf::actor_system& sys, const caf::actor& front) {
  std::string answer = "no answer";
  caf::scoped_actor self{sys};
  cafreg::detail::request(self.ptr(), front, patience, cafreg::ask::count{})
    .receive([&](uint64_t) { answer = "a number"; },
             [&](caf::error& e) { answer = code_of(e); });
  return answer;
}

// Has CAF's own registry keep an actor, under an id as it does with actors that
// other nodes know.
void give_name(caf::actor_system& sys, const caf::actor& who) {
  sys.registry().put(who.id(), caf::actor_cast<caf::strong_actor_ptr>(who));
}

} // namespace

TEST_CASE("a registry whose actor is published ends with its system") {
  for (auto round = 0; round < 10; ++round) {
    network_config cfg;
    caf::actor_system sys{cfg};
    names_type names{sys};
    topics_type topics{sys};
    for (auto& front : {names.actor(), topics.actor()})
      REQUIRE(sys.middleman().publish(front, 0));
    if (round % 2 == 0) {
      auto port = sys.middleman().publish(names.actor(), 0);
      REQUIRE(port);
      REQUIRE(sys.middleman().unpublish(names.actor(), *port));
    }
  }
}

TEST_CASE("a registry whose actor has a name in CAF ends with its system") {
  for (auto round = 0; round < 10; ++round) {
    world w;
    names_type names{w.sys};
    topics_type topics{w.sys};
    give_name(w.sys, names.actor());
    give_name(w.sys, topics.actor());
    // From the other side of the end, too.
    names.close();
    give_name(w.sys, names.actor());
  }
}

// More than CAF 0.17's timers take at a time: who ends after them waits.
TEST_CASE("a crowd of registries' actors ends before its system") {
  for (auto round = 0; round < 5; ++round) {
    world w{1};
    std::vector<caf::actor> fronts;
    for (auto i = 0; i < 300; ++i) {
      names_type names{w.sys};
      fronts.push_back(names.actor());
      if (i % 7 == 0)
        kill(fronts.back());
    }
    fronts.clear();
  }
}

TEST_CASE("the answer of a name without a holder has an end") {
  for (auto round = 0; round < 10; ++round) {
    world w;
    names_type names{w.sys};
    caf::scoped_actor self{w.sys};
    names.via("nobody")
      .request(self.ptr(), patience, 1)
      .receive([](int) { FAIL("somebody answered"); },
               [](const caf::error& e) {
                 CHECK(code_of(e) == "no_such_name");
               });
  }
}

TEST_CASE("no exit message but one that kills ends a registry's actor") {
  world w;
  names_type names{w.sys};
  auto front = names.actor();
  for (auto why :
       {caf::exit_reason::user_shutdown, caf::exit_reason::normal,
        caf::exit_reason::unknown, caf::exit_reason::remote_link_unreachable})
    kill(front, why);
  CHECK(ask(w.sys, front) == "a number");
  CHECK(names.actor() == front);
  REQUIRE(kill_and_wait(front));
  auto other = names.actor();
  CHECK(other != front);
  CHECK(names.actor() == other);
  CHECK(ask(w.sys, other) == "a number");
}

TEST_CASE("who waits for an actor that is killed is told") {
  world w;
  names_type names{w.sys};
  auto front = names.actor();
  caf::scoped_actor self{w.sys};
  auto asked
    = cafreg::detail::request(self.ptr(), front, patience, cafreg::ask::await{},
                              std::string{"nobody"}, caf::timespan{1h});
  wait_until([&] { return names.holders().size() == 1; });
  REQUIRE(kill_and_wait(front));
  auto told = false;
  std::move(asked).receive(
    [](const caf::actor&, int) { FAIL("somebody came"); },
    [&](const caf::error& e) { told = e != caf::sec::request_timeout; });
  CHECK(told);
}

TEST_CASE("a wait by message ends with whoever asked for it") {
  world w;
  names_type names{w.sys};
  auto front = names.actor();
  auto ask_for = [&](const char* key) {
    return w.sys.spawn([front, key](caf::event_based_actor* self) {
      cafreg::detail::request(self, front, 20ms, cafreg::ask::await{},
                              std::string{key}, caf::timespan::max())
        .then([](const caf::actor&, int) {}, [](const caf::error&) {});
      return idle(self);
    });
  };
  std::vector<caf::actor> askers;
  for (auto i = 0; i < 50; ++i)
    askers.push_back(ask_for("nobody"));
  auto stays = ask_for("somebody");
  wait_until([&] { return names.holders().size() == 51; });
  for (auto& x : names.holders())
    CHECK(x.role == cafreg::holder_role::waiter);
  for (auto& x : askers)
    kill(x);
  wait_until([&] { return names.holders().size() == 1; });
  CHECK(names.holders().front().id == stays.id());
  // The front has forgotten them, too, and goes on.
  auto who = w.sys.spawn(idle);
  REQUIRE(names.register_as(who, "somebody", 1));
  wait_until([&] { return names.stats().backlog == 0; });
  CHECK(ask(w.sys, front) == "a number");
  kill(stays);
  kill(who);
}

TEST_CASE("a watch by message ends by message") {
  world w;
  names_type names{w.sys};
  topics_type topics{w.sys};
  auto log = std::make_shared<journal>();
  auto watcher = spawn_recorder(w.sys, log);
  caf::scoped_actor self{w.sys};
  uint64_t id = 0;
  cafreg::detail::request(self.ptr(), names.actor(), patience,
                          cafreg::ask::watch{}, std::string{"x"}, watcher)
    .receive([&](uint64_t x) { id = x; },
             [](const caf::error& e) { FAIL(cafreg::to_text(e)); });
  CHECK(names.holders().size() == 1);
  auto cancel = [&](const caf::actor& front) {
    std::optional<bool> result;
    cafreg::detail::request(self.ptr(), front, patience, cafreg::ask::cancel{},
                            id)
      .receive([&](bool x) { result = x; },
               [](const caf::error& e) { FAIL(cafreg::to_text(e)); });
    return result;
  };
  CHECK(cancel(topics.actor()) == false);
  CHECK(cancel(names.actor()) == true);
  CHECK(cancel(names.actor()) == false);
  CHECK(names.holders().empty());
  kill(watcher);
}

// Whoever asks while the registry closes gets an answer of it: a number, or
// that it is closed.
TEST_CASE("each request beside the end of a registry is answered by it") {
  for (size_t round = 0; round < effort(30, 10); ++round) {
    world w;
    auto names = std::make_unique<names_type>(w.sys);
    auto front = names->actor();
    std::atomic<size_t> asked{0};
    std::atomic<size_t> strange{0};
    std::thread closer{[&] {
      wait_until([&] { return asked > 20; });
      names->close();
    }};
    in_threads(2, [&](size_t) {
      for (auto i = 0; i < 50; ++i) {
        auto answer = ask(w.sys, front);
        if (answer != "a number" && answer != "closed")
          ++strange;
        ++asked;
      }
    });
    closer.join();
    CHECK(strange == 0);
    CHECK(ask(w.sys, front) == "closed");
    CHECK(eventually([&] { return dead(front); }));
  }
}

} // namespace fronts_test
