// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include <tuple>

#include "catch.hpp"

namespace closing_test {

using namespace gen_test;

using cafreg::errc;

namespace {

/// A factory for workers that are counted and must be killed.
auto counted_stubborn(census_ptr in) {
  return [in](caf::actor_system& sys, const auto&) {
    auto me = std::make_shared<citizen>(in);
    return sys.spawn([me](caf::event_based_actor* self) -> caf::behavior {
      return cafreg::detail::ignoring_exits(self, {[me](int x) { return x; }});
    });
  };
}

} // namespace

TEST_CASE("a stopped worker is gone") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, idle};
  for (auto i = 0; i < 100; ++i) {
    auto who = workers.lookup_or_start("a");
    REQUIRE(who);
    REQUIRE(workers.stop("a"));
    CHECK(dead(*who));
    CHECK(workers.count() == 0);
  }
  CHECK(code_of(workers.stop("a")) == "no_such_name");
  CHECK(workers.stats().stops == 100);
  CHECK(workers.stats().kills == 0);
}

TEST_CASE("no worker overlaps its predecessor") {
  world w;
  place here;
  auto all = std::make_shared<census>();
  workers_type workers{w.sys,
                       {.name = "workers"},
                       [&](caf::actor_system& sys, const std::string&) {
                         return here.settle(sys, all);
                       }};
  std::atomic<bool> over{false};
  std::thread starter{[&] {
    while (!over)
      if (auto who = workers.lookup_or_start("a"))
        tell(*who, 1);
  }};
  for (auto i = 0; i < 300; ++i) {
    while (!workers.stop("a"))
      std::this_thread::yield();
  }
  over = true;
  starter.join();
  CHECK_FALSE(here.crowded());
  workers.close();
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("a worker that ignores its exit is killed") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, stubborn};
  auto who = workers.lookup_or_start("a");
  REQUIRE(who);
  REQUIRE(workers.stop(
    "a", cafreg::detail::make_exit_error(caf::exit_reason::user_shutdown),
    10ms));
  CHECK(dead(*who));
  CHECK(workers.stats().kills == 1);
}

TEST_CASE("a worker learns why it is stopped") {
  world w;
  auto told = std::make_shared<journal>();
  auto listener = spawn_recorder(w.sys, told);
  cafreg::gen_registry<std::string, caf::actor, int> workers{
    w.sys, {.listeners = {listener}}, idle};
  REQUIRE(workers.lookup_or_start("a"));
  REQUIRE(workers.stop("a", cafreg::detail::make_exit_error(
                              caf::exit_reason::remote_link_unreachable)));
  auto events = told->wait_for(2);
  REQUIRE(events.size() == 2);
  CHECK(events[1].reason == caf::exit_reason::remote_link_unreachable);
  workers.close();
  kill(listener);
}

TEST_CASE("a worker can be stopped normally") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, idle};
  REQUIRE(workers.lookup_or_start("a"));
  REQUIRE(workers.stop(
    "a", cafreg::detail::make_exit_error(caf::exit_reason::normal)));
  CHECK_FALSE(workers.whereis("a"));
  CHECK(workers.stats().kills == 0);
}

TEST_CASE("a worker is not waited for in an actor") {
  world w{1};
  workers_type workers{w.sys, {.name = "workers"}, idle};
  REQUIRE(workers.lookup_or_start("a"));
  std::string code;
  run_in_actor(w.sys, [&](auto*) { code = code_of(workers.stop("a")); });
  CHECK(code == "would_block");
  CHECK(workers.whereis("a"));
}

TEST_CASE("an actor is told when a worker is gone") {
  world w{1};
  auto told = std::make_shared<journal>();
  auto observer = spawn_recorder(w.sys, told);
  cafreg::gen_registry<std::string, caf::actor, int> workers{
    w.sys, {.name = "workers"}, idle};
  auto who = workers.lookup_or_start("a");
  REQUIRE(who);
  run_in_actor(w.sys, [&](auto*) {
    CHECK(workers.begin_stop("a", observer));
    CHECK(code_of(workers.begin_stop("b", observer)) == "no_such_name");
    CHECK(code_of(workers.begin_stop("a", caf::actor{})) == "null_handle");
  });
  auto events = told->wait_for(1);
  REQUIRE(events.size() == 1);
  CHECK(events[0].what == event::kind::unregistered);
  CHECK(events[0].registry == "workers");
  CHECK(events[0].key == "a");
  CHECK(events[0].holder == who->id());
  CHECK(events[0].reason == caf::exit_reason::user_shutdown);
  CHECK(dead(*who));
  CHECK(workers.count() == 0);
  CHECK(code_of(workers.begin_stop("a")) == "no_such_name");
  REQUIRE(workers.lookup_or_start("a"));
  CHECK(workers.begin_stop("a"));
  CHECK(eventually([&] { return workers.count() == 0; }));
  kill(observer);
}

