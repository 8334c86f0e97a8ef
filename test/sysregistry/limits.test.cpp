// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What is to be done after some time is done while each thread of the scheduler
// is inside a handler that does not return.

#include "registry/long_handlers.hpp"
#include "registry/time_limits.hpp"
#include "sysregistry/scratch.hpp"
#include "sysregistry/sys_helpers.hpp"

#include <filesystem>

#include "catch.hpp"

namespace sys_limits_test {

using namespace sys_test;

namespace {

constexpr size_t threads = 2;

struct fixture {
  ~fixture() {
    kill(me);
    kill(reader);
  }

  sys_world w{threads};
  system_registry state{w.sys};
  caf::actor me = w.someone();
  std::shared_ptr<inbox> in = std::make_shared<inbox>();
  caf::actor reader = spawn_reader<caf::detached>(w.sys, in);
};

} // namespace

TEST_CASE("each time limit of a system registry is in this suite") {
  CHECK(time_limits::of("libsysregistry")
        == std::set<std::string>{"sys_options.hpp: min_interval",
                                 "sys_options.hpp: hysteresis"});
}

TEST_CASE("paced deliveries are made beside long handlers") {
  fixture f;
  cafreg::subscribe_options how;
  SECTION("after the least time between two") {
    how.min_interval = 4ms;
  }
  SECTION("after changes were collected") {
    how.hysteresis = 3ms;
  }
  SECTION("after both") {
    how.min_interval = 3ms;
    how.hysteresis = 4ms;
  }
  long_handlers busy{f.w.sys, threads};
  REQUIRE(f.state.subscribe(f.reader, how));
  REQUIRE(f.in->await_count(1));
  for (auto i = 1; i <= 5; ++i) {
    REQUIRE(f.state.update(f.me, "state.a", i));
    CHECK(f.in->await(
      [i](auto& x) { return x.snapshot.get_or("state.a", 0) == i; }));
  }
}

TEST_CASE("what is left by the dead goes beside long handlers") {
  fixture f;
  auto owner = f.w.sys.spawn<caf::detached>(idle);
  long_handlers busy{f.w.sys, threads};
  REQUIRE(f.state.subscribe(f.reader, {.min_interval = 2ms}));
  REQUIRE(f.state.update(owner, "state.a", 1));
  CHECK(f.in->await([](auto& x) { return !x.snapshot.empty(); }));
  kill(owner);
  CHECK(f.in->await([](auto& x) { return x.snapshot.empty(); }));
}

TEST_CASE("files are written beside long handlers") {
  scratch dir;
  fixture f;
  cafreg::persist_options how;
  SECTION("after the least time between two") {
    how = {.min_interval = 4ms, .hysteresis = 0ms};
  }
  SECTION("after changes were collected") {
    how = {.min_interval = 0ms, .hysteresis = 3ms};
  }
  auto size = [&] {
    std::error_code none;
    auto result = std::filesystem::file_size(dir / "a", none);
    return none ? 0 : result;
  };
  long_handlers busy{f.w.sys, threads};
  auto file = f.state.persist("config", dir / "a", how);
  REQUIRE(file);
  for (auto digits : {1, 50, 500}) {
    auto text = std::string(static_cast<size_t>(digits), '7');
    REQUIRE(f.state.update(f.me, "config.a", text));
    CHECK(eventually([&] { return size() > text.size(); }));
  }
}

} // namespace sys_limits_test
