// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// Workers that come and go leave nothing behind.

#include "genregistry/gen_helpers.hpp"
#include "registry/heap.hpp"

#include "catch.hpp"

namespace cycles_test {

using namespace gen_test;

namespace {

// What threads keep for themselves, and what CAF does.
constexpr ptrdiff_t slack = 256 * 1024;

} // namespace

TEST_CASE("starts and ends of workers leave nothing") {
  if (!heap::measurable)
    return;
  world w{2};
  auto all = std::make_shared<census>();
  cafreg::gen_registry_options options;
  std::function<bool(workers_type&, const std::string&, const caf::actor&)> end;
  SECTION("that are stopped") {
    end = [](auto& workers, auto& id, auto&) {
      return static_cast<bool>(workers.stop(id));
    };
  }
  SECTION("that are killed") {
    end = [](auto&, auto&, auto& who) { return kill_and_wait(who); };
  }
  SECTION("that have records") {
    options.max_workers = 10;
    options.backoff.failures = 3;
    end = [](auto& workers, auto& id, auto&) {
      return static_cast<bool>(workers.stop(id));
    };
  }
  workers_type workers{w.sys, options, counted(all)};
  auto cycle = [&] {
    for (auto i = 0; i < 2000; ++i) {
      auto id = std::to_string(i % 70);
      auto who = workers.start(id);
      REQUIRE(who);
      REQUIRE(end(workers, id, *who));
    }
    wait_until([&] { return all->living() == 0 && workers.count() == 0; });
  };
  CHECK(heap::growth(6, cycle) < slack);
}

} // namespace cycles_test
