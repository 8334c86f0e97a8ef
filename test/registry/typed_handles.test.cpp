// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Registries of statically typed actors.

#include "registry/caf_helpers.hpp"

#include "cafreg/format.hpp"

#include "catch.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <numeric>

namespace typed_handles_test {

using namespace caf_test;

using cafreg::errc;

namespace {

using adder = cafreg::detail::typed_handle<int, int, int>;

using names_of_adders = cafreg::unique_registry<std::string, int, adder>;

using topics_of_adders = cafreg::duplicate_registry<std::string, int, adder>;

adder::behavior_type add(adder::pointer) {
  return {[](int x, int y) { return x + y; }};
}

// Adds, and notes the sum.
class noting_adder : public adder::base {
public:
  noting_adder(caf::actor_config& cfg, std::atomic<int>* sum)
    : adder::base(cfg), sum_(sum) {
    // nop
  }

  behavior_type make_behavior() override {
    return {[this](int x, int y) {
      *sum_ += x + y;
      return x + y;
    }};
  }

private:
  std::atomic<int>* sum_;
};

template <class Handle>
void kill_all(const std::vector<Handle>& xs) {
  for (auto& x : xs)
    kill(caf::actor_cast<caf::actor>(x));
}

bool kill_and_wait(const adder& who) {
  return caf_test::kill_and_wait(caf::actor_cast<caf::actor>(who));
}

template <class Name>
int ask(caf::actor_system& sys, const Name& name, int x, int y) {
  auto result = 0;
  caf::scoped_actor self{sys};
  name.request(self, patience, x, y)
    .receive([&](int z) { result = z; },
             [&](const caf::error& err) { result = -err.code(); });
  return result;
}

struct fixture : world {
  adder a = sys.spawn(add);
  adder b = sys.spawn(add);
  names_of_adders names{sys, {.name = "adders"}};
  topics_of_adders topics{sys, {.name = "topics", .partitions = 2}};

