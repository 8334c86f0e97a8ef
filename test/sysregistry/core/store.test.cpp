// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "stores.hpp"

#include "registry/effort.hpp"

#include "catch.hpp"

#include <stdexcept>

namespace store_test {

using namespace stores;

namespace {

using uut_type = store_with_owners<int>;
using kind = uut_type::outcome_type::kind;
using editor = uut_type::editor_type;
using places = std::vector<std::string>;
using text_map = std::map<std::string, int>;

bool done(const uut_type::outcome_type& x) {
  return x.what == kind::done && x.refusals.empty();
}

// Whether an outcome has these refusals, in any order, and no delta.
bool refused(const uut_type::outcome_type& x, std::vector<refusal> expected) {
  return x.what == kind::refused && x.changes.empty()
         && x.refusals.size() == expected.size()
         && std::is_permutation(expected.begin(), expected.end(),
                                x.refusals.begin());
}

bool refused(const uut_type::outcome_type& x, refusal_reason why,
             const path& where) {
  return refused(x, {{why, where}});
}

} // namespace

// -- mounts -------------------------------------------------------------------

TEST_CASE("at an owned mount only the owner changes a leaf") {
  uut_type uut;
  CHECK(done(uut.put({alice}, "state.eth0.mtu", 1500)));
  CHECK(done(uut.put({alice}, "state.eth0.mtu", 9000)));
  CHECK(refused(uut.put({bob}, "state.eth0.mtu", 1), refusal_reason::reserved,
                "state.eth0.mtu"));
  CHECK(refused(uut.put({bob}, "state.eth0.mtu", 9000),
                refusal_reason::reserved, "state.eth0.mtu"));
  CHECK(refused(uut.transact({bob}, [](editor& x) { x.remove("state.eth0"); }),
                refusal_reason::reserved, "state.eth0.mtu"));
  CHECK(uut.at("state.eth0.mtu") == 9000);
  // Beside it, everyone is free.
  CHECK(done(uut.put({bob}, "state.eth0.address", 2)));
  CHECK(uut.places_of(alice) == places{"state.eth0.mtu"});
  CHECK(uut.places_of(bob) == places{"state.eth0.address"});
}

TEST_CASE("who has died reserves nothing") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.put({alice}, "state.b.c", 2);
  uut.put({alice}, "state.b.d", 3);
  uut.put({alice}, "state.e", 4);
  uut.put({alice}, "config.f", 5);
  uut.put({alice}, "open.g", 6);
  uut.put({carol}, "state.x", 7);
  SECTION("a leaf is taken over") {
    uut.gone = {alice};
    auto first = uut.put({bob}, "state.a", 10);
    CHECK(done(first));
    REQUIRE(first.changes.changed.size() == 1);
    CHECK(first.changes.changed[0].old_value == 1);
    CHECK(done(uut.put({bob}, "config.f", 11)));
    CHECK(done(uut.put({bob}, "open.g", 6))); // as it is
    CHECK(uut.places_of(bob) == places{"config.f", "open.g", "state.a"});
    CHECK(uut.places_of(alice) == places{"state.b.c", "state.b.d", "state.e"});
    uut.drop_owner(alice);
    CHECK(uut.content()
          == std::map<std::string, int>{
            {"config.f", 11}, {"open.g", 6}, {"state.a", 10}, {"state.x", 7}});
  }
  SECTION("it is in nobody's way") {
    uut.gone = {alice};
    auto below = uut.put({bob}, "state.a.y", 10);
    CHECK(done(below));
    CHECK(below.changes.removed.size() == 1);
    CHECK(below.changes.added.size() == 1);
    auto above = uut.put({bob}, "state.b", 11);
    CHECK(done(above));
    CHECK(above.changes.removed.size() == 2);
    CHECK(done(uut.transact({bob}, [](editor& x) {
      x.move("state.b", "state.e");
      x.remove("config.f");
    })));
    uut.drop_owner(alice);
    CHECK(uut.content()
          == std::map<std::string, int>{
            {"state.a.y", 10}, {"state.e", 11}, {"state.x", 7}});
    CHECK(uut.places_of(bob) == places{"state.a.y", "state.e"});
  }
  SECTION("it does not help against the living") {
    uut.gone = {alice};
    uut.put({carol}, "state.b.z", 8);
    auto before = uut.content();
    CHECK(refused(uut.put({bob}, "state.b", 11), refusal_reason::over_subtree,
                  "state.b"));
    CHECK(refused(uut.put({bob}, "state.x", 12), refusal_reason::reserved,
                  "state.x"));
    CHECK(uut.content() == before);
  }
  SECTION("as long as it lives it does") {
    CHECK(refused(uut.put({bob}, "state.a", 10), refusal_reason::reserved,
                  "state.a"));
    CHECK(refused(uut.put({bob}, "state.b", 10), refusal_reason::over_subtree,
                  "state.b"));
  }
}