TEST_CASE("closing ends all workers") {
  world w;
  auto all = std::make_shared<census>();
  cafreg::gen_registry<int> workers{w.sys, {}, counted(all)};
  std::vector<caf::actor> handles;
  for (auto i = 0; i < 1000; ++i)
    handles.push_back(*workers.lookup_or_start(i));
  CHECK(workers.holders().size() == 1000);
  CHECK(workers.close());
  for (auto& x : handles)
    REQUIRE(dead(x));
  CHECK(workers.close());
  CHECK(workers.closed());
  CHECK(workers.count() == 0);
  CHECK(workers.holders().empty());
  handles.clear();
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("a closed registry says so to every call") {
  world w;
  workers_type workers{w.sys, {.name = "workers"}, idle};
  auto who = workers.lookup_or_start("a");
  REQUIRE(who);
  auto ref = workers.ref();
  workers.close();
  CHECK(code_of(ref.lookup_or_start("a")) == "closed");
  CHECK(code_of(ref.start("a")) == "closed");
  CHECK(ref.lookup("a").error() == errc::closed);
  CHECK(ref.whereis("a").error() == errc::closed);
  CHECK(ref.sample().error() == errc::closed);
  CHECK(code_of(ref.send("a", 1)) == "closed");
  CHECK(code_of(ref.stop("a")) == "closed");
  CHECK(code_of(ref.begin_stop("a")) == "closed");
  CHECK(code_of(ref.update_value("a", [](auto x) { return x; })) == "closed");
  CHECK(code_of(ref.await("a", 1h)) == "closed");
  CHECK(ref.to_list().empty());
  CHECK(ref.which_children().empty());
  CHECK(ref.count() == 0);
  CHECK(ref.ids(*who).empty());
  CHECK_FALSE(ref.touch("a"));
  caf::scoped_actor self{w.sys};
  caf::error why;
  ref.request(self, "a", patience, 1)
    .receive([](int) {}, [&](const caf::error& err) { why = err; });
  CHECK(why == errc::closed);
}

TEST_CASE("closing kills workers that ignore their exit") {
  world w;
  auto all = std::make_shared<census>();
  cafreg::gen_registry<int> workers{
    w.sys, {.stop_timeout = 10ms}, counted_stubborn(all)};
  std::vector<caf::actor> handles;
  for (auto i = 0; i < 10; ++i)
    handles.push_back(*workers.lookup_or_start(i));
  CHECK(workers.close());
  for (auto& x : handles)
    CHECK(dead(x));
  CHECK(workers.stats().kills == 10);
}

TEST_CASE("closing in an actor waits for nobody") {
  world w{1};
  auto all = std::make_shared<census>();
  cafreg::gen_registry<int> workers{
    w.sys, {.stop_timeout = 10ms}, counted_stubborn(all)};
  for (auto i = 0; i < 10; ++i)
    REQUIRE(workers.lookup_or_start(i));
  std::string code;
  run_in_actor(w.sys, [&](auto*) { code = code_of(workers.close()); });
  CHECK(code == "would_block");
  // A thread may wait for what the actor has begun.
  CHECK(workers.close());
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("a registry that an actor owns ends with it") {
  world w{1};
  auto all = std::make_shared<census>();
  auto owner
    = w.sys.spawn([all](caf::event_based_actor* self) -> caf::behavior {
        auto workers = std::make_shared<cafreg::gen_registry<int>>(
          self->system(), cafreg::gen_registry_options{}, counted(all));
        return {[workers](int id) {
          static_cast<void>(workers->lookup_or_start(id));
          return id;
        }};
      });
  for (auto i = 0; i < 10; ++i)
    tell(owner, i);
  CHECK(eventually([&] { return all->living() == 10; }));
  kill(owner);
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("closing waits for starts under way") {
  world w;
  auto all = std::make_shared<census>();
  gate slow;
  cafreg::gen_registry<int> workers{
    w.sys, {}, [&](caf::actor_system& sys, int) {
      slow.pass();
      return spawn_holding(sys, std::make_shared<citizen>(all));
    }};
  std::string code;
  std::thread starter{[&] { code = code_of(workers.lookup_or_start(1)); }};
  REQUIRE(slow.wait_for(1));
  std::atomic<int> closed{0};
  std::vector<std::thread> closers;
  for (auto i = 0; i < 3; ++i)
    closers.emplace_back([&] {
      workers.close();
      ++closed;
    });
  CHECK(eventually([&] { return workers.closed(); }));
  CHECK(closed == 0);
  slow.open();
  starter.join();
  for (auto& x : closers)
    x.join();
  CHECK(code == "closed");
  CHECK(eventually([&] { return all->living() == 0; }));
}

TEST_CASE("two factories that close their registry both end") {
  world w;
  gate both;
  std::optional<cafreg::gen_registry_ref<int>> ref;
  cafreg::gen_registry<int> workers{
    w.sys, {}, [&](caf::actor_system& sys, int) {
      both.pass();
      ref->close();
      return sys.spawn(idle);
    }};
  ref = workers.ref();
  std::vector<std::string> codes(2);
  in_threads(2, [&](size_t t) {
    if (t == 1 && both.wait_for(1))
      both.open();
    codes[t] = code_of(workers.lookup_or_start(static_cast<int>(t)));
  });
  CHECK(codes == std::vector<std::string>{"closed", "closed"});
  ref.reset();
}

TEST_CASE("closing beside everything else") {
  for (auto round = 0; round < 20; ++round) {
    world w;
    auto all = std::make_shared<census>();
    {
      cafreg::gen_registry<int> workers{w.sys, {}, counted(all)};
      std::thread closer;
      in_threads(3, [&, ref = workers.ref()](size_t t) {
        for (auto i = 0; i < 300; ++i) {
          if (t == 0 && i == 100 + round)
            closer = std::thread{[&] { workers.close(); }};
          auto id = (i * 7 + static_cast<int>(t)) % 50;
          static_cast<void>(ref.lookup_or_start(id));
          ref.send(id, 1);
          if (i % 5 == 0)
            ref.stop(id);
          if (i % 17 == 0)
            ref.begin_stop(id);
        }
      });
      closer.join();
      CHECK(workers.count() == 0);
    }
    CHECK(eventually([&] { return all->living() == 0; }));
  }
}

// What hidden actors have not handled by then, they never will: the keeper has
// more to do than it does in one go.
TEST_CASE("a registry that is closed as its system ends leaves nothing") {
  auto token = std::make_shared<int>();
  for (auto round = 0; round < 100; ++round) {
    world w{1};
    cafreg::gen_registry<int> workers{
      w.sys, {}, [token](caf::actor_system& sys, int) {
        return sys.spawn(idle);
      }};
    for (auto i = 0; i < 200; ++i) {
      caf::scoped_actor mortal{w.sys, true};
      REQUIRE_FALSE(workers.add_listener(caf::actor_cast<caf::actor>(mortal)));
    }
  }
  CHECK(token.use_count() == 1);
}

// It is killed as soon as it is made, but still busy when the others go.
TEST_CASE("a registry is gone though its last worker came after its end") {
  world w;
  auto token = std::make_shared<int>(0);
  std::weak_ptr<int> registry = token;
  {
    std::optional<workers_ref> ref;
    std::atomic<bool> busy{false};
    std::atomic<bool> alone{false};
    auto late = [&](caf::event_based_actor*) -> caf::behavior {
      return {[&](int) {
        busy = true;
        std::ignore = eventually([&] { return alone.load(); });
      }};
    };
    auto factory = [&, token](caf::actor_system& sys, const std::string& id) {
      if (id == "first")
        return sys.spawn(stubborn);
      CHECK(code_of(ref->close()) == "would_block");
      auto who = sys.spawn(late);
      tell(who, 1);
      CHECK(eventually([&] { return busy.load(); }));
      return who;
    };
    token.reset();
    workers_type workers{w.sys, {.name = "workers"}, std::move(factory)};
    ref = workers.ref();
    auto first = *workers.lookup_or_start("first");
    CHECK(workers.lookup_or_start("late").error() == errc::closed);
    kill(first);
    CHECK(eventually([&] { return dead(first); }));
    CHECK_FALSE(registry.expired());
    alone = true;
  }
  // Its supervisor was stopped, and lets go of it.
  CHECK(eventually([&] { return registry.expired(); }));
}

} // namespace closing_test
