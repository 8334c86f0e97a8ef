// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/duplicate_registry.hpp"

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <caf/typed_actor.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace duplicate_registry_test {

using namespace caf_test;
using namespace std::literals;

using cafreg::departure;
using cafreg::errc;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

using view = topics_type::view_type;

struct fixture : world {
  explicit fixture(cafreg::registry_options options = {.name = "topics",
                                                       .partitions = 2},
                   size_t workers = 0)
    : world(workers), topics(sys, std::move(options)) {
    // nop
  }

  ~fixture() {
    topics.close();
    for (auto& x : {a, b, c})
      kill(x);
  }

  topics_type topics;
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);
  caf::actor c = sys.spawn(idle);
};

cafreg::registry_options by_key() {
  return {.name = "topics",
          .partitions = 2,
          .partition_by = cafreg::partition_by::key};
}

using pairs = std::vector<std::pair<caf::actor, int>>;

pairs sorted(pairs xs) {
  std::sort(xs.begin(), xs.end(), [](auto& x, auto& y) {
    return std::pair{x.first.id(), x.second}
           < std::pair{y.first.id(), y.second};
  });
  return xs;
}

pairs look(const auto& topics, std::string_view key) {
  pairs result;
  for (auto& x : topics.lookup(key))
    result.emplace_back(x.handle(), x.value());
  return sorted(result);
}

template <class T>
std::vector<T> sorted(std::vector<T> xs) {
  std::sort(xs.begin(), xs.end());
  return xs;
}

using ints = std::vector<int>;

} // namespace

TEST_CASE("many actors register under one key") {
  fixture f{GENERATE(0, 1) == 0 ? by_key()
                                : cafreg::registry_options{.partitions = 3}};
  auto& topics = f.topics;
  CHECK(topics.register_as(f.a, "x", 1));
  CHECK(topics.register_as(f.b, "x", 2));
  CHECK(topics.register_as(f.a, "x", 3));
  CHECK(topics.register_as(f.a, "y", 4));
  CHECK(look(topics, "x") == sorted({{f.a, 1}, {f.b, 2}, {f.a, 3}}));
  CHECK(look(topics, "z").empty());
  CHECK(topics.lookup("y").front().key() == "y");
  CHECK(sorted(topics.values("x", f.a)) == ints{1, 3});
  CHECK(topics.values("x", f.c).empty());
  CHECK(topics.values("x", caf::actor{}).empty());
  CHECK(sorted(topics.keys(f.a)) == std::vector<std::string>{"x", "x", "y"});
  CHECK(topics.keys(f.c).empty());
  CHECK(topics.keys(caf::actor{}).empty());
  CHECK(topics.count() == 4);
  CHECK(topics.count("x") == 3);
  CHECK(topics.count("z") == 0);
  CHECK(topics.count_if("x", [](int x) { return x > 1; }) == 2);
  CHECK(topics.match("x", [](int x) { return x == 3; }).front().handle()
        == f.a);
  auto found = topics.select([](const view& x) { return x.key() == "x"; },
                             [](const view& x) { return x.value(); });
  CHECK(sorted(found) == ints{1, 2, 3});
  ints visited;
  CHECK(topics.visit("x", [&](const view& x) {
    visited.push_back(x.value());
    CHECK(x.alive());
    CHECK((x.handle() == f.a || x.handle() == f.b));
    CHECK(x.id() == x.handle().id());
  }) == 3);
  CHECK(sorted(visited) == ints{1, 2, 3});
  auto stats = topics.stats();
  CHECK(stats.entries == 4);
  CHECK(stats.keys == 2);
  CHECK(stats.registrants == 2);
  CHECK(stats.lookups > 0);
}