TEST_CASE("what the dead said at a layered mount is in nobody's way") {
  uut_type uut;
  uut.put({alice}, "layers.a", 1);
  uut.put({carol}, "layers.a", 2);
  uut.gone = {alice};
  CHECK(refused(uut.put({bob}, "layers.a.b", 3),
                {{refusal_reason::through_leaf, "layers.a.b", 2}}));
  uut.gone = {alice, carol};
  CHECK(done(uut.put({bob}, "layers.a.b", 3)));
  uut.drop_owner(alice);
  uut.drop_owner(carol);
  CHECK(uut.content() == std::map<std::string, int>{{"layers.a.b", 3}});
}

TEST_CASE("at a shared mount anyone updates, and only the owner removes") {
  uut_type uut;
  uut.put({alice}, "config.filter", 1);
  CHECK(done(uut.put({bob}, "config.filter", 2)));
  CHECK(uut.at("config.filter") == 2);
  CHECK(uut.places_of(alice) == places{"config.filter"});
  CHECK(uut.places_of(bob).empty());
  auto remove = [](editor& x) { x.remove("config"); };
  CHECK(refused(uut.transact({bob}, remove), refusal_reason::reserved,
                "config.filter"));
  CHECK(done(uut.transact({alice}, remove)));
  CHECK_FALSE(uut.at("config.filter"));
}

TEST_CASE("at an open mount anyone updates and removes") {
  uut_type uut;
  uut.put({alice}, "open.a", 1);
  CHECK(done(uut.put({bob}, "open.a", 2)));
  CHECK(uut.places_of(alice) == places{"open.a"});
  CHECK(done(uut.transact({bob}, [](editor& x) { x.remove("open.a"); })));
  CHECK(uut.places_of(alice).empty());
  CHECK(uut.content().empty());
}

TEST_CASE("at a layered mount the highest priority shows") {
  uut_type uut;
  CHECK(done(uut.put({alice, "default"}, "layers.level", 1)));
  CHECK(done(uut.put({bob, "whatever"}, "layers.level", 2)));
  CHECK(uut.at("layers.level") == 2);
  CHECK(done(uut.put({carol, "debug"}, "layers.level", 3)));
  CHECK(uut.at("layers.level") == 3);
  // Whoever is behind the one that shows changes what nobody sees.
  auto version = uut.version();
  auto hidden = uut.put({alice, "default"}, "layers.level", 4);
  CHECK(done(hidden));
  CHECK(hidden.changes.empty());
  CHECK(uut.version() == version);
  // When one goes, the next one shows at once.
  auto gone = uut.drop_owner(carol);
  REQUIRE(gone.changes.changed.size() == 1);
  CHECK(gone.changes.changed[0].old_value == 3);
  CHECK(gone.changes.changed[0].new_value == 2);
  CHECK(done(uut.transact({bob}, [](editor& x) { x.remove("layers.level"); })));
  CHECK(uut.at("layers.level") == 4);
  CHECK(uut.places_of(alice) == places{"layers.level"});
  CHECK(uut.places_of(bob).empty());
  auto last = uut.remove_all(alice);
  CHECK(last.changes.removed.size() == 1);
  CHECK(uut.content().empty());
}

