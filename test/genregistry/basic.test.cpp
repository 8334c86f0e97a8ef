// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "catch.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace basic_test {

using namespace gen_test;
using namespace std::string_literals;

using cafreg::errc;

TEST_CASE("whoever was answered by a worker finds it") {
  world w{2};
  workers_type workers{w.sys, {}, [](caf::actor_system& sys, const auto&) {
                         return sys.spawn(idle);
                       }};
  caf::scoped_actor self{w.sys};
  auto rounds = effort(3000, 300);
  for (size_t i = 0; i < rounds; ++i) {
    auto id = std::to_string(i);
    auto answered = false;
    workers.request(self, id, patience, 1)
      .receive([&](int) { answered = true; }, [](const caf::error&) {});
    REQUIRE(answered);
    switch (i % 6) {
      case 0:
        REQUIRE(workers.count() == 1);
        break;
      case 1:
        REQUIRE(workers.whereis(id));
        break;
      case 2:
        REQUIRE(workers.lookup(id));
        break;
      case 3:
        REQUIRE(workers.touch(id));
        break;
      case 4:
        REQUIRE(workers.to_list().size() == 1);
        break;
      default:
        break;
    }
    REQUIRE(workers.stop(id));
  }
}

TEST_CASE("a worker finds itself with its first message") {
  world w{2};
  using ref_type = workers_ref;
  std::atomic<ref_type*> ref{nullptr};
  workers_type workers{
    w.sys, {}, [&](caf::actor_system& sys, const std::string& id) {
      return sys.spawn([&, id](caf::event_based_actor*) -> caf::behavior {
        return {[&, id](int) { return ref.load()->touch(id); }};
      });
    }};
  auto known = workers.ref();
  ref = &known;
  caf::scoped_actor self{w.sys};
  auto rounds = effort(1000, 100);
  for (size_t i = 0; i < rounds; ++i) {
    auto found = false;
    workers.request(self, std::to_string(i), patience, 1)
      .receive([&](bool x) { found = x; }, [](const caf::error&) {});
    REQUIRE(found);
  }
}

TEST_CASE("a worker is started when it is first asked for") {
  world w;
  auto all = std::make_shared<census>();
  workers_type workers{w.sys, {.name = "workers"}, counted(all)};
  CHECK(workers.count() == 0);
  CHECK(workers.lookup("a").error() == errc::no_such_name);
  auto a = workers.lookup_or_start("a");
  REQUIRE(a);
  CHECK(workers.lookup_or_start("a") == *a);
  CHECK(workers.whereis("a") == *a);
  CHECK(workers.lookup("a")->handle() == *a);
  CHECK(workers.lookup("a")->key() == "a");
  auto b = workers.lookup_or_start("b");
  REQUIRE(b);
  CHECK(*a != *b);
  CHECK(workers.count() == 2);
  CHECK(all->born == 2);
  CHECK(workers.ids(*a) == std::vector<std::string>{"a"});
  CHECK(workers.stats().starts == 2);
  CHECK(workers.name() == "workers");
}

TEST_CASE("who starts a worker that runs already learns which") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, idle};
  auto a = workers.start("a");
  REQUIRE(a);
  auto again = workers.start("a");
  REQUIRE_FALSE(again);
  CHECK(again.error() == errc::already_started);
  CHECK(workers.started_worker(again.error()) == *a);
  CHECK(cafreg::to_text(again.error())
        == "registry workers: id a: it has actor " + std::to_string(a->id()));
  CHECK_FALSE(workers.started_worker(caf::error{}));
}

TEST_CASE("a dead worker is replaced") {
  world w;
  auto all = std::make_shared<census>();
  workers_type workers{w.sys, {.name = "workers"}, counted(all)};
  for (auto i = 1; i < 20; ++i) {
    auto who = workers.lookup_or_start("a");
    REQUIRE(who);
    CHECK(all->born == i);
    REQUIRE(kill_and_wait(*who));
    CHECK_FALSE(workers.lookup("a"));
  }
  CHECK(eventually([&] { return workers.count() == 0; }));
  CHECK(eventually([&] { return all->living() == 0; }));
}

namespace {

greeter::behavior_type greeter_impl(greeter::pointer, const std::string& id,
                                    const std::string& word) {
  return {[=](int n) { return word + " " + id + " " + std::to_string(n); }};
}

class classy : public caf::event_based_actor {
public:
  classy(caf::actor_config& cfg, int id, int step)
    : caf::event_based_actor(cfg), sum_(id), step_(step) {
    // nop
  }

  caf::behavior make_behavior() override {
    return {[this](int x) { return sum_ += step_ * x; }};
  }

private:
  int sum_;
  int step_;
};

class idless : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;

  caf::behavior make_behavior() override {
    return idle(this);
  }
};

caf::behavior adder(caf::event_based_actor*, const std::string& id, int n) {
  return {[id, n](int x) { return static_cast<int>(id.size()) + n + x; }};
}

} // namespace

