// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "genregistry/gen_helpers.hpp"

#include "cafreg/detail/passivator.hpp"
#include "catch.hpp"

#include <map>
#include <mutex>
#include <new>
#include <random>
#include <stdexcept>
#include <tuple>

namespace passivation_test {

using namespace gen_test;

using cafreg::errc;

namespace {

using ids_type = cafreg::gen_registry<int>;

/// What workers have handled.
class record_book {
public:
  struct line {
    int id;
    int incarnation;
    int sender;
    int number;
  };

  void write(line x) {
    std::lock_guard guard{mutex_};
    lines_.push_back(x);
  }

  size_t size() const {
    std::lock_guard guard{mutex_};
    return lines_.size();
  }

  std::vector<line> lines() const {
    std::lock_guard guard{mutex_};
    return lines_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<line> lines_;
};

/// A factory for workers that write down (sender, number) messages.
auto clerks(record_book& book, std::atomic<int>& born) {
  return [&](caf::actor_system& sys, int id) {
    auto incarnation = ++born;
    return sys.spawn([&book, id, incarnation](caf::event_based_actor*) {
      return caf::behavior{[&book, id, incarnation](int sender, int number) {
        book.write({id, incarnation, sender, number});
        return number;
      }};
    });
  };
}

/// Each number of each sender once, in order, and all of one incarnation before
/// those of the next.
void check_complete(const record_book& book, int senders, int numbers,
                    int ids) {
  std::map<std::pair<int, int>, int> next;
  std::map<int, int> incarnation;
  auto disorder = 0;
  for (auto& x : book.lines()) {
    if (x.number != next[{x.id, x.sender}])
      ++disorder;
    next[{x.id, x.sender}] = x.number + 1;
    if (x.incarnation < incarnation[x.id])
      ++disorder;
    incarnation[x.id] = x.incarnation;
  }
  CHECK(disorder == 0);
  for (auto id = 0; id < ids; ++id)
    for (auto s = 0; s < senders; ++s)
      CHECK(next[{id, s}] == numbers);
}

} // namespace

TEST_CASE("an idle worker leaves, a used one stays") {
  // This thread may get no time for so long that both are idle: then once more,
  // with more time.
  auto stays = false;
  for (auto idle_after = 20ms; !stays; idle_after *= 4) {
    REQUIRE(idle_after < patience);
    world w;
    ids_type workers{w.sys, {.idle_after = idle_after}, idle};
    REQUIRE(workers.lookup_or_start(1));
    auto used = workers.lookup_or_start(2);
    REQUIRE(used);
    CHECK(eventually([&] {
      workers.touch(2);
      return workers.count() < 2;
    }));
    stays = workers.whereis(2) == *used && workers.stats().passivations == 1;
    CHECK(eventually([&] { return workers.count() == 0; }));
    CHECK(dead(*used));
    CHECK(workers.stats().kills == 0);
  }
}

TEST_CASE("every operation that is a use keeps a worker") {
  world w;
  ids_type workers{w.sys, {.idle_after = 1h, .max_workers = 3}, idle};
  using op = std::function<void()>;
  std::vector<op> uses{
    [&] { static_cast<void>(workers.lookup_or_start(0)); },
    [&] { static_cast<void>(workers.lookup(0)); },
    [&] { static_cast<void>(workers.whereis(0)); },
    [&] { workers.send(0, 1); },
    [&] { ask_number(workers, 0, 1); },
    [&] { workers.touch(0); },
  };
  for (auto& use : uses) {
    auto first = workers.lookup_or_start(0);
    auto victim = workers.lookup_or_start(1);
    REQUIRE(workers.lookup_or_start(2));
    use();
    REQUIRE(workers.lookup_or_start(3));
    CHECK(eventually([&] { return dead(*victim); }));
    CHECK_FALSE(dead(*first));
    for (auto id : {0, 1, 2, 3})
      workers.stop(id);
  }
}

TEST_CASE("the least recently used workers leave when there are too many") {
  world w;
  ids_type workers{w.sys, {.max_workers = 10}, idle};
  std::vector<caf::actor> handles;
  for (auto i = 0; i < 100; ++i)
    handles.push_back(*workers.lookup_or_start(i));
  CHECK(eventually([&] { return workers.count() == 10; }));
  for (auto i = 0; i < 100; ++i)
    CHECK(dead(handles[i]) == (i < 90));
  CHECK(workers.stats().passivations == 90);
}

TEST_CASE("messages to a worker that leaves reach its successor") {
  world w;
  record_book book;
  std::atomic<int> born{0};
  gate busy;
  ids_type workers{
    w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, int id) {
      ++born;
      return sys.spawn([&book, &busy, id, n = born.load()](
                         caf::event_based_actor*) -> caf::behavior {
        return {
          [&busy](const std::string&) { busy.pass(); },
          [&book, id, n](int sender, int number) {
            book.write({id, n, sender, number});
            return number;
          },
        };
      });
    }};
  auto first = workers.lookup_or_start(0);
  REQUIRE(first);
  workers.send(0, std::string{"wait"});
  workers.send(0, 0, 0);
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1)); // 0 has to leave
  CHECK(workers.count_children().leaving == 1);
  CHECK(workers.send(0, 0, 1)); // it has its exit before this one
  caf::scoped_actor self{w.sys};
  auto answer = workers.request(self, 0, patience, 0, 2);
  CHECK(born == 2);
  busy.open();
  auto number = -1;
  std::move(answer).receive([&](int x) { number = x; },
                            [](const caf::error&) {});
  CHECK(number == 2);
  CHECK(eventually([&] { return book.size() == 3; }));
  auto lines = book.lines();
  CHECK(lines[0].incarnation == 1);
  CHECK(lines[1].incarnation == 3);
  CHECK(lines[2].incarnation == 3);
  CHECK(eventually([&] { return workers.stats().handed_over == 2; }));
  CHECK(eventually([&] { return workers.stats().waiting_messages == 0; }));
  CHECK(dead(*first));
}