TEST_CASE("at a layered mount the oldest of equals shows") {
  uut_type uut;
  uut.put({alice}, "layers.a", 1);
  uut.put({bob}, "layers.a", 2);
  uut.put({carol}, "layers.a", 3);
  CHECK(uut.at("layers.a") == 1);
  // An update does not make it younger.
  uut.put({alice}, "layers.a", 4);
  CHECK(uut.at("layers.a") == 4);
  uut.drop_owner(alice);
  CHECK(uut.at("layers.a") == 2);
  // Another priority does.
  uut.put({bob, "debug"}, "layers.a", 2);
  uut.put({bob}, "layers.a", 2);
  CHECK(uut.at("layers.a") == 3);
}

TEST_CASE("at a layered mount an owner removes only what is its own") {
  uut_type uut;
  uut.put({alice}, "layers.a", 1);
  auto none = uut.transact({bob}, [](editor& x) { x.remove("layers"); });
  CHECK(done(none));
  CHECK(none.changes.empty());
  CHECK(uut.at("layers.a") == 1);
}

TEST_CASE("a leaf may have many layers") {
  uut_type uut;
  auto n = effort(3000, 300);
  auto end = static_cast<owner_id>(100 + n);
  for (owner_id who = 100; who < end; ++who) {
    uut.add_owner(who);
    CHECK(done(uut.put({who}, "layers.a", static_cast<int>(who))));
  }
  for (owner_id who = 100; who < end; ++who) {
    CHECK(uut.at("layers.a") == static_cast<int>(who));
    CHECK(uut.owned(who) == 1);
    uut.drop_owner(who);
  }
  CHECK(uut.content().empty());
}

TEST_CASE("a priority that no list names is the lowest") {
  cafreg::detail::mount_rule strict{"m", access::layered, {"high", "low"}};
  CHECK(strict.rank("high") == 0);
  CHECK(strict.rank("low") == 1);
  CHECK(strict.rank("") == 2);
  CHECK(default_rules().find(path("layers"))->rank("other") == 1);
}

// -- private paths ------------------------------------------------------------

TEST_CASE("paths outside of all mounts are private to their owner") {
  uut_type uut;
  auto result = uut.put({alice}, "my.notes", 1);
  CHECK(done(result));
  CHECK(result.changes.empty());
  CHECK(uut.put({bob}, "my.notes", 2).what == kind::done);
  CHECK(uut.own_at(alice, "my.notes") == 1);
  CHECK(uut.own_at(bob, "my.notes") == 2);
  CHECK_FALSE(uut.at("my.notes"));
  CHECK(uut.version() == 0);
  CHECK(uut.places_of(alice) == places{"my.notes"});
  CHECK(uut.owned(alice) == 0);
  CHECK(uut.owns_anything(alice));
  uut.transact({alice}, [](editor& x) { x.remove("my"); });
  CHECK_FALSE(uut.owns_anything(alice));
  CHECK(uut.own_at(bob, "my.notes") == 2);
}

// -- paths --------------------------------------------------------------------

TEST_CASE("a leaf is in nobody's way") {
  uut_type uut;
  uut.put({alice}, "state.a.b", 1);
  CHECK(refused(uut.put({alice}, "state.a.b.c.d", 2),
                {{refusal_reason::through_leaf, "state.a.b.c.d", 3}}));
  CHECK(refused(uut.put({bob}, "state.a", 2), refusal_reason::over_subtree,
                "state.a"));
  // Unless it goes before.
  CHECK(done(uut.transact({alice}, [](editor& x) {
    x.remove("state.a");
    x.put("state.a", 3);
  })));
  CHECK(uut.content() == text_map{{"state.a", 3}});
}

TEST_CASE("bad paths are refused") {
  uut_type uut{{.max_depth = 3, .max_key_size = 5}};
  auto check = [&](refusal_reason why, const path& where) {
    CHECK(refused(uut.put({alice}, where, 1), why, where));
    CHECK(refused(uut.transact({alice}, [&](editor& x) { x.put(where, 1); }),
                  why, where));
    if (why == refusal_reason::is_mount)
      return;
    CHECK(refused(uut.transact({alice}, [&](editor& x) { x.remove(where); }),
                  why, where));
    CHECK(refused(uut.transact({alice},
                               [&](editor& x) { x.move(where, "state.a"); }),
                  why, where));
    CHECK(refused(uut.transact({alice},
                               [&](editor& x) { x.move("state.b", where); }),
                  why, where));
  };
  check(refusal_reason::no_keys, {});
  check(refusal_reason::empty_key, "state..a");
  check(refusal_reason::empty_key, "my..a");
  check(refusal_reason::too_deep, "state.a.b.c");
  check(refusal_reason::key_too_long, "state.longer");
  check(refusal_reason::is_mount, "state");
  CHECK(done(uut.put({alice}, "state.a.fives", 1)));
}