TEST_CASE("a worker is made of whatever makes actors") {
  world w;
  SECTION("a function-based actor with id and argument") {
    cafreg::gen_registry<std::string, caf::actor(int)> uut{w.sys, {}, adder};
    REQUIRE(uut.lookup_or_start("abc", 10));
    CHECK(ask_number(uut, "abc", 100) == 113);
  }
  SECTION("a function-based actor without the id") {
    cafreg::gen_registry<int> uut{w.sys, {}, idle};
    CHECK(ask_number(uut, 1, 5) == 5);
  }
  SECTION("a function-based actor with options") {
    cafreg::gen_registry<int> uut{
      w.sys, {}, cafreg::worker_function<caf::detached>(idle)};
    CHECK(ask_number(uut, 1, 5) == 5);
  }
  SECTION("an actor class") {
    cafreg::gen_registry<int, caf::actor(int)> uut{
      w.sys, {}, cafreg::worker<classy>};
    REQUIRE(uut.lookup_or_start(7, 2));
    CHECK(ask_number(uut, 7, 10) == 27);
  }
  SECTION("an actor class without arguments") {
    cafreg::gen_registry<int> uut{w.sys, {}, cafreg::worker<idless>};
    CHECK(ask_number(uut, 7, 10) == 10);
  }
  SECTION("a statically typed function-based actor") {
    cafreg::gen_registry<std::string, greeter(std::string)> uut{
      w.sys, {}, greeter_impl};
    auto who = uut.lookup_or_start("bob", "hello");
    REQUIRE(who);
    caf::scoped_actor self{w.sys};
    std::string text;
    uut.request(self, "bob", patience, 3)
      .receive([&](const std::string& x) { text = x; },
               [](const caf::error&) {});
    CHECK(text == "hello bob 3");
  }
  SECTION("a callable that returns an expected") {
    cafreg::gen_registry<int> uut{
      w.sys,
      {.name = "uut"},
      [](caf::actor_system& sys, int id) -> caf::expected<caf::actor> {
        if (id < 0)
          return cafreg::make_error(errc::bad_option, "negative");
        return sys.spawn(idle);
      }};
    CHECK(uut.lookup_or_start(1));
    auto failed = uut.lookup_or_start(-1);
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == errc::factory_failed);
    CHECK(cafreg::to_text(failed.error())
          == "registry uut: id -1: factory failed: negative");
  }
}

TEST_CASE("what does not fit does not compile") {
  using plain = workers_type;
  using with_int = cafreg::gen_registry<std::string, caf::actor(int)>;
  auto starts = []<class T, class... Ts>(T*, Ts...) {
    return requires(T & r, Ts... xs) {
      r.lookup_or_start("a", xs...);
    };
  };
  CHECK(starts(static_cast<plain*>(nullptr)));
  CHECK_FALSE(starts(static_cast<plain*>(nullptr), 1));
  CHECK(starts(static_cast<with_int*>(nullptr), 1));
  CHECK_FALSE(starts(static_cast<with_int*>(nullptr)));
  CHECK_FALSE(starts(static_cast<with_int*>(nullptr), "one"));
  using cafreg::unit;
  using cafreg::worker_source;
  using str = std::string;
  static_assert(worker_source<decltype(idle)*, str, caf::actor, unit>);
  static_assert(worker_source<decltype(adder)*, str, caf::actor(int), unit>);
  static_assert(!worker_source<decltype(adder)*, str, caf::actor, unit>);
  static_assert(!worker_source<decltype(idle)*, str, greeter, unit>);
  static_assert(
    worker_source<decltype(greeter_impl)*, str, greeter(str), unit>);
  static_assert(!worker_source<int, str, caf::actor, unit>);
}

TEST_CASE("many ids are started with one call") {
  world w;
  workers_type workers{w.sys,
                       {.name = "workers"},
                       [](caf::actor_system& sys, const std::string& id) {
                         if (id == "bad")
                           throw std::runtime_error{"no"};
                         return sys.spawn(idle);
                       }};
  auto a = workers.lookup_or_start("a");
  auto all = workers.lookup_or_start_all({"a", "bad", "b", "a"});
  REQUIRE(all.size() == 4);
  CHECK(all[0] == *a);
  CHECK_FALSE(all[1]);
  CHECK(all[2]);
  CHECK(all[3] == *a);
  CHECK(workers.count() == 2);
}

TEST_CASE("all workers are seen") {
  world w;
  cafreg::gen_registry<int> workers{w.sys, {}, idle};
  CHECK(workers.sample().error() == errc::no_such_name);
  CHECK(workers.reduce(5, [](int acc, const auto&) { return acc + 1; }) == 5);
  for (auto i = 0; i < 100; ++i)
    REQUIRE(workers.lookup_or_start(i));
  CHECK(workers.reduce(0, [](int acc, const auto& x) { return acc + x.key(); })
        == 4950);
  std::set<int> ids;
  for (auto& x : workers.to_list()) {
    CHECK(workers.whereis(x.key()) == x.handle());
    ids.insert(x.key());
  }
  CHECK(ids.size() == 100);
  auto children = workers.which_children();
  CHECK(children.size() == 100);
  CHECK(std::none_of(children.begin(), children.end(),
                     [](auto& x) { return x.leaving; }));
  auto counts = workers.count_children();
  CHECK(counts.workers == 100);
  CHECK(counts.leaving == 0);
  CHECK(counts.starting == 0);
  auto seen = 0;
  workers.for_each([&](const auto& x) { seen += x.alive() ? 1 : 0; });
  CHECK(seen == 100);
  CHECK(workers.visit(7, [](const auto& x) { CHECK(x.key() == 7); }));
}

