// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <algorithm>
#include <utility>

// Lists of keys can be sent if CAF knows their type.
CAF_BEGIN_TYPE_ID_BLOCK(messages_test, 2700)

  CAF_ADD_TYPE_ID(messages_test, (std::vector<uint64_t>) )

CAF_END_TYPE_ID_BLOCK(messages_test)

namespace unique_messages_test {

using namespace caf_test;

namespace ask = cafreg::ask;

namespace {

using namespace std::string_literals;

struct fixture : world {
  names_type names{sys, {.name = "app"}};
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);
  caf::scoped_actor self{sys};

  ~fixture() {
    names.close();
    kill(a);
    kill(b);
  }

  // Asks and returns the answer as a tuple, or the code of the error.
  template <class... Answer, class... Ts>
  std::string request(std::tuple<Answer...>& answer, const caf::actor& to,
                      Ts&&... xs) {
    std::string result = "no answer";
    cafreg::detail::request(self.ptr(), to, patience, std::forward<Ts>(xs)...)
      .receive(
        [&](const Answer&... ys) {
          answer = std::tuple<Answer...>{ys...};
          result = "ok";
        },
        [&](const caf::error& err) { result = code_of(err); });
    return result;
  }
};

} // namespace

TEST_CASE("a registry answers messages") {
  fixture f;
  auto front = f.names.actor();
  CHECK(front == f.names.actor());
  std::tuple<caf::actor, bool> done;
  CHECK(f.request(done, front, ask::register_as{}, f.a, "x"s, 5) == "ok");
  CHECK(done == std::tuple{f.a, true});
  CHECK(f.names.lookup("x")->value() == 5);
  CHECK(f.request(done, front, ask::register_as{}, f.b, "x"s, 6) == "ok");
  CHECK(done == std::tuple{f.a, false});
  CHECK(f.request(done, front, ask::register_as{}, f.b, "y"s) == "ok");
  CHECK(f.names.lookup("y")->value() == 0);

  std::tuple<caf::actor, int> found;
  CHECK(f.request(found, front, ask::lookup{}, "x"s) == "ok");
  CHECK(found == std::tuple{f.a, 5});
  CHECK(f.request(found, front, ask::lookup{}, "z"s) == "no_such_name");

  std::tuple<uint64_t> count;
  CHECK(f.request(count, front, ask::count{}) == "ok");
  CHECK(count == std::tuple{uint64_t{2}});
  CHECK(f.request(count, front, ask::count{}, "x"s) == "ok");
  CHECK(count == std::tuple{uint64_t{1}});
  CHECK(f.request(count, front, ask::count{}, "z"s) == "ok");
  CHECK(count == std::tuple{uint64_t{0}});

  std::tuple<bool> yes;
  CHECK(f.request(yes, front, ask::give_away{}, "x"s, f.a, f.b) == "ok");
  CHECK(f.names.whereis("x") == f.b);
  CHECK(f.request(yes, front, ask::give_away{}, "x"s, f.a, f.b)
        == "not_holder");
  CHECK(f.request(yes, front, ask::unregister{}, f.a, "x"s) == "ok");
  CHECK(yes == std::tuple{false});
  CHECK(f.request(yes, front, ask::unregister{}, f.b, "x"s) == "ok");
  CHECK(yes == std::tuple{true});
  CHECK(f.request(count, front, ask::unregister_all{}, f.b) == "ok");
  CHECK(count == std::tuple{uint64_t{1}});
  CHECK(f.names.count() == 0);
  CHECK(f.request(done, front, ask::register_as{}, caf::actor{}, "x"s, 1)
        == "null_handle");
}

TEST_CASE("an actor's names are asked for by message") {
  config cfg;
  cafreg::detail::add_types<caf::id_block::messages_test>(cfg);
  caf::actor_system sys{cfg};
  cafreg::unique_registry<uint64_t, int> names{sys};
  auto a = sys.spawn(idle);
  names.register_as(a, 7);
  names.register_as(a, 9);
  std::vector<uint64_t> keys;
  caf::scoped_actor self{sys};
  cafreg::detail::request(self.ptr(), names.actor(), patience, ask::keys{}, a)
    .receive([&keys](const std::vector<uint64_t>& xs) { keys = xs; },
             [](const caf::error&) {});
  std::sort(keys.begin(), keys.end());
  CHECK(keys == std::vector<uint64_t>{7, 9});
  kill(a);
}