TEST_CASE("keys with dots are remembered as they are") {
  uut_type uut;
  path where{"state", "10.0.0.1", "a\\b.", "."};
  uut.put({alice}, where, 1);
  uut.put({alice}, "state.10.0", 2);
  auto paths = uut.paths_of(alice);
  CHECK(paths.size() == 2);
  CHECK(std::count(paths.begin(), paths.end(), where) == 1);
  auto gone = uut.drop_owner(alice);
  CHECK(gone.changes.removed.size() == 2);
  CHECK(uut.content().empty());
}

// -- moves --------------------------------------------------------------------

TEST_CASE("a leaf is moved") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  auto result = uut.transact({alice},
                             [](editor& x) { x.move("state.a", "state.b.c"); });
  REQUIRE(result.changes.size() == 2);
  CHECK(result.changes.removed[0].where == "state.a");
  CHECK(result.changes.added[0].where == "state.b.c");
  CHECK(result.changes.version == 2);
  CHECK(uut.content() == text_map{{"state.b.c", 1}});
  CHECK(uut.places_of(alice) == places{"state.b.c"});
}

TEST_CASE("a subtree is moved, also closer to the root") {
  uut_type uut;
  uut.put({alice}, "state.a.b.x", 1);
  uut.put({alice}, "state.a.b.y.z", 2);
  uut.put({alice}, "state.a.c", 3);
  CHECK(done(
    uut.transact({alice}, [](editor& x) { x.move("state.a.b", "state.d"); })));
  CHECK(uut.content()
        == text_map{{"state.d.x", 1}, {"state.d.y.z", 2}, {"state.a.c", 3}});
  CHECK(done(
    uut.transact({alice}, [](editor& x) { x.move("state.d.y", "state.d"); })));
  CHECK(uut.content()
        == text_map{{"state.d.x", 1}, {"state.d.z", 2}, {"state.a.c", 3}});
}

TEST_CASE("nothing is moved into itself") {
  uut_type uut;
  uut.put({alice}, "state.a.b", 1);
  CHECK(refused(uut.transact({alice},
                             [](editor& x) { x.move("state.a", "state.a.c"); }),
                refusal_reason::below_itself, "state.a.c"));
  auto same = uut.transact({alice},
                           [](editor& x) { x.move("state.a", "state.a"); });
  CHECK(done(same));
  CHECK(same.changes.empty());
}

TEST_CASE("nothing is moved onto something") {
  uut_type uut;
  uut.put({alice}, "state.a.x", 1);
  uut.put({alice}, "state.a.y", 2);
  uut.put({alice}, "state.b.x", 3);
  uut.put({alice}, "state.b.y.z", 4);
  uut.put({alice}, "state.c", 5);
  auto move = [&](const path& from, const path& to) {
    return uut.transact({alice}, [&](editor& x) { x.move(from, to); });
  };
  CHECK(refused(move("state.a", "state.b"),
                {{refusal_reason::occupied, "state.b.x"},
                 {refusal_reason::over_subtree, "state.b.y"}}));
  CHECK(refused(move("state.a", "state.c"),
                {{refusal_reason::through_leaf, "state.c.x", 2},
                 {refusal_reason::through_leaf, "state.c.y", 2}}));
  CHECK(refused(move("state.c", "state"), refusal_reason::is_mount, "state"));
  CHECK(refused(move("state.z", "state.q"), refusal_reason::nothing_there,
                "state.z"));
  CHECK(refused(move("state.a", path{}), refusal_reason::no_keys, {}));
}

TEST_CASE("what is somebody else's is not moved") {
  uut_type uut;
  uut.put({alice}, "state.a.x", 1);
  uut.put({bob}, "state.a.y", 2);
  uut.put({bob}, "layers.a", 3);
  auto move = [&](const path& from, const path& to) {
    return uut.transact({alice}, [&](editor& x) { x.move(from, to); });
  };
  CHECK(
    refused(move("state.a", "state.b"), refusal_reason::reserved, "state.a.y"));
  CHECK(refused(move("layers.a", "layers.b"), refusal_reason::nothing_there,
                "layers.a"));
}