TEST_CASE("entries are unregistered by key, by predicate, all at once") {
  fixture f;
  auto& topics = f.topics;
  for (auto i = 0; i < 10; ++i) {
    topics.register_as(f.a, "x", i);
    topics.register_as(f.a, "y", i);
  }
  topics.register_as(f.b, "x", 100);
  CHECK(topics.unregister(f.b, "y") == 0u);
  CHECK(topics.unregister(f.c, "x") == 0u);
  CHECK(topics.unregister(caf::actor{}, "x") == 0u);
  CHECK(topics.unregister_if(f.a, "x", [](int x) { return x < 3; }) == 3u);
  CHECK(topics.unregister_if(f.a, "z", [](int) { return true; }) == 0u);
  CHECK(sorted(topics.values("x", f.a)) == ints{3, 4, 5, 6, 7, 8, 9});
  CHECK(topics.unregister(f.a, "x") == 7u);
  CHECK(look(topics, "x") == pairs{{f.b, 100}});
  CHECK(topics.unregister_all(f.a) == 10u);
  CHECK(topics.unregister_all(f.a) == 0u);
  CHECK(topics.count() == 1);
  CHECK(topics.stats().removals == 20);
}

TEST_CASE("what cannot be registered is refused with a reason") {
  fixture f{{.name = "topics", .max_key_size = 10}};
  CHECK(code_of(f.topics.register_as(caf::actor{}, "x")) == "null_handle");
  CHECK(code_of(f.topics.register_as(f.a, "12345678901")) == "key_too_large");
  CHECK(f.topics.register_as(f.a, "1234567890"));
  REQUIRE(kill_and_wait(f.a));
  auto refused = f.topics.register_as(f.a, "x");
  CHECK(code_of(refused) == "dead_actor");
  CHECK(cafreg::to_text(refused.error())
        == "registry topics: key x: the actor has terminated");
  CHECK(code_of(f.topics.await("12345678901", 1s)) == "key_too_large");
  CHECK(code_of(f.topics.await("x", caf::actor{}, 1s)) == "null_handle");
}

TEST_CASE("the entries of a dead actor vanish, and are skipped before") {
  fixture f{{.name = "topics", .partitions = 2}, 1};
  auto& topics = f.topics;
  auto victim = f.sys.spawn<caf::detached>(idle);
  for (auto i = 0; i < 3; ++i) {
    topics.register_as(victim, "x", i);
    topics.register_as(f.b, "x", 10 + i);
  }
  topics.register_as(victim, "y", 1);
  {
    busy keepers{f.sys}; // none of them gets to clean up
    REQUIRE(kill_and_wait(victim));
    CHECK(topics.count() == 7);
    CHECK(topics.count("x") == 6);
    CHECK(look(topics, "x") == sorted({{f.b, 10}, {f.b, 11}, {f.b, 12}}));
    CHECK(topics.count_if("x", [](int) { return true; }) == 3);
    CHECK(topics.match("x", [](int x) { return x < 10; }).empty());
    CHECK(topics.values("x", victim).empty());
    CHECK(topics.keys(victim).empty());
    auto all = topics.select([](const view&) { return true; },
                             [](const view& x) { return x.value(); });
    CHECK(sorted(all) == ints{10, 11, 12});
    size_t alive = 0;
    CHECK(topics.visit("x", [&](const view& x) { alive += x.alive(); }) == 6);
    CHECK(alive == 3);
    CHECK(code_of(topics.await("y", 0s)) == "timeout");
  }
  CHECK(eventually([&] { return topics.stats().cleanups == 1; }));
  CHECK(topics.count() == 3);
  CHECK(topics.stats().keys == 1);
  CHECK(topics.stats().registrants == 1);
}