TEST_CASE("nothing is lost while workers come and go") {
  world w;
  const auto numbers = static_cast<int>(effort(3000, 500));
  constexpr auto senders = 3;
  constexpr auto ids = 4;
  for (auto by_limit : {true, false}) {
    record_book book;
    std::atomic<int> born{0};
    cafreg::gen_registry_options options;
    if (by_limit)
      options.max_workers = 2;
    else
      options.idle_after = 50us;
    ids_type workers{w.sys, options, clerks(book, born)};
    in_threads(senders, [&](size_t s) {
      std::mt19937 rng{static_cast<unsigned>(s)};
      std::vector<int> next(ids, 0);
      for (auto left = numbers * ids; left > 0;) {
        auto id = static_cast<int>(rng() % ids);
        if (next[id] == numbers)
          continue;
        // In bursts, with pauses in which a worker is found idle.
        auto burst = std::min(numbers - next[id],
                              1 + static_cast<int>(rng() % 20));
        for (auto i = 0; i < burst; ++i, --left)
          if (!workers.send(id, static_cast<int>(s), next[id]++))
            return;
        if (rng() % 4 == 0) {
          auto until = std::chrono::steady_clock::now() + 100us;
          while (std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        }
      }
    });
    CHECK(eventually([&] {
      return book.size() == static_cast<size_t>(senders * numbers * ids);
    }));
    check_complete(book, senders, numbers, ids);
    CHECK(born > ids);
    CHECK(workers.stats().passivations > 0);
  }
}

TEST_CASE("requests of an actor stay in order, too") {
  world w;
  record_book book;
  std::atomic<int> born{0};
  ids_type workers{w.sys, {.max_workers = 1}, clerks(book, born)};
  std::atomic<int> answers{0};
  auto numbers = 0;
  for (auto round = 0; round < 5; ++round) {
    auto first = numbers;
    numbers += 1000;
    w.sys.spawn([&, first, ref = workers.ref()](caf::event_based_actor* self) {
      for (auto i = first; i < first + 1000; ++i)
        for (auto id : {0, 1})
          ref.request(self, id, patience, 0, i)
            .then([&](int) { ++answers; }, [](const caf::error&) {});
    });
    REQUIRE(eventually([&] { return answers == 2 * numbers; }));
    // Even if each was in use when the other one began.
    REQUIRE(eventually([&] { return workers.count() == 1; }));
  }
  CHECK(workers.stats().passivations > 0);
  check_complete(book, 1, numbers, 2);
}

TEST_CASE("a worker may refuse to leave") {
  world w;
  std::atomic<int> asked{0};
  std::atomic<bool> willing{false};
  ids_type workers{w.sys,
                   {.idle_after = 1ms, .ask_before_leaving = true},
                   [&](caf::actor_system& sys, int) {
                     return sys.spawn([&](caf::event_based_actor*) {
                       return caf::behavior{
                         [](int x) { return x; },
                         [&](cafreg::ask::may_leave) {
                           ++asked;
                           return willing.load();
                         },
                       };
                     });
                   }};
  auto who = workers.lookup_or_start(1);
  REQUIRE(who);
  CHECK(eventually([&] { return asked > 3; }));
  CHECK_FALSE(dead(*who));
  CHECK(workers.stats().vetoes >= 3);
  willing = true;
  CHECK(eventually([&] { return dead(*who); }));
  CHECK(workers.stats().passivations == 1);
}

TEST_CASE("who refuses to leave is passed over") {
  world w;
  ids_type workers{w.sys,
                   {.max_workers = 2, .ask_before_leaving = true},
                   [](caf::actor_system& sys, int id) {
                     return sys.spawn([id](caf::event_based_actor*) {
                       return caf::behavior{
                         [](int x) { return x; },
                         [id](cafreg::ask::may_leave) { return id != 0; },
                       };
                     });
                   }};
  auto stays = workers.lookup_or_start(0);
  auto leaves = workers.lookup_or_start(1);
  REQUIRE(workers.lookup_or_start(2));
  CHECK(eventually([&] { return dead(*leaves); }));
  CHECK_FALSE(dead(*stays));
}

TEST_CASE("who would not leave is left alone for a while") {
  world w;
  std::atomic<int> asked{0};
  ids_type workers{w.sys,
                   {.max_workers = 1, .ask_before_leaving = true},
                   [&](caf::event_based_actor*) {
                     return caf::behavior{
                       [](int x) { return x; },
                       [&](cafreg::ask::may_leave) {
                         ++asked;
                         return false;
                       },
                     };
                   }};
  REQUIRE(workers.lookup_or_start(0));
  auto begin = std::chrono::steady_clock::now();
  REQUIRE(workers.lookup_or_start(1));
  // Each of them once, then one of them after a second.
  CHECK(eventually([&] { return workers.stats().vetoes >= 3; }));
  CHECK(std::chrono::steady_clock::now() - begin >= 900ms);
  CHECK(asked <= 4);
  CHECK(workers.count() == 2);
}

TEST_CASE("an actor is the worker of one id only") {
  world w;
  auto shared = w.sys.spawn(idle);
  auto one_for_all = [&](caf::actor_system&, int) { return shared; };
  for (auto passivation : {true, false}) {
    cafreg::gen_registry_options options;
    options.name = "uut";
    if (passivation)
      options.idle_after = 1h;
    ids_type workers{w.sys, options, one_for_all};
    if (!passivation) {
      CHECK(workers.lookup_or_start(1));
      CHECK(workers.lookup_or_start(2));
      continue;
    }
    // Also if all of them come at once.
    std::atomic<int> hired{0};
    in_threads(4, [&](size_t t) {
      if (workers.lookup_or_start(static_cast<int>(t)))
        ++hired;
    });
    CHECK(hired == 1);
    CHECK(workers.count() == 1);
    auto second = workers.lookup_or_start(9);
    REQUIRE_FALSE(second);
    CHECK(second.error() == errc::factory_failed);
    CHECK(cafreg::to_text(second.error())
          == "registry uut: id 9: factory failed: its actor is the worker of "
             "another id, which passivation does not allow");
    CHECK_FALSE(dead(shared));
    workers.stop(workers.to_list().front().key());
    CHECK(dead(shared));
    shared = w.sys.spawn(idle);
  }
}

TEST_CASE("a worker that could not be told to leave is told later") {
  world w;
  using uut_type = cafreg::detail::passivator<int, std::tuple<>>;
  auto who = w.sys.spawn(idle);
  cafreg::seam::clock clock{w.sys};
  uut_type uut{{.max_workers = 1}, clock};
  std::vector<uut_type::record_ptr> records;
  for (auto id : {1, 2}) {
    records.push_back(caf::make_counted<uut_type::record>(
      id, caf::actor_cast<cafreg::detail::weak_actor>(who), nullptr,
      clock.now()));
    uut.add(*records.back());
  }
  auto now = clock.now();
  auto told = 0;
  uut.sweep(now, [](uut_type::record&) -> bool { throw std::bad_alloc{}; });
  CHECK(uut.leaving() == 0);
  CHECK(uut.too_many());
  auto next = uut.next(now);
  REQUIRE(next);
  CHECK(*next > now);
  auto tell = [&](uut_type::record& x) {
    told = x.key;
    return true;
  };
  uut.sweep(*next, tell);
  CHECK(told == 1);
  CHECK(uut.leaving() == 1);
  CHECK_FALSE(uut.too_many());
  for (auto& x : records)
    uut.remove(*x);
}

TEST_CASE("a worker that ignores that it has to leave is killed") {
  world w;
  ids_type workers{w.sys,
                   {.stop_timeout = 5ms, .max_workers = 1},
                   [](caf::actor_system& sys, int) {
                     return sys.spawn(stubborn);
                   }};
  auto who = workers.lookup_or_start(1);
  REQUIRE(who);
  REQUIRE(workers.lookup_or_start(2));
  CHECK(eventually([&] { return dead(*who); }));
  CHECK(workers.stats().kills == 1);
}

TEST_CASE("a successor is tried again until its factory works") {
  world w;
  gate busy;
  std::atomic<int> starts{0};
  std::atomic<int> handled{0};
  ids_type workers{
    w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, int id) {
      auto n = id == 0 ? ++starts : 1;
      if (n == 2 || n == 3)
        throw std::runtime_error{"not yet"};
      return sys.spawn([&](caf::event_based_actor*) {
        return caf::behavior{
          [&](const std::string&) { busy.pass(); },
          [&](int) { ++handled; },
        };
      });
    }};
  workers.send(0, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1));
  CHECK(workers.send(0, 5));
  busy.open();
  CHECK(eventually([&] { return handled == 1; }));
  CHECK(starts == 4);
}

