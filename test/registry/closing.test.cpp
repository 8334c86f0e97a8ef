// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Who closes at the same time, or once more, and what is left afterwards.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <functional>

namespace closing_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

// Runs a function when the registry to whose metadata it belongs drops it.
auto at_end(std::function<void()> fn) {
  return std::shared_ptr<void>{nullptr, [fn](void*) { fn(); }};
}

} // namespace

TEST_CASE("who closes second waits for the first") {
  world w;
  names_type names{w.sys};
  gate held;
  std::atomic<bool> dropped{false};
  names.put_meta("slow", at_end([&] {
                   held.pass();
                   dropped = true;
                 }));
  std::thread first{[&] { names.close(); }};
  REQUIRE(held.wait_for(1));
  // Lets the other one wait for a while, if it does.
  std::thread opener{[&] {
    for (auto i = 0; i < 1000; ++i)
      std::this_thread::yield();
    held.open();
  }};
  names.close();
  CHECK(dropped);
  first.join();
  opener.join();
}

TEST_CASE("what closing drops may close, too") {
  world w;
  names_type names{w.sys};
  auto ref = names.ref();
  auto closed = 0;
  auto close = [&, ref] {
    ref.close();
    closed += ref.closed() && !ref.lookup("x") ? 1 : 0;
  };
  auto who = spawn_holding(w.sys, at_end(close));
  names.register_as(who, "x", 1);
  who = nullptr;
  names.put_meta("close", at_end(close));
  names.close();
  CHECK(eventually([&] { return closed == 2; }));
}

TEST_CASE("an actor that closing waits for may close, too") {
  world w;
  names_type names{w.sys};
  gate held;
  auto ref = names.ref();
  std::string state = "never ran";
  names.put_meta("slow", at_end([&] {
                   // An ill-mannered destructor: it waits for an actor.
                   run_in_actor(w.sys, [&](caf::event_based_actor* self) {
                     ref.close();
                     state = code_of(ref.register_as(caf::actor{self}, "x"));
                   });
                 }));
  names.close();
  CHECK(state == "closed");
}

TEST_CASE("a registry is closed for good whoever of two closers returns") {
  world w;
  auto a = w.sys.spawn(idle);
  size_t wrong = 0;
  for (size_t i = 0; i < effort(500, 50); ++i) {
    names_type names{w.sys};
    std::atomic<size_t> late{0};
    for (auto key = 0; key < 50; ++key)
      names.register_as(a, std::to_string(key));
    std::thread other{[&] { names.close(); }};
    // Does not wait for the thread.
    run_in_actor(w.sys, [&, ref = names.ref()](caf::event_based_actor* self) {
      ref.close();
      for (auto key = 0; key < 50; ++key)
        late += ref.register_as(caf::actor{self}, std::to_string(key))
                    || ref.lookup(std::to_string(key))
                  ? 1
                  : 0;
      late += ref.count() + ref.holders().size();
    });
    other.join();
    wrong += late;
  }
  CHECK(wrong == 0);
  kill(a);
}

TEST_CASE("metadata are copied without a lock") {
  struct curious {
    curious(names_ref ref) : ref(std::move(ref)) {
      // nop
    }

    curious(const curious& other) : ref(other.ref) {
      ref.put_meta("copied", true);
    }

    curious(curious&&) noexcept = default;

    curious& operator=(const curious&) = delete;

    curious& operator=(curious&&) noexcept = default;

    names_ref ref;
  };
  world w;
  names_type names{w.sys};
  REQUIRE(names.put_meta("x", curious{names.ref()}));
  CHECK(names.meta<curious>("x"));
  CHECK(names.meta<bool>("copied") == true);
  CHECK_FALSE(names.meta<int>("x"));
}

TEST_CASE("who has kept a registry's actor is told that it is closed") {
  auto ask = [](caf::actor_system& sys, const caf::actor& front, auto... xs) {
    std::string answer = "no answer";
    caf::scoped_actor self{sys};
    cafreg::detail::request(self.ptr(), front, patience, xs...)
      .receive([&](uint64_t) { answer = "a number"; },
               [&](caf::error& e) { answer = code_of(e); });
    return answer;
  };
  world w;
  std::vector<caf::actor> kept;
  {
    names_type names{w.sys};
    topics_type topics{w.sys};
    kept = {names.actor(), topics.actor()};
    for (auto& front : kept)
      CHECK(ask(w.sys, front, cafreg::ask::count{}) == "a number");
  }
  for (auto& front : kept) {
    CHECK(ask(w.sys, front, cafreg::ask::count{}) == "closed");
    CHECK(ask(w.sys, front, 3.5) == "closed");
  }
  // Nobody waits for them.
  CHECK(eventually([&] { return running_actors(w.sys) == 0; }));
}

} // namespace closing_test