TEST_CASE("listeners learn of every entry, in order, with the reason") {
  world w;
  auto log = std::make_shared<journal>();
  auto late = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, log);
  auto second = spawn_recorder(w.sys, late);
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  {
    topics_type topics{w.sys, {.name = "news", .listeners = {listener}}};
    topics.register_as(a, "x", 1);
    topics.register_as(a, "x", 2);
    CHECK_FALSE(topics.add_listener(second));
    CHECK(topics.add_listener(caf::actor{}));
    topics.register_as(b, "x", 3);
    topics.unregister(a, "x");
    topics.register_as(a, "x", 4);
    kill(a, caf::exit_reason::user_shutdown);
    log->wait_for(7);
    CHECK(topics.remove_listener(second));
    CHECK_FALSE(topics.remove_listener(second));
  }
  auto events = log->wait_for(8);
  REQUIRE(events.size() == 8);
  using kind = event::kind;
  std::vector<std::tuple<kind, int, departure>> seen;
  for (auto& x : events) {
    CHECK(x.registry == "news");
    CHECK(x.key == "x");
    CHECK(x.holder == (x.value == 3 ? b.id() : a.id()));
    seen.emplace_back(x.what, *x.value, x.why);
  }
  CHECK((seen
         == decltype(seen){{kind::registered, 1, {}},
                           {kind::registered, 2, {}},
                           {kind::registered, 3, {}},
                           {kind::unregistered, 1, departure::unregistered},
                           {kind::unregistered, 2, departure::unregistered},
                           {kind::registered, 4, {}},
                           {kind::unregistered, 4, departure::down},
                           {kind::unregistered, 3, departure::closed}}));
  CHECK(events[6].reason == caf::exit_reason::user_shutdown);
  CHECK(late->wait_for(5).size() == 5);
  for (auto& x : {b, listener, second})
    kill(x);
}

TEST_CASE("await is answered with an entry, now or later") {
  fixture f{GENERATE(0, 1) == 0 ? by_key()
                                : cafreg::registry_options{.partitions = 3}};
  auto log = std::make_shared<journal>();
  auto waiter = spawn_recorder(f.sys, log);
  SECTION("an actor waits") {
    auto first = f.topics.await("x", waiter, 1h);
    REQUIRE(first);
    CHECK(log->size() == 0);
    f.topics.register_as(f.a, "x", 7);
    CHECK(log->wait_for(1).front().holder == f.a.id());
    auto second = f.topics.await("x", waiter, 1h);
    REQUIRE(second);
    auto events = log->wait_for(2);
    CHECK(events[0].value == 7);
    CHECK(events[0].id == first->id());
    CHECK(events[1].value == 7);
    CHECK(events[1].id == second->id());
  }
  SECTION("a thread waits") {
    std::thread helper{[&] {
      f.topics.register_as(f.a, "y", 1);
      f.topics.register_as(f.b, "x", 8);
    }};
    auto found = f.topics.await("x", 1h);
    helper.join();
    REQUIRE(found);
    CHECK(found->handle() == f.b);
    CHECK(found->value() == 8);
    CHECK(found->key() == "x");
    CHECK(f.topics.await("x", 0s)->value() == 8);
  }
  SECTION("in vain") {
    CHECK(code_of(f.topics.await("x", 1ms)) == "timeout");
    f.topics.await("x", waiter, 1ms);
    CHECK(cafreg::is(log->wait_for(1)[0].reason, errc::timeout));
    auto wish = f.topics.await("x", waiter, 1h);
    CHECK(wish->cancel());
    CHECK_FALSE(wish->cancel());
    CHECK(cafreg::is(log->wait_for(2)[1].reason, errc::cancelled));
    f.topics.await("x", waiter, 1h);
    std::thread closer{[&] {
      wait_until([&] { return f.topics.holders().size() == 1; });
      f.topics.close();
    }};
    CHECK(code_of(f.topics.await("x", 1h)) == "closed");
    closer.join();
    CHECK(cafreg::is(log->wait_for(3)[2].reason, errc::closed));
  }
  SECTION("an actor's thread does not wait, but may ask") {
    run_in_actor(f.sys, [&](caf::event_based_actor*) {
      CHECK(code_of(f.topics.await("x", 1h)) == "would_block");
      f.topics.register_as(f.a, "x", 9);
      CHECK(f.topics.await("x", 1h)->value() == 9);
    });
  }
  kill(waiter);
}