TEST_CASE("a successor gets its predecessor's arguments") {
  world w;
  gate busy;
  std::atomic<int> seen{0};
  cafreg::gen_registry<int, caf::actor(int)> workers{
    w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, int, int argument) {
      return sys.spawn([&, argument](caf::event_based_actor*) {
        return caf::behavior{
          [&](const std::string&) { busy.pass(); },
          [&, argument](int) { seen = argument; },
        };
      });
    }};
  REQUIRE(workers.lookup_or_start(0, 42));
  workers.send(0, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1, 7));
  CHECK(workers.send(0, 5));
  busy.open();
  CHECK(eventually([&] { return seen == 42; }));
}

TEST_CASE("closing answers requests that wait for a successor") {
  world w;
  gate busy;
  ids_type workers{w.sys, {.max_workers = 1}, [&](caf::actor_system& sys, int) {
                     return sys.spawn([&](caf::event_based_actor*) {
                       return caf::behavior{
                         [&](const std::string&) { busy.pass(); },
                         [](int x) { return x; },
                       };
                     });
                   }};
  workers.send(0, std::string{"wait"});
  REQUIRE(busy.wait_for(1));
  REQUIRE(workers.lookup_or_start(1));
  caf::scoped_actor self{w.sys};
  auto answer = workers.request(self, 0, patience, 5);
  std::thread closer{[&] { workers.close(); }};
  caf::error why;
  std::move(answer).receive([](int) {},
                            [&](const caf::error& err) { why = err; });
  CHECK(why == errc::closed);
  busy.open();
  closer.join();
}

