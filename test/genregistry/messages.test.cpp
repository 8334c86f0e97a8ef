// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "catch.hpp"

#include <stdexcept>

namespace messages_test {

using namespace gen_test;
using namespace std::string_literals;

using cafreg::errc;

namespace ask = cafreg::ask;

namespace {

using valued_type = cafreg::gen_registry<std::string, caf::actor(int), int>;

struct fixture : world {
  fixture() : self(sys), front(workers.actor()) {
    // nop
  }

  /// Asks for a worker and its value.
  template <class... Ts>
  caf::error get(Ts&&... xs) {
    caf::error result;
    found = nullptr;
    cafreg::detail::request(self.ptr(), front, patience,
                            std::forward<Ts>(xs)...)
      .receive(
        [&](const caf::actor& who, int x) {
          found = who;
          value = x;
        },
        [&](const caf::error& err) { result = err; });
    return result;
  }

  /// Asks for something else.
  template <class T, class... Ts>
  caf::error get_as(T& to, Ts&&... xs) {
    caf::error result;
    cafreg::detail::request(self.ptr(), front, patience,
                            std::forward<Ts>(xs)...)
      .receive([&](const T& x) { to = x; },
               [&](const caf::error& err) { result = err; });
    return result;
  }

  valued_type workers{
    sys,
    {.name = "uut"},
    [](caf::actor_system& sys, const std::string& id, int x) {
      if (id == "bad")
        throw std::runtime_error{"no"};
      return cafreg::valued_worker<caf::actor, int>{sys.spawn(idle), x};
    }};
  caf::scoped_actor self;
  caf::actor front;
  caf::actor found;
  int value = 0;
};

} // namespace

TEST_CASE("messages do what calls do") {
  fixture f;
  CHECK(f.front == f.workers.actor());
  CHECK(f.get(ask::lookup{}, "a"s) == errc::no_such_name);
  CHECK_FALSE(f.get(ask::lookup_or_start{}, "a"s, 7));
  auto a = f.found;
  CHECK(f.value == 7);
  CHECK(f.workers.whereis("a") == a);
  CHECK_FALSE(f.get(ask::lookup_or_start{}, "a"s, 8));
  CHECK(f.found == a);
  CHECK(f.value == 7);
  CHECK_FALSE(f.get(ask::lookup{}, "a"s));
  CHECK(f.found == a);
  auto again = f.get(ask::start{}, "a"s, 9);
  CHECK(again == errc::already_started);
  CHECK(f.workers.started_worker(again) == a);
  CHECK_FALSE(f.get(ask::start{}, "b"s, 9));
  CHECK(f.value == 9);
  auto bad = f.get(ask::lookup_or_start{}, "bad"s, 1);
  CHECK(cafreg::to_text(bad) == "registry uut: id bad: factory failed: no");
  uint64_t count = 0;
  CHECK_FALSE(f.get_as(count, ask::count{}));
  CHECK(count == 2);
  CHECK_FALSE(f.get_as(count, ask::count{}, "a"s));
  CHECK(count == 1);
  auto stopped = false;
  CHECK_FALSE(f.get_as(stopped, ask::stop{}, "a"s));
  CHECK(stopped);
  CHECK(dead(a));
  CHECK(f.workers.count() == 1);
  CHECK(f.get_as(stopped, ask::stop{}, "a"s) == errc::no_such_name);
  CHECK(f.get(ask::lookup_or_start{}, "a"s) == errc::bad_request);
}

TEST_CASE("a slow start by message delays no other") {
  world w{2};
  gate slow;
  workers_type workers{
    w.sys, {.name = "uut"}, [&](caf::actor_system& sys, const std::string& id) {
      if (id == "slow")
        slow.pass();
      return sys.spawn(idle);
    }};
  caf::scoped_actor self{w.sys};
  auto front = workers.actor();
  auto first = cafreg::detail::request(self.ptr(), front, patience,
                                       ask::lookup_or_start{}, "slow"s);
  REQUIRE(slow.wait_for(1));
  caf::actor quick;
  cafreg::detail::request(self.ptr(), front, patience, ask::lookup_or_start{},
                          "quick"s)
    .receive([&](const caf::actor& who) { quick = who; },
             [](const caf::error&) {});
  CHECK(workers.whereis("quick") == quick);
  slow.open();
  caf::actor late;
  std::move(first).receive([&](const caf::actor& who) { late = who; },
                           [](const caf::error&) {});
  CHECK(workers.whereis("slow") == late);
}

TEST_CASE("a closed registry answers messages") {
  world w;
  workers_type workers{w.sys, {.name = "uut"}, idle};
  workers.close();
  caf::scoped_actor self{w.sys};
  caf::error why;
  cafreg::detail::request(self.ptr(), workers.actor(), patience,
                          ask::lookup_or_start{}, "a"s)
    .receive([](const caf::actor&) {},
             [&](const caf::error& err) { why = err; });
  CHECK(why == errc::closed);
}

} // namespace messages_test