TEST_CASE("a sample is uniform") {
  world w;
  cafreg::gen_registry<int> workers{w.sys, {}, idle};
  constexpr auto ids = 10;
  constexpr auto draws = 10'000;
  for (auto i = 0; i < ids; ++i)
    REQUIRE(workers.lookup_or_start(i));
  std::map<int, int> counts;
  for (auto i = 0; i < draws; ++i)
    ++counts[workers.sample()->key()];
  auto chi = 0.0;
  for (auto i = 0; i < ids; ++i) {
    constexpr auto expected = static_cast<double>(draws) / ids;
    auto off = counts[i] - expected;
    chi += off * off / expected;
  }
  CHECK(chi < 40.0); // 9 degrees of freedom: once in 100,000 runs
}

TEST_CASE("entries of workers have values") {
  world w;
  using pair = cafreg::valued_worker<caf::actor, int>;
  cafreg::gen_registry<std::string, caf::actor, int> workers{
    w.sys, {}, [](caf::actor_system& sys, const std::string& id) {
      return pair{sys.spawn(idle), static_cast<int>(id.size())};
    }};
  REQUIRE(workers.lookup_or_start("abc"));
  CHECK(workers.lookup("abc")->value() == 3);
  CHECK(workers.update_value("abc", [](int x) { return x * 2; }) == 6);
  CHECK(workers.lookup("abc")->value() == 6);
  auto missing = workers.update_value("x", [](int x) { return x; });
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == errc::no_such_name);
  CHECK(workers.whereis("abc"));
}

TEST_CASE("several registries have workers of one type") {
  world w;
  workers_type one{w.sys, {.name = "one"}, idle};
  workers_type two{w.sys, {.name = "two"}, idle};
  auto a = one.lookup_or_start("a");
  auto b = two.lookup_or_start("a");
  REQUIRE(a);
  REQUIRE(b);
  CHECK(*a != *b);
  one.close();
  CHECK(two.whereis("a") == *b);
}

TEST_CASE("listeners are told of workers") {
  world w;
  auto told = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, told);
  cafreg::gen_registry<std::string, caf::actor, int> workers{
    w.sys, {.name = "workers", .listeners = {listener}}, idle};
  auto a = workers.lookup_or_start("a");
  REQUIRE(a);
  REQUIRE(workers.stop("a"));
  auto events = told->wait_for(2);
  REQUIRE(events.size() == 2);
  CHECK(events[0].what == event::kind::registered);
  CHECK(events[0].registry == "workers");
  CHECK(events[0].key == "a");
  CHECK(events[0].value == 0);
  CHECK(events[0].holder == a->id());
  CHECK(events[1].what == event::kind::unregistered);
  CHECK(events[1].why == cafreg::departure::down);
  CHECK(events[1].reason == caf::exit_reason::user_shutdown);
  workers.close();
  kill(listener);
}

TEST_CASE("a worker can be awaited") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, idle};
  CHECK(code_of(workers.await("a", 1ms)) == "timeout");
  std::thread starter{[&] { CHECK(workers.lookup_or_start("a")); }};
  auto a = workers.await("a", patience);
  starter.join();
  REQUIRE(a);
  CHECK(a->handle() == workers.whereis("a"));
}

TEST_CASE("messages start workers") {
  world w;
  cafreg::gen_registry<int> workers{w.sys, {}, idle};
  CHECK(workers.send(1, 5));
  CHECK(workers.count() == 1);
  CHECK(ask_number(workers, 2, 7) == 7);
  CHECK(workers.count() == 2);
  cafreg::gen_registry<std::string, caf::actor(int)> others{w.sys, {}, adder};
  CHECK(code_of(others.send("a", 5)) == "no_such_name");
  caf::scoped_actor self{w.sys};
  caf::error why;
  others.request(self, "a", patience, 1)
    .receive([](int) {}, [&](const caf::error& err) { why = err; });
  CHECK(why == errc::no_such_name);
}

TEST_CASE("options that make no sense are refused") {
  world w;
  CHECK_THROWS_AS(workers_type(w.sys, {.partitions = 0}, idle),
                  std::invalid_argument);
  CHECK_THROWS_AS(workers_type(w.sys, {.stop_timeout = -1s}, idle),
                  std::invalid_argument);
  CHECK_THROWS_AS(workers_type(w.sys, {.idle_after = -1s}, idle),
                  std::invalid_argument);
}

TEST_CASE("long ids are refused") {
  world w;
  workers_type workers{w.sys, {.max_key_size = 3}, idle};
  CHECK(workers.lookup_or_start("abc"));
  CHECK(code_of(workers.lookup_or_start("abcd")) == "key_too_large");
  CHECK(code_of(workers.send("abcd", 1)) == "key_too_large");
}

} // namespace basic_test