TEST_CASE("leaves are moved from mount to mount") {
  uut_type uut;
  uut.put({alice}, "my.a", 1);
  uut.put({alice, "debug"}, "layers.a", 2);
  uut.put({bob, "default"}, "layers.a", 3);
  auto move = [&](const path& from, const path& to) {
    return done(uut.transact({alice}, [&](editor& x) { x.move(from, to); }));
  };
  CHECK(move("my", "state.mine"));
  CHECK(uut.content() == text_map{{"state.mine.a", 1}, {"layers.a", 2}});
  // Only the own layer goes.
  CHECK(move("layers.a", "my.layer"));
  CHECK(uut.own_at(alice, "my.layer") == 2);
  CHECK(uut.at("layers.a") == 3);
  // And comes back behind what is there.
  CHECK(move("my.layer", "layers.a"));
  CHECK(uut.at("layers.a") == 2);
  CHECK_FALSE(move("state.mine.a", "layers.a"));
  CHECK(uut.places_of(alice) == places{"layers.a", "state.mine.a"});
}

// -- transactions -------------------------------------------------------------

TEST_CASE("a transaction makes one version") {
  uut_type uut;
  auto result = uut.transact({alice}, [](editor& x) {
    x.put("state.a", 1);
    x.put("config.a", 2);
    x.put("state.a", 3);
    x.put("state.b", 4);
    x.remove("state.b");
  });
  CHECK(done(result));
  CHECK(result.changes.version == 1);
  CHECK(result.changes.added.size() == 2);
  CHECK(result.changes.size() == 2);
  CHECK(uut.version() == 1);
  CHECK(uut.content() == text_map{{"state.a", 3}, {"config.a", 2}});
  CHECK(uut.places_of(alice) == places{"config.a", "state.a"});
}

TEST_CASE("a refused transaction names every path and leaves no trace") {
  uut_type uut;
  uut.put({bob}, "state.a", 1);
  uut.put({bob}, "state.b", 2);
  uut.put({alice}, "my.a", 3);
  auto before = uut.content();
  auto result = uut.transact({alice}, [](editor& x) {
    x.put("state.c", 4);
    x.put("state.a", 5);
    x.put("my.a", 6);
    x.remove("state.b");
    x.put("state.c.d", 7);
    x.move("state.nothing", "state.e");
  });
  CHECK(refused(result, {{refusal_reason::reserved, "state.a"},
                         {refusal_reason::reserved, "state.b"},
                         {refusal_reason::through_leaf, "state.c.d", 2},
                         {refusal_reason::nothing_there, "state.nothing"}}));
  CHECK(uut.content() == before);
  CHECK(uut.own_at(alice, "my.a") == 3);
  CHECK(uut.version() == 2);
  CHECK(uut.places_of(alice) == places{"my.a"});
  CHECK(uut.places_of(bob) == places{"state.a", "state.b"});
}

TEST_CASE("a transaction sees what it has changed") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.transact({alice}, [](editor& x) {
    CHECK(*x.look(path("state.a")) == 1);
    x.put("state.a", 2);
    x.put("my.a", 3);
    CHECK(*x.look(path("state.a")) == 2);
    CHECK(*x.look(path("my.a")) == 3);
    x.remove("state.a");
    CHECK(x.look(path("state.a")) == nullptr);
    CHECK(x.look(path("state")) == nullptr);
  });
}

TEST_CASE("equal values change nothing") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.put({alice}, "layers.a", 1);
  uut.put({bob}, "layers.a", 2);
  auto before = uut.look();
  for (auto* where : {"state.a", "layers.a"}) {
    auto result = uut.put({alice}, where, 1);
    CHECK(done(result));
    CHECK(result.changes.empty());
    CHECK(result.changes.version == before.version);
  }
  CHECK(done(uut.put({bob}, "layers.a", 2)));
  auto back = uut.transact({alice}, [](editor& x) {
    x.put("state.a", 2);
    x.put("state.a", 1);
  });
  CHECK(done(back));
  CHECK(back.changes.empty());
  CHECK(uut.version() == before.version);
}