TEST_CASE("names are awaited and watched by message") {
  fixture f;
  auto front = f.names.actor();
  std::tuple<caf::actor, int> found;
  SECTION("one that is there") {
    f.names.register_as(f.a, "x", 5);
    CHECK(f.request(found, front, ask::await{}, "x"s, caf::timespan{1h})
          == "ok");
    CHECK(found == std::tuple{f.a, 5});
  }
  SECTION("one that comes") {
    auto pending = cafreg::detail::request(
      f.self.ptr(), front, patience, ask::await{}, "x"s, caf::timespan{1h});
    REQUIRE(eventually([&] { return f.names.holders().size() == 1; }));
    f.names.register_as(f.a, "x", 6);
    auto seen = 0;
    std::move(pending).receive(
      [&](const caf::actor& who, int value) {
        if (who == f.a)
          seen = value;
      },
      [](const caf::error&) {});
    CHECK(seen == 6);
  }
  SECTION("one that does not come") {
    CHECK(f.request(found, front, ask::await{}, "x"s, caf::timespan{1ms})
          == "timeout");
  }
  SECTION("one of a registry that closes") {
    auto pending = cafreg::detail::request(
      f.self.ptr(), front, patience, ask::await{}, "x"s, caf::timespan{1h});
    REQUIRE(eventually([&] { return f.names.holders().size() == 1; }));
    f.names.close();
    std::string answer;
    std::move(pending).receive([](const caf::actor&, int) {},
                               [&](const caf::error& err) {
                                 answer = code_of(err);
                               });
    CHECK(answer == "closed");
  }
  SECTION("watched") {
    auto log = std::make_shared<journal>();
    auto watcher = spawn_recorder(f.sys, log);
    std::tuple<uint64_t> id;
    CHECK(f.request(id, front, ask::watch{}, "x"s, watcher) == "ok");
    f.names.register_as(f.a, "x", 5);
    auto events = log->wait_for(2);
    REQUIRE(events.size() == 2);
    CHECK(events[0].holder == 0);
    CHECK(events[1].holder == f.a.id());
    kill(watcher);
  }
}

TEST_CASE("a registry without values answers without them") {
  world w;
  cafreg::unique_registry<std::string> names{w.sys};
  auto a = w.sys.spawn(idle);
  names.register_as(a, "x");
  caf::scoped_actor self{w.sys};
  auto answers = 0;
  auto note = [&](const caf::actor& who) { answers += who == a ? 1 : 0; };
  auto fail = [](const caf::error&) {};
  cafreg::detail::request(self.ptr(), names.actor(), patience, ask::lookup{},
                          "x"s)
    .receive(note, fail);
  cafreg::detail::request(self.ptr(), names.actor(), patience, ask::await{},
                          "x"s, caf::timespan{1s})
    .receive(note, fail);
  CHECK(answers == 2);
  kill(a);
}

// -- via ----------------------------------------------------------------------

TEST_CASE("a name stands for whoever holds it") {
  fixture f;
  auto name = f.names.via("x");
  CHECK(name.key() == "x");
  CHECK(name.registry().name() == "app");
  CHECK(name.whereis().error() == cafreg::errc::no_such_name);
  CHECK(name.send(1).error() == cafreg::errc::no_such_name);
  std::atomic<int> one{0};
  std::atomic<int> two{0};
  auto adder = [](std::atomic<int>& sum) {
    return [&sum](caf::event_based_actor*) -> caf::behavior {
      return {[&sum](int x) { return sum += x; }};
    };
  };
  auto first = f.names.spawn_as("x", 1, adder(one));
  REQUIRE(first);
  CHECK(name.whereis() == *first);
  CHECK(name.send(5));
  CHECK(eventually([&] { return one == 5; }));
  REQUIRE(kill_and_wait(*first));
  CHECK_FALSE(name.send(5));
  auto second = f.names.spawn_as("x", 1, adder(two));
  auto copy = name;
  CHECK(copy.send(7));
  CHECK(eventually([&] { return two == 7; }));
  CHECK(one == 5);
  kill(*second);
}

TEST_CASE("a request to a name is answered in any case") {
  fixture f;
  auto name = f.names.via("x");
  auto answer = 0;
  std::string text;
  auto take = [&](int x) { answer = x; };
  auto fail = [&](const caf::error& err) { text = cafreg::to_text(err); };
  SECTION("by its holder") {
    f.names.register_as(f.a, "x");
    name.request(f.self.ptr(), patience, 5).receive(take, fail);
    CHECK(answer == 5);
  }
  SECTION("by an error if nobody holds it") {
    name.request(f.self.ptr(), patience, 5).receive(take, fail);
    CHECK(text == "registry app: key x: nobody holds it");
  }
  SECTION("by an error if the holder is dead") {
    f.names.register_as(f.a, "x");
    REQUIRE(kill_and_wait(f.a));
    name.request(f.self.ptr(), patience, 5).receive(take, fail);
    CHECK(text == "registry app: key x: nobody holds it");
  }
  SECTION("by an error if the registry is closed") {
    f.names.close();
    name.request(f.self.ptr(), patience, 5).receive(take, fail);
    CHECK(text == "registry app: key x: the registry is closed");
  }
  SECTION("from within an actor") {
    auto done = std::make_shared<gate>();
    f.names.register_as(f.a, "y");
    auto sum = std::make_shared<std::atomic<int>>(0);
    f.sys.spawn([=, other = f.names.via("y")](caf::event_based_actor* me) {
      name.request(me, patience, 5)
        .then([](int) {},
              [=](const caf::error& err) {
                *sum += cafreg::is(err, cafreg::errc::no_such_name) ? 1 : 0;
                done->open();
              });
      other.request(me, patience, 10).then([=](int x) { *sum += x; });
    });
    done->pass();
    CHECK(eventually([&] { return *sum == 11; }));
  }
  // What answered is gone.
  CHECK(eventually([&] {
    auto expected = dead(f.a) ? 1u : 2u;
    return running_actors(f.sys) <= expected + 1;
  }));
}

} // namespace unique_messages_test