TEST_CASE("an id that fails too often must cool down") {
  world w;
  std::atomic<int> calls{0};
  ids_type workers{w.sys,
                   {.name = "uut",
                    .backoff = {.failures = 3, .within = 1h, .cool_down = 1h}},
                   [&](caf::actor_system& sys, int id) {
                     ++calls;
                     if (id == 0)
                       throw std::runtime_error{"no"};
                     return sys.spawn(idle);
                   }};
  for (auto i = 0; i < 3; ++i)
    CHECK(code_of(workers.lookup_or_start(0)) == "factory_failed");
  for (auto i = 0; i < 3; ++i)
    CHECK(code_of(workers.lookup_or_start(0)) == "backing_off");
  CHECK(calls == 3);
  CHECK(cafreg::to_text(workers.start(0).error())
          .starts_with("registry uut: id 0: failed too often, refused for"));
  CHECK(workers.stats().refused_starts == 4);
  CHECK(workers.lookup_or_start(1));
}

TEST_CASE("workers that crash count as failures, those that end do not") {
  world w;
  // Ends as it is told to.
  auto obedient = [](caf::event_based_actor* self) -> caf::behavior {
    return {[self](int reason) {
      self->quit(static_cast<caf::exit_reason>(reason));
    }};
  };
  ids_type workers{w.sys,
                   {.backoff = {.failures = 3, .within = 1h, .cool_down = 1h}},
                   cafreg::worker_function(obedient)};
  auto end = [&](int id, caf::exit_reason why) {
    auto who = workers.lookup_or_start(id);
    REQUIRE(who);
    tell(*who, static_cast<int>(why));
    // When the end of all is known, so is why.
    CHECK(eventually(
      [&] { return workers.stats().cleanups == workers.stats().starts; }));
  };
  for (auto i = 0; i < 5; ++i) {
    end(1, caf::exit_reason::normal);
    end(2, caf::exit_reason::user_shutdown);
    REQUIRE(workers.lookup_or_start(3));
    REQUIRE(workers.stop(3, cafreg::detail::make_exit_error(
                              caf::exit_reason::remote_link_unreachable)));
  }
  for (auto id : {1, 2, 3}) {
    CHECK(workers.lookup_or_start(id));
    CHECK(workers.stop(id));
  }
  for (auto i = 0; i < 3; ++i)
    end(4, caf::exit_reason::kill);
  CHECK(code_of(workers.lookup_or_start(4)) == "backing_off");
}

TEST_CASE("an id is started again after it has cooled down") {
  world w;
  std::atomic<bool> works{false};
  ids_type workers{w.sys,
                   {.backoff = {.failures = 1, .within = 1h, .cool_down = 5ms}},
                   [&](caf::actor_system& sys, int) {
                     if (!works)
                       throw std::runtime_error{"no"};
                     return sys.spawn(idle);
                   }};
  CHECK(code_of(workers.lookup_or_start(0)) == "factory_failed");
  works = true;
  CHECK(
    eventually([&] { return static_cast<bool>(workers.lookup_or_start(0)); }));
}

} // namespace passivation_test