TEST_CASE("a closed registry says so, whatever it is asked") {
  fixture f;
  auto ref = f.topics.ref();
  f.topics.register_as(f.a, "x", 1);
  ref.put_meta("color", "red"s);
  CHECK(ref.meta<std::string>("color") == "red");
  CHECK_FALSE(ref.meta<int>("color"));
  CHECK(ref.delete_meta("color"));
  CHECK_FALSE(ref.delete_meta("color"));
  CHECK(ref.name() == "topics");
  CHECK(&ref.system() == &f.sys);
  CHECK(ref.with_lock("x", [] { return 5; }) == 5);
  CHECK(code_of(ref.with_lock("x",
                              [&] {
                                return code_of(
                                         ref.with_lock("x", [] { return 1; }))
                                       == "would_deadlock";
                              }))
        == "no error");
  auto held = ref.holders();
  REQUIRE(held.size() == 1);
  CHECK(held[0].id == f.a.id());
  CHECK(held[0].entries == 1);
  CHECK_FALSE(ref.closed());
  ref.close();
  ref.close();
  CHECK(f.topics.closed());
  CHECK(code_of(ref.register_as(f.a, "x")) == "closed");
  CHECK(code_of(ref.unregister(f.a, "x")) == "closed");
  CHECK(code_of(ref.unregister_if(f.a, "x", [](int) { return true; }))
        == "closed");
  CHECK(code_of(ref.unregister_all(f.a)) == "closed");
  CHECK(code_of(ref.await("x", 1h)) == "closed");
  CHECK(code_of(ref.await("x", f.a, 1h)) == "closed");
  CHECK(code_of(ref.add_listener(f.a)) == "closed");
  CHECK(code_of(ref.with_lock("x", [] { return 1; })) == "closed");
  CHECK_FALSE(ref.put_meta("a", 1));
  CHECK(ref.lookup("x").empty());
  CHECK(ref.keys(f.a).empty());
  CHECK(ref.count() == 0);
  CHECK(ref.publish("x", 1) == 0);
  CHECK(ref.dispatch("x", [](auto) { FAIL(); }) == 0);
  CHECK(ref.dispatch(
          "x", [](auto) { FAIL(); }, cafreg::parallel)
        == 0);
  CHECK(ref.holders().empty());
}

TEST_CASE("a registry keeps its actors, unless its entries are weak") {
  world w;
  auto alive = std::make_shared<int>(1);
  std::weak_ptr<int> watch = alive;
  SECTION("strong") {
    topics_type topics{w.sys, {}};
    topics.register_as(spawn_holding(w.sys, std::exchange(alive, nullptr)),
                       "x");
    CHECK(topics.lookup("x").size() == 1);
    CHECK_FALSE(watch.expired());
    topics.close();
    CHECK(eventually([&] { return watch.expired(); }));
  }
  SECTION("weak") {
    topics_type topics{w.sys, {.hold = cafreg::hold::weak}};
    auto other = w.sys.spawn(idle);
    {
      auto first = spawn_holding(w.sys, std::exchange(alive, nullptr));
      topics.register_as(first, "x", 1);
      topics.register_as(first, "x", 2);
      topics.register_as(other, "x", 3);
      CHECK(topics.lookup("x").size() == 3);
      CHECK(topics.publish("x", 5) == 3);
      CHECK(topics.holders().empty());
    }
    CHECK(eventually([&] { return watch.expired(); }));
    CHECK(eventually([&] { return topics.count() == 1; }));
    CHECK(look(topics, "x") == pairs{{other, 3}});
    kill(other);
  }
  SECTION("a callback keeps them") {
    topics_type topics{w.sys, {.partitions = 2}};
    topics.register_as(spawn_holding(w.sys, std::exchange(alive, nullptr)),
                       "x");
    topics.dispatch("x", [&](auto entries) {
      topics.close();
      auto n = 0;
      for (auto& x : entries) {
        CHECK(x.alive());
        CHECK(x.key() == "x");
        ++n;
      }
      CHECK(n == 1);
      CHECK_FALSE(watch.expired());
    });
    CHECK(eventually([&] { return watch.expired(); }));
  }
}

