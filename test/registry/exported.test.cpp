// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// CAF keeps each actor whose handle another node has got, and a system waits
// for all actors: one that only a registry knew must not keep it.

#include "registry/network.hpp"

#include "catch.hpp"

#include <algorithm>
#include <csignal>

#include "registry/peer.hpp"

namespace exported_test {

using namespace caf_test;

namespace {

bool is_exported(const names_type& names) {
  auto all = names.holders();
  return std::any_of(all.begin(), all.end(), [](auto& x) {
    return x.role == cafreg::holder_role::exported;
  });
}

} // namespace

TEST_CASE("an idle actor that another node has seen keeps no system") {
  // First, before there are threads.
  peer other{"lookup_peer"};
  REQUIRE(other.port() != 0);
  network_config cfg;
  caf::actor_system sys{cfg};
  caf::actor kept;
  {
    names_type names{sys};
    names_type others{sys};
    auto who = sys.spawn(idle);
    REQUIRE(names.register_as(who, "idle", 1));
    CHECK_FALSE(is_exported(names));
    auto port = sys.middleman().publish(names.actor(), 0, "127.0.0.1");
    REQUIRE(port);
    REQUIRE(other.tell(*port));
    wait_until([&] { return is_exported(names); });
    auto all = names.holders();
    REQUIRE(all.size() == 2);
    CHECK(all[0].role == cafreg::holder_role::registrant);
    CHECK(all[0].id == who.id());
    CHECK(all[1].id == who.id());
    CHECK(to_string(all[1].role) == "exported");
    SECTION("if nobody else knows it") {
      who = nullptr;
    }
    SECTION("if another registry does") {
      REQUIRE(others.register_as(who, "mine", 1));
      who = nullptr;
      names.close();
      CHECK(is_exported(others));
      CHECK(others.lookup("mine"));
    }
    SECTION("but if somebody keeps it, it is still there for all") {
      kept = who;
    }
    SECTION("after its node has gone") {
      other.end(SIGKILL);
      who = nullptr;
    }
    sys.middleman().unpublish(names.actor(), *port);
  }
  if (kept) {
    caf::scoped_actor self{sys};
    auto answer = 0;
    cafreg::detail::request(self.ptr(), kept, patience, 5)
      .receive([&](int x) { answer = x; }, [](const caf::error&) {});
    CHECK(answer == 5);
    CHECK(cafreg::detail::exported(sys, kept.id()));
    caf_test::kill(kept);
  }
  // The end of the system is what this is about.
}

} // namespace exported_test
