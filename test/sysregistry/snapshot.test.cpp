// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <map>

#include "catch.hpp"

namespace snapshot_test {

using namespace sys_test;

namespace {

struct fixture {
  fixture() {
    fill("state.net.eth0", {{"mtu", 1500}, {"up", true}});
    fill("state.net.eth1", {{"mtu", 9000}, {"up", false}});
    fill("state.cpu", {{"load", 0.5}});
    fill("config.net", {{"mtu", 1280}});
  }

  void fill(const path& where, cafreg::values what) {
    auto done = state.update(me, where, std::move(what));
    REQUIRE(done);
  }

  std::vector<std::string> matching(std::string_view pattern) {
    std::vector<std::string> result;
    for (auto& x : state.snapshot().match(pattern))
      result.push_back(to_string(x.where));
    return result;
  }

  using strings = std::vector<std::string>;

  sys_world w;
  system_registry state{w.sys};
  caf::actor me = w.someone();
};

} // namespace

TEST_CASE("a snapshot never changes") {
  fixture f;
  auto before = f.state.snapshot();
  auto text = to_string(before);
  f.fill("state.net.eth0.mtu", 1);
  REQUIRE(f.state.remove(f.me, "state.net.eth1"));
  f.fill("state.new", 1);
  CHECK(to_string(before) == text);
  CHECK(before.get<int>("state.net.eth0.mtu") == 1500);
  CHECK(before.size() == 6);
  CHECK(before.count("state.net") == 4);
  kill(f.me);
  REQUIRE(eventually([&] { return f.state.count() == 0; }));
  f.state.close();
  CHECK(to_string(before) == text);
}

TEST_CASE("a snapshot is asked in many ways") {
  fixture f;
  auto now = f.state.snapshot();
  CHECK(now.keys() == fixture::strings{"config", "state"});
  CHECK(now.keys("state.net") == fixture::strings{"eth0", "eth1"});
  CHECK(now.keys("state.net.eth0.mtu").empty());
  CHECK(now.keys("nowhere").empty());
  CHECK(now.contains("state.net"));
  CHECK(now.contains("state.net.eth0.up"));
  CHECK_FALSE(now.contains("state.net.eth0.up.and.away"));
  CHECK(now.at("state.net") == nullptr);
  REQUIRE(now.at("state.cpu.load") != nullptr);
  CHECK(now.get<double>("state.cpu.load") == 0.5);
  CHECK(is(now.get<int>("state.cpu.load").error(), errc::bad_value));
  CHECK(is(now.get<int>("state.cpu").error(), errc::no_such_path));
  CHECK(now.get_or("state.cpu.load", 7) == 7);
  CHECK(now.get_or("state.net.eth1.mtu", 7) == 9000);
  std::map<std::string, int> counts;
  now.for_each(
    [&](const path& where, const caf::config_value&) { ++counts[where[0]]; });
  CHECK(counts == std::map<std::string, int>{{"config", 1}, {"state", 5}});
  auto part = now.restricted_to("state.net.eth1");
  CHECK(part.size() == 2);
  CHECK(part.version() == now.version());
  CHECK(part.get<int>("state.net.eth1.mtu") == 9000);
  CHECK_FALSE(part.contains("state.cpu"));
  CHECK(now.restricted_to("nowhere").empty());
  CHECK(now.restricted_to({}) == now);
}

TEST_CASE("leaves are found by patterns") {
  fixture f;
  using strings = fixture::strings;
  CHECK(f.matching("state.net.*.mtu")
        == strings{"state.net.eth0.mtu", "state.net.eth1.mtu"});
  CHECK(
    f.matching("**.mtu")
    == strings{"config.net.mtu", "state.net.eth0.mtu", "state.net.eth1.mtu"});
  CHECK(f.matching("state.**").size() == 5);
  CHECK(f.matching("**").size() == 6);
  CHECK(f.matching("**.net.**.mtu").size() == 3);
  CHECK(f.matching("**.**.mtu").size() == 3);
  CHECK(f.matching("*.net.mtu") == strings{"config.net.mtu"});
  CHECK(f.matching("state.net") == strings{});
  CHECK(f.matching("") == strings{});
  CHECK(f.matching("*") == strings{});
  f.fill({"state", "*", "x"}, 1);
  CHECK(f.matching("state.\\*.x") == strings{"state.*.x"});
  CHECK(f.matching("state.*.x").size() == 1);
}

TEST_CASE("snapshots tell how they differ") {
  fixture f;
  auto before = f.state.snapshot();
  CHECK(before.diff(before).empty());
  f.fill("state.net.eth0.mtu", 1);
  f.fill("state.net.eth0.mtu", 1500);
  auto same = f.state.snapshot();
  CHECK(same.version() > before.version());
  CHECK(same == before);
  CHECK(same.diff(before).empty());
  REQUIRE(f.state.transaction(f.me)
            .remove("state.net.eth1")
            .update("state.net.eth2.mtu", 576)
            .update("state.cpu.load", 0.75)
            .commit());
  auto now = f.state.snapshot();
  CHECK_FALSE(now == before);
  auto delta = now.diff(before);
  CHECK(to_string(delta)
        == "version " + std::to_string(now.version())
             + "\n~ state.cpu.load = 0.5 -> 0.75"
               "\n- state.net.eth1.mtu = 9000"
               "\n- state.net.eth1.up = false"
               "\n+ state.net.eth2.mtu = 576");
  auto back = before.diff(now);
  CHECK(back.added.size() == 2);
  CHECK(back.removed.size() == 1);
  CHECK(now.diff({}).added.size() == now.size());
}

TEST_CASE("the value of a part is a dictionary") {
  fixture f;
  auto now = f.state.snapshot();
  auto all = now.to_value("state.net.eth0");
  auto* fields = caf::get_if<caf::config_value::dictionary>(&all);
  REQUIRE(fields != nullptr);
  CHECK(fields->size() == 2);
  system_registry copy{f.w.sys};
  REQUIRE(copy.update(f.me, path{}, now.to_value()));
  CHECK(copy.snapshot() == now);
}

} // namespace snapshot_test