TEST_CASE("a program ends beside a registry with idle actors") {
  std::optional<topics_type::super> ref;
  {
    world w;
    topics_type topics{w.sys, {}};
    for (auto i = 0; i < 100; ++i)
      topics.register_as(w.sys.spawn(idle), "x", i);
    ref = topics.ref();
    CHECK(ref->publish("x", 1) == 100);
  }
  CHECK(ref->closed());
  CHECK(ref->count() == 0);
  CHECK(ref->publish("x", 1) == 0);
}

TEST_CASE("keys and handles may be of any type") {
  world w;
  cafreg::duplicate_registry<int> groups{w.sys, {.name = "groups"}};
  auto a = w.sys.spawn(idle);
  groups.register_as(a, 5);
  groups.register_as(a, 5);
  CHECK(groups.lookup(5).size() == 2);
  CHECK(groups.keys(a) == ints{5, 5});
  CHECK(groups.dispatch(5, [](auto entries) {
    for (auto& x : entries)
      CHECK(x.key() == 5);
    CHECK(entries.key() == 5);
  }) == 2);
  using typed = caf::typed_actor<caf::result<void>(int)>;
  cafreg::duplicate_registry<std::string, std::string, typed> typed_groups{
    w.sys, {}};
  CHECK(typed_groups.lookup("x").empty());
  CHECK(code_of(typed_groups.register_as(typed{}, "x", "y")) == "null_handle");
  kill(a);
}

TEST_CASE("messages do what calls do") {
  fixture f;
  caf::scoped_actor self{f.sys};
  auto front = f.topics.actor();
  CHECK(front == f.topics.actor());
  auto ask = [&]<class Result>(Result, auto&&... xs) {
    Result result{};
    cafreg::detail::request(self.ptr(), front, 60s, std::move(xs)...)
      .receive([&](const Result& x) { result = x; },
               [&](const caf::error& err) { FAIL(cafreg::to_text(err)); });
    return result;
  };
  namespace query = cafreg::ask;
  for (auto value : {1, 2})
    cafreg::detail::request(self.ptr(), front, 60s, query::register_as{}, f.a,
                            "x"s, value)
      .receive(
        [&](const caf::actor& who, bool inserted) {
          CHECK(who == f.a);
          CHECK(inserted);
        },
        [&](const caf::error& err) { FAIL(cafreg::to_text(err)); });
  CHECK(ask(uint64_t{}, query::count{}) == 2);
  CHECK(ask(uint64_t{}, query::count{}, "x"s) == 2);
  CHECK(ask(uint64_t{}, query::count{}, "y"s) == 0);
  CHECK(ask(std::vector<caf::actor>{}, query::lookup{}, "x"s)
        == std::vector<caf::actor>{f.a, f.a});
  // Only if CAF can send them.
  [&](auto key) {
    using keys = std::vector<decltype(key)>;
    if constexpr (cafreg::detail::sendable<keys>)
      CHECK(ask(keys{}, query::keys{}, f.a) == keys{key, key});
  }("x"s);
  CHECK(ask(uint64_t{}, query::publish{}, "x"s, caf::make_message(3)) == 2);
  CHECK(ask(bool{}, query::unregister{}, f.a, "x"s));
  CHECK_FALSE(ask(bool{}, query::unregister{}, f.a, "x"s));
  f.topics.register_as(f.b, "x", 1);
  CHECK(ask(uint64_t{}, query::unregister_all{}, f.b) == 1);
  f.topics.close();
  auto late = f.topics.actor();
  cafreg::detail::request(self.ptr(), late, 60s, query::count{})
    .receive([](uint64_t) { FAIL("closed"); },
             [](const caf::error& err) {
               CHECK(cafreg::is(err, errc::closed));
             });
}

} // namespace duplicate_registry_test