TEST_CASE("an edit that throws harms nothing") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  CHECK_THROWS_AS(uut.transact({alice},
                               [](editor& x) {
                                 x.put("state.a", 2);
                                 x.put("my.a", 2);
                                 throw std::runtime_error("test");
                               }),
                  std::runtime_error);
  CHECK(uut.content() == text_map{{"state.a", 1}});
  CHECK(uut.places_of(alice) == places{"state.a"});
  CHECK(done(uut.put({alice}, "state.a", 3)));
}

TEST_CASE("a snapshot stays as it is") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  auto before = uut.look();
  uut.put({alice}, "state.a", 2);
  uut.put({alice}, "state.b", 2);
  uut.close();
  CHECK(before.version == 1);
  CHECK(uut_type::content(before.tree) == text_map{{"state.a", 1}});
}

// -- owners -------------------------------------------------------------------

TEST_CASE("the leaves of a dead owner go in one version") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.put({alice}, "config.a", 2);
  uut.put({bob}, "config.b", 3);
  uut.put({alice}, "my.a", 4);
  uut.put({bob}, "config.a", 5); // still alice's
  auto version = uut.version();
  auto result = uut.drop_owner(alice);
  CHECK(done(result));
  CHECK(result.changes.version == version + 1);
  CHECK(result.changes.removed.size() == 2);
  CHECK(uut.content() == text_map{{"config.b", 3}});
  CHECK(uut.places_of(alice).empty());
  CHECK(uut.put({alice}, "state.a", 1).what == kind::unknown_owner);
  CHECK(uut.drop_owner(alice).what == kind::unknown_owner);
  // Its paths are free.
  CHECK(done(uut.put({bob}, "state.a", 6)));
}

TEST_CASE("an owner may remove all that it has and go on") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.put({alice}, "my.a", 1);
  CHECK(uut.remove_all(alice).changes.removed.size() == 1);
  CHECK_FALSE(uut.owns_anything(alice));
  CHECK(done(uut.remove_all(alice)));
  CHECK(uut.version() == 2);
  CHECK(done(uut.put({alice}, "state.a", 1)));
  auto all = uut.transact(
    {alice},
    [](editor& x) {
      x.put("state.b", 2);
      x.remove_all();
      x.put("state.c", 3);
    },
    true);
  CHECK(done(all));
  CHECK(uut.content() == text_map{{"state.c", 3}});
}

TEST_CASE("what was restored is anyone's") {
  uut_type uut;
  for (auto* where : {"state.a", "state.b", "config.a", "layers.a", "layers.b"})
    uut.put({restorer, "persistence"}, where, 1);
  auto version = uut.version();
  // Whoever updates it owns it, even with the same value.
  auto same = uut.put({alice}, "state.a", 1);
  CHECK(done(same));
  CHECK(same.changes.empty());
  CHECK(done(uut.put({alice}, "config.a", 2)));
  CHECK(uut.version() == version + 1);
  CHECK(uut.places_of(alice) == places{"config.a", "state.a"});
  CHECK(
    refused(uut.put({bob}, "state.a", 3), refusal_reason::reserved, "state.a"));
  // Whoever does not want it removes it.
  CHECK(done(uut.transact({bob}, [](editor& x) {
    x.remove("state.b");
    x.remove("layers.b");
  })));
  // A layer stays behind those of the living.
  uut.put({alice}, "layers.a", 4);
  uut.transact({alice}, [](editor& x) { x.remove("layers.a"); });
  CHECK(uut.at("layers.a") == 1);
  CHECK(uut.places_of(restorer) == places{"layers.a"});
}

// -- drafts -------------------------------------------------------------------

