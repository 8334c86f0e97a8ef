// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <map>
#include <tuple>

namespace unique_listeners_test {

using namespace caf_test;

using cafreg::departure;

namespace {

using kind = event::kind;

struct fixture : world {
  journal_ptr log = std::make_shared<journal>();
  caf::actor listener = spawn_recorder(sys, log);
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);
  names_type names{sys, {.name = "app", .listeners = {listener}}};

  ~fixture() {
    names.close();
    for (auto& x : {listener, a, b})
      kill(x);
  }
};

} // namespace

TEST_CASE("a listener is told of each change and its reason") {
  fixture f;
  f.names.register_as(f.a, "x", 1);
  f.names.update_value(f.a, "x", [](int x) { return x + 1; });
  CHECK_FALSE(f.names.give_away("x", f.a, f.b));
  f.names.unregister(f.b, "x");
  f.names.register_as(f.b, "y", 5);
  kill(f.b, caf::exit_reason::user_shutdown);
  REQUIRE(eventually([&] { return f.names.count() == 0; }));
  f.names.register_as(f.a, "z", 7);
  f.names.close();
  auto events = f.log->wait_for(8);
  REQUIRE(events.size() == 8);
  struct expected {
    kind what;
    const char* key;
    caf::actor_id holder;
    int value;
    departure why;
  };
  auto a = f.a.id();
  auto b = f.b.id();
  std::vector<expected> all{
    {kind::registered, "x", a, 1, {}},
    {kind::unregistered, "x", a, 2, departure::given_away},
    {kind::registered, "x", b, 2, {}},
    {kind::unregistered, "x", b, 2, departure::unregistered},
    {kind::registered, "y", b, 5, {}},
    {kind::unregistered, "y", b, 5, departure::down},
    {kind::registered, "z", a, 7, {}},
    {kind::unregistered, "z", a, 7, departure::closed}};
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    CHECK(events[i].what == all[i].what);
    CHECK(events[i].registry == "app");
    CHECK(events[i].key == all[i].key);
    CHECK(events[i].holder == all[i].holder);
    CHECK(events[i].value == all[i].value);
    CHECK(events[i].why == all[i].why);
    if (all[i].why == departure::down)
      CHECK(
        events[i].reason
        == cafreg::detail::make_exit_error(caf::exit_reason::user_shutdown));
    else
      CHECK_FALSE(events[i].reason);
  }
}

TEST_CASE("an event knows the types of its registry") {
  fixture f;
  auto right = std::make_shared<std::atomic<int>>(0);
  auto checker = f.sys.spawn([right](caf::event_based_actor*) -> caf::behavior {
    return {[right](const cafreg::registered& x) {
      if (x.key<std::string>() != nullptr && x.key<int>() == nullptr
          && x.value<int>() != nullptr && x.value<std::string>() == nullptr
          && x.handle() && x.registry() == "app")
        ++*right;
    }};
  });
  CHECK_FALSE(f.names.add_listener(checker));
  f.names.register_as(f.a, "x", 1);
  CHECK(eventually([&] { return *right == 1; }));
  kill(checker);
}

TEST_CASE("an event is sent before the call that makes the change returns") {
  fixture f;
  caf::scoped_actor self{f.sys};
  CHECK_FALSE(f.names.add_listener(caf::actor{self}));
  f.names.register_as(f.a, "x", 1);
  // In the mailbox, hence nothing to wait for.
  auto seen = 0;
  self->receive([&seen](const cafreg::registered&) { ++seen; },
                caf::after(0s) >> [] {});
  f.names.unregister(f.a, "x");
  self->receive([&seen](const cafreg::unregistered&) { ++seen; },
                caf::after(0s) >> [] {});
  CHECK(seen == 2);
  f.names.remove_listener(caf::actor{self});
}

TEST_CASE("when a listener hears of a death, the name is gone") {
  fixture f;
  std::atomic<int> found{0};
  std::atomic<int> heard{0};
  auto checker = f.sys.spawn(
    [&, ref = f.names.ref()](caf::event_based_actor*) -> caf::behavior {
      return {
        [](const cafreg::registered&) {},
        [&, ref](const cafreg::unregistered& x) {
          if (ref.lookup(*x.key<std::string>()))
            ++found;
          ++heard;
        },
      };
    });
  CHECK_FALSE(f.names.add_listener(checker));
  for (auto i = 0; i < 100; ++i)
    f.names.register_as(f.a, std::to_string(i));
  kill(f.a);
  CHECK(eventually([&] { return heard == 100; }));
  CHECK(found == 0);
  kill(checker);
}

TEST_CASE("listeners come and go") {
  fixture f;
  auto log = std::make_shared<journal>();
  auto second = spawn_recorder(f.sys, log);
  f.names.register_as(f.a, "x");
  CHECK_FALSE(f.names.remove_listener(second));
  CHECK_FALSE(f.names.add_listener(second));
  CHECK_FALSE(f.names.add_listener(second)); // once is enough
  f.names.register_as(f.a, "y");
  CHECK(f.names.remove_listener(second));
  CHECK_FALSE(f.names.remove_listener(second));
  f.names.register_as(f.a, "z");
  CHECK(f.log->wait_for(3).size() == 3);
  caf::scoped_actor self{f.sys};
  cafreg::detail::request(self.ptr(), second, patience, 1)
    .receive([](int) {}, [](const caf::error&) {});
  CHECK(log->size() == 1);
  CHECK(f.names.stats().events == 4);
  CHECK(code_of(f.names.add_listener(caf::actor{})) == "null_handle");
  CHECK_FALSE(f.names.remove_listener(caf::actor{}));
  kill(second);
}

