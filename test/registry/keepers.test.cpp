// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Keepers, and the monitors through which they learn of deaths.

#include "registry/caf_helpers.hpp"

#include "cafreg/detail/monitor.hpp"

#include "catch.hpp"

#include <new>
#include <type_traits>

namespace keepers_test {

using namespace caf_test;

namespace {

using topics_type = cafreg::duplicate_registry<std::string, int>;

// Gives access to what a registry is made of.
template <class Registry>
struct opened : Registry {
  using Registry::Registry;
  using Registry::super::core_;
};

// An actor that stands in for a keeper, and what it has heard.
struct mourner {
  explicit mourner(caf::actor_system& sys)
    : work(caf::make_counted<cafreg::detail::deaths>()),
      self(sys.spawn([this](caf::event_based_actor*) -> caf::behavior {
        return {[this](cafreg::detail::deaths_noticed) { hear(); }};
      })) {
    work->attend(caf::actor_cast<caf::strong_actor_ptr>(self));
  }

  ~mourner() {
    kill(self);
    work->close();
  }

  void hear() {
    while (auto next = work->take_or_sleep()) {
      who = next->who()->id();
      unknown = next->reason()
                == cafreg::detail::make_exit_error(caf::exit_reason::unknown);
      thread = std::this_thread::get_id();
      next.reset();
      work->settle();
      ++count;
    }
  }