TEST_CASE("a draft is made without a lock and committed at once") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  auto draft = uut.begin({alice});
  REQUIRE(draft);
  draft->edit.put("state.a", 2);
  draft->edit.put("my.a", 3);
  CHECK(uut.at("state.a") == 1);
  CHECK_FALSE(uut.own_at(alice, "my.a"));
  auto preview = uut.preview(*draft);
  REQUIRE(preview.size() == 1);
  CHECK(preview.version == 2);
  CHECK(preview.changed[0].new_value == 2);
  // It may go on after a look.
  draft->edit.put("state.b", 4);
  auto result = uut.commit(*draft);
  CHECK(done(result));
  CHECK(result.changes.size() == 2);
  CHECK(result.changes.version == 2);
  CHECK(uut.content() == text_map{{"state.a", 2}, {"state.b", 4}});
  CHECK(uut.own_at(alice, "my.a") == 3);
  // But not after its end.
  CHECK(uut.commit(*draft).what == kind::outdated);
}

TEST_CASE("a draft is outdated when anything has changed") {
  uut_type uut;
  uut.put({alice, "debug"}, "layers.a", 1);
  auto outdated = [&](auto change) {
    auto draft = uut.begin({alice});
    draft->edit.put("state.a", 1);
    change();
    return uut.commit(*draft).what == kind::outdated;
  };
  CHECK(outdated([&] { uut.put({bob}, "state.b", 1); }));
  CHECK(outdated([&] { uut.put({bob}, "layers.a", 1); })); // that nobody sees
  CHECK(outdated([&] { uut.put({alice}, "my.a", 1); }));
  CHECK(outdated([&] { uut.drop_owner(bob); }));
  CHECK_FALSE(uut.at("state.a"));
  CHECK_FALSE(outdated([&] {
    uut.put({alice}, "my.a", 1);
    uut.put({carol}, "state..a", 1);
    uut.remove_all(carol);
    uut.drop_owner(carol);
  }));
  CHECK(uut.at("state.a") == 1);
}

TEST_CASE("a draft without a right to its changes is refused") {
  uut_type uut;
  uut.put({bob}, "state.a", 1);
  auto draft = uut.begin({alice});
  draft->edit.put("state.b", 1);
  draft->edit.remove("state.a");
  CHECK(refused(uut.commit(*draft), refusal_reason::reserved, "state.a"));
  CHECK(uut.content() == text_map{{"state.a", 1}});
}

TEST_CASE("a draft ends with its owner, and with the store") {
  uut_type uut;
  auto first = uut.begin({alice});
  auto second = uut.begin({bob});
  first->edit.put("state.a", 1);
  second->edit.put("state.b", 1);
  uut.drop_owner(alice);
  CHECK(uut.commit(*first).what == kind::unknown_owner);
  CHECK_FALSE(uut.begin({alice}));
  CHECK_FALSE(uut.begin({stranger}));
  uut.close();
  CHECK(uut.commit(*second).what == kind::closed);
  CHECK_FALSE(uut.begin({bob}));
  CHECK(uut.content().empty());
}

// -- the end ------------------------------------------------------------------

TEST_CASE("a closed store has nothing and does nothing") {
  uut_type uut;
  uut.put({alice}, "state.a", 1);
  uut.put({alice}, "my.a", 1);
  uut.close();
  uut.close();
  CHECK(uut.content().empty());
  CHECK(uut.count({}) == 0);
  CHECK(uut.paths_of(alice).empty());
  CHECK_FALSE(uut.own_at(alice, "my.a"));
  CHECK_FALSE(uut.add_owner(stranger));
  CHECK(uut.put({alice}, "state.a", 1).what == kind::closed);
  CHECK(uut.put({alice}, "my.a", 1).what == kind::closed);
  CHECK(uut.transact({alice}, [](editor&) {}).what == kind::closed);
  CHECK(uut.remove_all(alice).what == kind::closed);
  CHECK(uut.drop_owner(alice).what == kind::closed);
}

TEST_CASE("strangers own nothing") {
  uut_type uut;
  CHECK(uut.put({stranger}, "state.a", 1).what == kind::unknown_owner);
  CHECK(uut.put({stranger}, "my.a", 1).what == kind::unknown_owner);
  CHECK(uut.transact({stranger}, [](editor&) {}).what == kind::unknown_owner);
  CHECK(uut.remove_all(stranger).what == kind::unknown_owner);
  CHECK_FALSE(uut.owns_anything(stranger));
  CHECK(uut.owned(stranger) == 0);
  CHECK(uut.add_owner(stranger));
  CHECK(done(uut.put({stranger}, "state.a", 1)));
}

} // namespace store_test