  ~fixture() {
    names.close();
    topics.close();
    kill_all<adder>({a, b});
  }
};

} // namespace

TEST_CASE("a typed actor holds a name") {
  fixture f;
  auto first = f.names.register_as(f.a, "x", 1);
  REQUIRE(first);
  CHECK(first->inserted);
  auto second = f.names.register_as(f.b, "x", 2);
  REQUIRE(second);
  CHECK_FALSE(second->inserted);
  CHECK(second->holder == f.a);
  auto found = f.names.lookup("x");
  REQUIRE(found);
  CHECK(found->handle() == f.a);
  CHECK(found->value() == 1);
  CHECK(found->alive());
  CHECK(f.names.whereis("x") == f.a);
  CHECK(f.names.visit("x", [&](const names_of_adders::view_type& x) {
    CHECK(x.handle() == f.a);
    CHECK(x.to_entry() == *found);
  }));
  CHECK(f.names.keys(f.a) == std::vector<std::string>{"x"});
  CHECK(f.names.values("x", f.a) == std::vector<int>{1});
  CHECK(f.names.match("x", [](int) { return true; }).front().handle() == f.a);
  CHECK(f.names.update_value(f.a, "x", [](int x) { return x + 1; })->value
        == 2);
  CHECK_FALSE(f.names.give_away("x", f.a, f.b));
  CHECK(f.names.unregister_if(f.b, "x", [](int x) { return x == 2; })
        == size_t{1});
  CHECK(f.names.register_as(f.b, "y"));
  CHECK(f.names.unregister_all(f.b) == size_t{1});
  CHECK(code_of(f.names.register_as(adder{}, "x")) == "null_handle");
}

TEST_CASE("a typed actor loses its names when it dies") {
  fixture f;
  REQUIRE(f.names.register_as(f.a, "x", 1));
  REQUIRE(f.names.standby("x", f.b, 2));
  REQUIRE(f.topics.register_as(f.a, "t", 1));
  REQUIRE(kill_and_wait(f.a));
  CHECK(f.names.whereis("x") == f.b);
  CHECK(eventually([&] { return f.topics.count() == 0; }));
  CHECK(code_of(f.names.register_as(f.a, "y")) == "dead_actor");
}

TEST_CASE("a weak entry of a typed actor goes with its last handle") {
  world w;
  names_of_adders names{w.sys, {.hold = cafreg::hold::weak}};
  auto who = w.sys.spawn(add);
  REQUIRE(names.register_as(who, "x"));
  CHECK(names.whereis("x") == who);
  who = nullptr;
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("a name stands for a typed actor") {
  fixture f;
  auto name = f.names.via("x");
  CHECK(name.whereis().error() == errc::no_such_name);
  CHECK(name.send(1, 2).error() == errc::no_such_name);
  CHECK(ask(f.sys, name, 1, 2) == -static_cast<int>(errc::no_such_name));
  REQUIRE(f.names.register_as(f.a, "x"));
  CHECK(name.whereis() == f.a);
  CHECK(name.send(1, 2));
  CHECK(ask(f.sys, name, 1, 2) == 3);
  f.names.close();
  CHECK(ask(f.sys, name, 1, 2) == -static_cast<int>(errc::closed));
}

TEST_CASE("a typed actor is spawned under a name") {
  fixture f;
  std::atomic<int> sum{0};
  caf::expected<adder> who{caf::error{}};
  auto expected = 3;
  SECTION("from a function") {
    who = f.names.spawn_as("x", 7, add);
  }
  SECTION("from a function with an argument") {
    auto body = [](adder::pointer, int more) -> adder::behavior_type {
      return {[more](int x, int y) { return x + y + more; }};
    };
    who = f.names.spawn_as("x", 7, body, 10);
    expected = 13;
  }
  SECTION("from a function that finds itself") {
    auto body = [ref = f.names.ref()](adder::pointer self) {
      auto me = ref.whereis("x");
      auto found = me && *me == adder{self} ? 100 : 0;
      return adder::behavior_type{
        [found](int x, int y) { return x + y + found; }};
    };
    who = f.names.spawn_as("x", 7, body);
    expected = 103;
  }
  SECTION("of a class") {
    who = f.names.spawn_as<noting_adder>("x", 7, &sum);
  }
  SECTION("of a class, hidden") {
    who = f.names.spawn_as<noting_adder, caf::hidden>("x", 7, &sum);
  }
  REQUIRE(who);
  CHECK(f.names.lookup("x")->handle() == *who);
  CHECK(f.names.lookup("x")->value() == 7);
  CHECK(ask(f.sys, f.names.via("x"), 1, 2) == expected);
  CHECK(code_of(f.names.spawn_as("x", 7, add)) == "already_registered");
  kill_all<adder>({*who});
}

TEST_CASE("a topic of typed actors is dispatched and published to") {
  fixture f;
  std::atomic<int> sum{0};
  std::vector<adder> noting;
  for (auto i = 0; i < 10; ++i) {
    noting.push_back(f.sys.spawn<noting_adder>(&sum));
    REQUIRE(f.topics.register_as(noting.back(), "t", i));
  }
  CHECK(f.topics.publish("t", 1, 2) == 10);
  CHECK(eventually([&] { return sum == 30; }));
  auto count = f.topics.dispatch("t", [](auto entries) {
    for (auto& x : entries)
      if (x.value() > 7)
        x.send(5, 5);
  });
  CHECK(count == 10);
  CHECK(eventually([&] { return sum == 50; }));
  std::atomic<size_t> seen{0};
  f.topics.dispatch(
    "t",
    [&](auto entries) {
      for (auto& x : entries)
        seen += x.handle() && x.alive() ? 1 : 0;
    },
    cafreg::parallel);
  CHECK(seen == 10);
  std::vector<int> values;
  for (auto& x : f.topics.lookup("t")) {
    CHECK(x.handle() == noting[static_cast<size_t>(x.value())]);
    values.push_back(x.value());
  }
  CHECK(std::accumulate(values.begin(), values.end(), 0) == 45);
  CHECK(f.topics.keys(noting[3]) == std::vector<std::string>{"t"});
  CHECK(f.topics.unregister(noting[3], "t") == size_t{1});
  kill_all(noting);
  CHECK(eventually([&] { return f.topics.count() == 0; }));
}

TEST_CASE("a typed actor is awaited and watched") {
  fixture f;
  auto log = std::make_shared<journal>();
  auto recorder = spawn_recorder(f.sys, log);
  REQUIRE(f.names.watch("x", recorder));
  REQUIRE(f.topics.await("t", recorder, 1h));
  CHECK_FALSE(f.names.add_listener(recorder));
  std::thread other{[&] { std::ignore = f.names.register_as(f.a, "x", 5); }};
  auto found = f.names.await("x", patience);
  other.join();
  REQUIRE(found);
  CHECK(found->handle() == f.a);
  CHECK(f.topics.register_as(f.b, "t", 6));
  auto events = log->wait_for(4);
  CHECK(events[0].holder == 0);
  CHECK(events[1].what == event::kind::registered);
  CHECK(events[1].holder == f.a.id());
  CHECK(events[2].holder == f.a.id());
  CHECK(events[3].what == event::kind::awaited);
  CHECK(events[3].holder == f.b.id());
  auto same = std::make_shared<std::atomic<bool>>(false);
  auto checker
    = f.sys.spawn([same, b = f.b](caf::event_based_actor*) -> caf::behavior {
        return {
          [=](const cafreg::name_state& x) { *same = x.handle<adder>() == b; }};
      });
  REQUIRE(f.names.register_as(f.b, "y", 1));
  REQUIRE(f.names.watch("y", checker));
  CHECK(eventually([&] { return same->load(); }));
  kill(recorder);
  kill(checker);
}

TEST_CASE("what a registry of typed actors gives out can be formatted") {
  fixture f;
  REQUIRE(f.names.register_as(f.a, "x", 5));
  auto who = "actor " + std::to_string(f.a.id());
  CHECK(fmt::format("{}", f.a) == who);
  CHECK(fmt::format("{:>12}", adder{}) == "    no actor");
  CHECK(fmt::format("{}", *f.names.lookup("x")) == "x -> " + who + " (5)");
  CHECK(fmt::format("{}", *f.names.whereis("x")) == who);
  CHECK(fmt::format("{}", f.names.via("x")) == "via adders: x");
}

} // namespace typed_handles_test