  std::atomic<size_t> count{0};
  std::atomic<caf::actor_id> who{0};
  std::atomic<bool> unknown{false};
  std::atomic<std::thread::id> thread{};
  cafreg::detail::deaths_ptr work;
  caf::actor self;
};

caf::actor_control_block* control_block(const caf::actor& who) {
  return caf::actor_cast<caf::actor_control_block*>(who);
}

auto make_monitor(const mourner& keeper, const caf::actor& observed) {
  return std::make_unique<cafreg::detail::monitor>(keeper.work,
                                                   control_block(observed));
}

} // namespace

TEST_CASE("a monitor that is destroyed unheard tells of a death") {
  world w;
  mourner keeper{w.sys};
  auto observed = w.sys.spawn(idle);
  {
    auto idle_one = make_monitor(keeper, observed);
    auto started = make_monitor(keeper, observed);
    started->start();
  }
  REQUIRE(eventually([&] { return keeper.count == 1; }));
  CHECK(keeper.who == observed.id());
  CHECK(keeper.unknown);
  kill(observed);
}

TEST_CASE("a composed actor that dies loses its names") {
  // Versions of CAF that can compose actors destroy what they make of it
  // without running its attachables.
  auto test = [](auto type) {
    using actor = typename decltype(type)::type;
    if constexpr (requires(actor f, actor g) { f* g; }) {
      world w;
      names_type names{w.sys, {.hold = cafreg::hold::weak}};
      actor f = w.sys.spawn(idle);
      actor g = w.sys.spawn(idle);
      actor both = f * g;
      REQUIRE(names.register_as(both, "x", 1));
      CHECK(names.whereis("x"));
      SECTION("with its last handle") {
        both = nullptr;
      }
      SECTION("with one of its parts") {
        REQUIRE(kill_and_wait(f));
      }
      CHECK(eventually([&] { return names.count() == 0; }));
      CHECK(eventually([&] { return names.stats().cleanups == 1; }));
      kill(f);
      kill(g);
    } else {
      SUCCEED("this version has none");
    }
  };
  test(std::type_identity<caf::actor>{});
}

TEST_CASE("a death is handled by the registry's own actor system") {
  world mine{1};
  world other{1};
  // The only thread that runs actors there.
  std::atomic<std::thread::id> here{};
  run_in_actor(mine.sys, [&](caf::event_based_actor*) {
    here = std::this_thread::get_id();
  });
  mourner keeper{mine.sys};
  for (size_t i = 1; i <= 20; ++i) {
    auto observed = other.sys.spawn(idle);
    auto watch = make_monitor(keeper, observed);
    watch->start();
    control_block(observed)->get()->attach(std::move(watch));
    kill(observed);
    REQUIRE(eventually([&] { return keeper.count == i; }));
    CHECK(keeper.thread == here.load());
  }
}

TEST_CASE("a registry takes actors of another system") {
  world mine;
  world other;
  names_type names{mine.sys};
  for (auto i = 0; i < 50; ++i) {
    auto who = other.sys.spawn(idle);
    REQUIRE(names.register_as(who, std::to_string(i)));
    kill(who);
  }
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEMPLATE_TEST_CASE("who enrolls while a registry closes is not watched", "",
                   names_type, topics_type) {
  world w;
  auto who = w.sys.spawn(idle);
  auto watched = [&](auto& core) {
    return cafreg::detail::detach_monitors(
      control_block(who), core.keeper_of(control_block(who)).get());
  };
  SECTION("whoever is first") {
    size_t kept = 0;
    for (size_t i = 0; i < effort(2000, 200); ++i) {
      opened<TestType> names{w.sys};
      in_threads(2, [&](size_t t) {
        if (t == 0)
          names.close();
        else
          names.core_->enroll(control_block(who));
      });
      kept += watched(*names.core_);
    }
    CHECK(kept == 0);
  }
  SECTION("unless it is not closed") {
    opened<TestType> names{w.sys};
    names.register_as(who, "x", 1);
    CHECK(watched(*names.core_) == 1);
  }
  kill(who);
}

TEST_CASE("a keeper does not keep the core of a closed registry") {
  world w;
  auto who = w.sys.spawn(idle);
  names_type reading{w.sys};
  REQUIRE(reading.register_as(who, "x", 1));
  std::weak_ptr<const void> core;
  // A reader of any registry keeps removed entries from being freed: the keeper
  // comes again and again.
  reading.visit("x", [&](const auto&) {
    {
      opened<names_type> names{w.sys};
      core = names.core_;
      names.register_as(who, "y", 1);
      names.close();
      CHECK_FALSE(core.expired());
    }
    CHECK(eventually([&] { return core.expired(); }));
  });
  kill(who);
}

namespace {

// A key that cannot be copied for a while.
struct brittle {
  int number = 0;

  static inline std::atomic<int> failures{0};

  explicit brittle(int n) : number(n) {
    // nop
  }

  brittle(const brittle& other) : number(other.number) {
    if (failures > 0 && failures-- > 0)
      throw std::bad_alloc{};
  }

  brittle(brittle&&) noexcept = default;

  brittle& operator=(const brittle&) = default;

  brittle& operator=(brittle&&) noexcept = default;

  friend bool operator==(const brittle&, const brittle&) = default;
};

} // namespace

} // namespace keepers_test

template <>
struct std::hash<keepers_test::brittle> {
  size_t operator()(const keepers_test::brittle& x) const noexcept {
    return std::hash<int>{}(x.number);
  }
};

namespace keepers_test {

TEST_CASE("a keeper tries a clean-up that failed once more") {
  world w;
  cafreg::unique_registry<brittle, int> names{w.sys};
  auto who = w.sys.spawn(idle);
  auto heir = w.sys.spawn(idle);
  REQUIRE(names.register_as(who, brittle{1}, 1));
  REQUIRE(names.register_as(who, brittle{2}, 2));
  REQUIRE(names.standby(brittle{1}, heir, 3));
  // To be handed over, a key is copied.
  brittle::failures = 5;
  kill(who);
  REQUIRE(eventually([&] { return names.stats().cleanups == 1; }));
  CHECK(brittle::failures == 0);
  // The heir was not forgotten on the way.
  auto now = names.lookup(brittle{1});
  REQUIRE(now);
  CHECK(now->handle() == heir);
  CHECK(now->value() == 3);
  CHECK(names.count() == 1);
  names.close();
  kill(heir);
}

} // namespace keepers_test