TEST_CASE("a listener that comes and goes often is watched once") {
  fixture f;
  auto second = f.sys.spawn(idle);
  for (auto i = 0; i < 10; ++i) {
    CHECK_FALSE(f.names.add_listener(second));
    f.names.remove_listener(second);
  }
  kill(second);
  // The keeper works through down messages in order.
  REQUIRE(kill_and_wait(f.a));
  auto last = f.sys.spawn(idle);
  f.names.register_as(last, "last");
  kill(last);
  REQUIRE(eventually([&] { return f.names.stats().cleanups >= 2; }));
  CHECK(eventually([&] { return f.names.count() == 0; }));
  CHECK(f.names.stats().cleanups == 2);
}

TEST_CASE("a listener that dies is forgotten") {
  fixture f;
  SECTION("later") {
    REQUIRE(kill_and_wait(f.listener));
  }
  SECTION("before it was added") {
    CHECK(f.names.remove_listener(f.listener));
    REQUIRE(kill_and_wait(f.listener));
    CHECK_FALSE(f.names.add_listener(f.listener));
  }
  SECTION("and was a registrant, too") {
    f.names.register_as(f.listener, "x");
    REQUIRE(kill_and_wait(f.listener));
  }
  CHECK(eventually([&] { return f.names.holders().empty(); }));
  auto before = f.names.stats().events;
  f.names.register_as(f.a, "y");
  f.names.unregister(f.a, "y");
  CHECK(f.names.stats().events == before);
}

TEST_CASE("a slow listener holds nobody up and misses nothing") {
  fixture f;
  auto slow = std::make_shared<gate>();
  auto seen = std::make_shared<std::atomic<size_t>>(0);
  auto sleeper = f.sys.spawn<caf::detached>(
    [slow, seen](caf::event_based_actor*) -> caf::behavior {
      return {
        [=](const cafreg::registered&) {
          slow->pass();
          ++*seen;
        },
        [=](const cafreg::unregistered&) { ++*seen; },
      };
    });
  CHECK_FALSE(f.names.add_listener(sleeper));
  const auto rounds = effort(2000, 200);
  for (size_t i = 0; i < rounds; ++i) {
    f.names.register_as(f.a, "x");
    f.names.unregister(f.a, "x");
  }
  CHECK(*seen == 0);
  slow->open();
  CHECK(eventually([&] { return *seen == 2 * rounds; }));
  kill(sleeper);
}

TEST_CASE("a listener may use the registry") {
  fixture f;
  // It answers each departure by taking the name itself.
  auto eager = f.sys.spawn(
    [ref = f.names.ref()](caf::event_based_actor* self) -> caf::behavior {
      return {
        [](const cafreg::registered&) {},
        [ref, self](const cafreg::unregistered& x) {
          ref.register_as(caf::actor{self}, *x.key<std::string>());
        },
      };
    });
  CHECK_FALSE(f.names.add_listener(eager));
  for (auto i = 0; i < 50; ++i)
    f.names.register_as(f.a, std::to_string(i));
  kill(f.a);
  CHECK(eventually([&] { return f.names.keys(eager).size() == 50; }));
  f.names.remove_listener(eager);
  kill(eager);
  CHECK(eventually([&] { return f.names.count() == 0; }));
}

TEST_CASE("a listener may close the registry") {
  fixture f;
  auto closer = f.sys.spawn(
    [ref = f.names.ref()](caf::event_based_actor*) -> caf::behavior {
      return {
        [ref](const cafreg::registered&) { ref.close(); },
        [](const cafreg::unregistered&) {},
      };
    });
  CHECK_FALSE(f.names.add_listener(closer));
  for (auto i = 0; i < 100; ++i)
    f.names.register_as(f.a, std::to_string(i));
  CHECK(eventually([&] { return f.names.closed(); }));
  CHECK(eventually([&] { return f.names.holders().empty(); }));
  // It may have closed after one name or after all of them: as many went as had
  // come, and both listeners were told.
  auto total = f.names.stats().events / 2;
  CHECK(total >= 2);
  std::map<kind, size_t> counts;
  for (auto& x : f.log->wait_for(total))
    ++counts[x.what];
  CHECK(counts[kind::registered] + counts[kind::unregistered] == total);
  CHECK(counts[kind::registered] == counts[kind::unregistered]);
  kill(closer);
}

TEST_CASE("all listeners see the changes of a key in one order") {
  fixture f;
  auto log = std::make_shared<journal>();
  auto second = spawn_recorder(f.sys, log);
  CHECK_FALSE(f.names.add_listener(second));
  const auto rounds = effort(2000, 200);
  in_threads(3, [&](size_t t) {
    auto& who = t == 0 ? f.a : f.b;
    for (size_t i = 0; i < rounds; ++i) {
      f.names.register_as(who, "x", static_cast<int>(t));
      if (t == 2)
        std::ignore = f.names.give_away("x", f.a, f.b);
      f.names.unregister(who, "x");
    }
  });
  auto total = f.names.stats().events / 2;
  auto one = f.log->wait_for(total);
  auto two = log->wait_for(total);
  REQUIRE(one.size() == total);
  REQUIRE(two.size() == total);
  size_t wrong = 0;
  caf::actor_id holder = 0;
  for (size_t i = 0; i < total; ++i) {
    if (one[i].what != two[i].what || one[i].holder != two[i].holder)
      ++wrong;
    if (one[i].what == kind::registered ? holder != 0 : holder != one[i].holder)
      ++wrong;
    holder = one[i].what == kind::registered ? one[i].holder : 0;
  }
  CHECK(wrong == 0);
  kill(second);
}

} // namespace unique_listeners_test
