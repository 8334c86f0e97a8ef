// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <limits>
#include <optional>
#include <stdexcept>

#include "catch.hpp"

namespace bad_input_test {

using namespace sys_test;

namespace {

using caf::config_value;
using cafreg::access;
using cafreg::system_options;
using cafreg::values;

using maybe = std::optional<config_value>;

struct fixture {
  explicit fixture(system_options options = {})
    : state(w.sys, std::move(options)) {
    REQUIRE(state.update(me, "state.a.b", 1));
    before = state.snapshot();
  }

  /// Checks that nothing has changed.
  void unchanged() {
    CHECK(state.version() == 1);
    CHECK(state.snapshot() == before);
    CHECK(state.paths_of(me) == std::vector<path>{"state.a.b"});
  }

  sys_world w;
  system_registry state;
  caf::actor me = w.someone();
  snapshot before;
};

/// A dictionary in a dictionary in ...
config_value deep_dictionary(size_t levels) {
  config_value result{int64_t{1}};
  for (size_t i = 0; i < levels; ++i) {
    config_value::dictionary next;
    next.container().emplace("k", std::move(result));
    result = config_value{std::move(next)};
  }
  return result;
}

std::string refusal_of(sys_world& w, system_options options) {
  try {
    system_registry never{w.sys, std::move(options)};
  } catch (const std::invalid_argument& x) {
    return x.what();
  }
  return "";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("paths that cannot be") {
  fixture f{{.max_key_size = 100}};
  auto& state = f.state;
  auto bad = [&](const path& where) {
    CHECK(code_of(state.update(f.me, where, 1)) == "bad_path");
    CHECK(code_of(state.remove(f.me, where)) == "bad_path");
    CHECK(code_of(state.move(f.me, where, "state.c")) == "bad_path");
    CHECK(code_of(state.move(f.me, "state.a.b", where)) == "bad_path");
    CHECK(code_of(state.update_in(f.me, where, [](const maybe&) { return 1; }))
          == "bad_path");
    CHECK(code_of(state.get<int>(where)) == "no_such_path");
    CHECK(state.owner_of(where) == nullptr);
    static_cast<void>(state.snapshot(where));
    static_cast<void>(state.count(where));
  };
  bad({});
  bad(path{""});
  bad(path{"state", ""});
  bad("state..a");
  bad(".state");
  bad("state.");
  bad(path{"state", std::string(101, 'k')});
  bad(path{std::vector<std::string>(65, "state")});
  bad(path{std::vector<std::string>(100000, "state")});
  CHECK(code_of(state.update(f.me, "state", 1)) == "bad_path"); // a mount
  CHECK(state.remove(f.me, "state.nothing"));
  CHECK(code_of(state.move(f.me, "state.nothing", "state.c"))
        == "no_such_path");
  CHECK(code_of(state.move(f.me, "state.a", "state.a.b.c")) == "bad_path");
  f.unchanged();
}

TEST_CASE("leaves in the way of others") {
  fixture f;
  auto other = f.w.someone();
  CHECK(code_of(f.state.update(f.me, "state.a.b.c", 1)) == "path_conflict");
  CHECK(code_of(f.state.update(f.me, "state.a", 1)) == "path_conflict");
  CHECK(code_of(f.state.update(other, "state.a", 1)) == "path_conflict");
  CHECK(code_of(f.state.update(f.me, "state", {{"x", 1}, {"a", 1}}))
        == "path_conflict");
  CHECK(
    code_of(f.state.update_in(f.me, "state.a", [](const maybe&) { return 1; }))
    == "path_conflict");
  auto twice = f.state.transaction(f.me)
                 .update("state.x", 1)
                 .update("state.x.y", 1)
                 .commit();
  CHECK(code_of(twice) == "path_conflict");
  CHECK(refused_paths(twice.error()) == std::vector<path>{"state.x.y"});
  CHECK(to_text(twice.error())
        == "registry system: a leaf is on the way [state.x.y below the leaf"
           " state.x]");
  auto get = [&](const path& where) {
    return to_text(f.state.get<int>(where).error());
  };
  CHECK(get("state.a")
        == "registry system: path state.a: there is no leaf but"
           " a branch");
  CHECK(get("state.a.b.c.d")
        == "registry system: path state.a.b.c.d: there is"
           " no leaf, as state.a.b is one");
  CHECK(get("state.q") == "registry system: path state.q: there is no leaf");
  CHECK(get("sate.a")
        == "registry system: path sate.a: there is no leaf, and"
           " sate is no mount");
  f.unchanged();
}

TEST_CASE("values that are too deep, too large, or no numbers") {
  fixture f{{.max_value_size = 1 << 20}};
  auto& state = f.state;
  CHECK(code_of(state.update(f.me, "state.deep", deep_dictionary(1000)))
        == "bad_value");
  CHECK(code_of(state.update(f.me, "state.deep", deep_dictionary(100)))
        == "bad_path");
  config_value::list xs;
  xs.push_back(deep_dictionary(1000));
  CHECK(code_of(state.update(f.me, "state.deep", config_value{xs}))
        == "bad_value");
  CHECK(
    code_of(state.update_in(f.me, "state.deep",
                            [](const maybe&) { return deep_dictionary(100); }))
    == "bad_path");
  CHECK(code_of(state.update_in(f.me, "state.deep",
                                [&](const maybe&) { return config_value{xs}; }))
        == "bad_value");
  std::string huge(64 << 20, 'x');
  CHECK(code_of(state.update(f.me, "state.huge", huge)) == "value_too_large");
  CHECK(code_of(state.update(f.me, "state", {{"x", 1}, {"huge", huge}}))
        == "value_too_large");
  CHECK(code_of(state.update_in(f.me, "state.huge",
                                [&](const maybe&) { return huge; }))
        == "value_too_large");
  auto large = std::numeric_limits<uint64_t>::max();
  CHECK(code_of(state.update(f.me, "state.n", large)) == "bad_value");
  CHECK(code_of(state.update(f.me, "state", {{"x", 1}, {"n", large}}))
        == "bad_value");
  CHECK(code_of(state.update(f.me, "state.n", std::chrono::hours::max()))
        == "bad_value");
  CHECK(code_of(
          state.update_in(f.me, "state.n", [&](const maybe&) { return large; }))
        == "callback_threw");
  // A transaction is of use again after it was refused.
  auto again = state.transaction(f.me);
  again.update("state.n", large).update("state.m", 1);
  CHECK(code_of(again.commit()) == "bad_value");
  CHECK(again.commit());
  f.unchanged();
  CHECK(state.update(f.me, "state.none", values{{}}));
  f.unchanged();
}

TEST_CASE("null handles and dead actors") {
  fixture f;
  auto& state = f.state;
  auto refused = [&](const caf::actor& who, const std::string& code) {
    CHECK(code_of(state.update(who, "state.x", 1)) == code);
    CHECK(
      code_of(state.update_in(who, "state.x", [](const maybe&) { return 1; }))
      == code);
    CHECK(code_of(state.remove(who, "state.a.b")) == code);
    CHECK(code_of(state.remove(who, "state", {"a", "b"})) == code);
    CHECK(code_of(state.move(who, "state.a", "state.b")) == code);
    CHECK(code_of(state.transaction(who).commit()) == code);
    CHECK(code_of(state.subscribe(who)) == code);
    CHECK_FALSE(state.unsubscribe(who));
    state.acknowledge(who);
    CHECK(state.paths_of(who).empty());
    CHECK(state.private_snapshot(who).empty());
  };
  refused(caf::actor{}, "null_handle");
  CHECK(code_of(state.remove_all(caf::actor{})) == "null_handle");
  auto dead = f.w.someone();
  REQUIRE(kill_and_wait(dead));
  refused(dead, "dead_actor");
  CHECK(state.remove_all(dead));
  f.unchanged();
}

TEST_CASE("functions that throw") {
  fixture f;
  auto text = [&](auto fn) {
    auto result = f.state.update_in(f.me, "state.a.b", fn);
    CHECK(code_of(result) == "callback_threw");
    f.unchanged();
    return to_text(result.error());
  };
  CHECK(has(text([](const maybe&) -> int { throw std::logic_error{"why"}; }),
            "why"));
  CHECK(has(text([](const maybe&) -> int { throw 7; }), "no std::exception"));
  auto late = f.state.transaction(f.me)
                .update("state.x", 1)
                .remove("state.a")
                .update_in("state.y", [](const maybe&) -> int { throw 7; })
                .commit();
  CHECK(code_of(late) == "callback_threw");
  f.unchanged();
}

TEST_CASE("rules that throw") {
  sys_world w;
  auto moody = [](const cafreg::proposal& x) -> caf::error {
    switch (x.after.get_or("net.mood", 0)) {
      case 0:
        return {};
      case 1:
        throw std::logic_error{"why"};
      default:
        throw "no std::exception";
    }
  };
  system_registry state{
    w.sys,
    {.mounts = {{.key = "net", .rule = access::open, .validate = moody},
                {.key = "free", .rule = access::open}}}};
  auto me = w.someone();
  CHECK(code_of(state.update(me, "net.mood", 1)) == "callback_threw");
  CHECK(code_of(state.update(me, "net.mood", 2)) == "callback_threw");
  CHECK(state.version() == 0);
  REQUIRE(state.update(me, "free.x", 1));
  // Leaves go with their owner, whatever a rule would say.
  REQUIRE(state.update(me, "net.mood", 0));
  kill(me);
  CHECK(eventually([&] { return state.count() == 0; }));
}

TEST_CASE("callbacks that call back") {
  sys_world w;
  system_registry* self = nullptr;
  caf::actor me = w.someone();
  auto reader = w.someone();
  std::vector<std::string> seen;
  auto call_all = [&] {
    seen.clear();
    auto& state = *self;
    seen.push_back(code_of(state.update(me, "state.x", 1)));
    seen.push_back(code_of(state.remove(me, "state.x")));
    seen.push_back(code_of(state.move(me, "state.x", "state.y")));
    seen.push_back(code_of(state.remove_all(me)));
    seen.push_back(code_of(state.transaction(me).commit()));
    seen.push_back(
      code_of(state.update_in(me, "state.x", [](const maybe&) { return 1; })));
    seen.push_back(code_of(state.persist("state", "/nowhere/x")));
    static_cast<void>(state.snapshot());
    static_cast<void>(state.holders());
    static_cast<void>(state.stats());
    static_cast<void>(state.paths_of(me));
    CHECK(state.subscribe(reader));
    CHECK(state.task("state", [](auto&, auto&) {})->cancel());
  };
  auto rule = [&](const cafreg::proposal&) -> caf::error {
    call_all();
    return {};
  };
  system_registry state{
    w.sys,
    {.mounts = {{.key = "state", .rule = access::owned},
                {.key = "net", .rule = access::open, .validate = rule}}}};
  self = &state;
  const std::vector<std::string> all(7, "would_deadlock");
  REQUIRE(state.update(me, "net.a", 1));
  CHECK(seen == all);
  seen.clear();
  REQUIRE(state.update_in(me, "state.a", [&](const maybe&) {
    call_all();
    return 1;
  }));
  CHECK(seen == all);
  CHECK(state.version() == 2);
  // Another registry is another matter.
  system_registry other{w.sys};
  REQUIRE(state.update_in(me, "state.a", [&](const maybe&) {
    CHECK(other.update(me, "state.a", 1));
    return 2;
  }));
  CHECK(other.version() == 1);
}

TEST_CASE("others go on while a callback blocks") {
  sys_world w;
  gate door;
  auto blocks = [&](const cafreg::proposal& x) -> caf::error {
    if (x.after.get_or("net.slow", false) && !x.before.contains("net.slow"))
      door.pass();
    return {};
  };
  system_registry state{
    w.sys,
    {.mounts = {{.key = "state", .rule = access::owned},
                {.key = "net", .rule = access::open, .validate = blocks},
                {.key = "free", .rule = access::open}}}};
  auto me = w.someone();
  auto in = std::make_shared<inbox>();
  auto reader = spawn_reader(w.sys, in);
  REQUIRE(state.subscribe(reader));
  std::thread slow;
  SECTION("a rule") {
    slow = std::thread{[&] { must(state.update(me, "net.slow", true)); }};
  }
  SECTION("an update function") {
    slow = std::thread{[&] {
      must(state.update_in(me, "net.slow", [&](const maybe&) {
        door.pass();
        return true;
      }));
    }};
  }
  REQUIRE(door.wait_for(1));
  auto other = w.someone();
  for (auto i = 0; i < 100; ++i)
    REQUIRE(state.update(other, "free.x", i));
  kill(other);
  REQUIRE(eventually([&] { return state.version() == 101; }));
  auto third = w.someone();
  REQUIRE(state.update(third, "state.x", 1));
  REQUIRE(in->await([](const auto& x) { return x.snapshot.version() == 102; }));
  CHECK(state.stats().subscriptions == 1);
  door.open();
  slow.join();
  CHECK(state.get<bool>("net.slow") == true);
  kill(reader);
}

TEST_CASE("a slow function comes to its end while others write elsewhere") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  auto other = w.someone();
  REQUIRE(state.update(other, "state.other", 0));
  auto calls = 0;
  // Each call sees to it that somebody else was faster.
  REQUIRE(state.update_in(me, "state.mine", [&](const maybe&) {
    ++calls;
    std::thread{[&] {
      must(state.update(other, "state.other", calls));
    }}.join();
    return calls;
  }));
  CHECK(calls == 1);
  // Not so if it is about the same leaf.
  REQUIRE(state.update(me, "config.n", 0));
  calls = 0;
  REQUIRE(state.update_in(me, "config.n", [&](const maybe& old) {
    if (++calls < 5)
      std::thread{[&] { must(state.update(other, "config.n", calls)); }}.join();
    return cafreg::value_as<int>(*old).value() + 100;
  }));
  CHECK(calls == 5);
  CHECK(state.get<int>("config.n") == 104);
  CHECK(state.stats().retries >= 5);
}

TEST_CASE("who is judged by no rule waits for none") {
  auto judged = 0;
  sys_world w;
  system_registry state{w.sys,
                        {.mounts = {{.key = "state", .rule = access::owned},
                                    {.key = "ruled",
                                     .rule = access::owned,
                                     .validate = [&](const cafreg::proposal&) {
                                       ++judged;
                                       return caf::error{};
                                     }}}}};
  auto me = w.someone();
  auto other = w.someone();
  std::atomic<bool> done{false};
  std::thread busy{[&] {
    for (auto i = 0; !done; ++i)
      must(state.update(other, "state.other", i));
  }};
  auto changes = state.transaction(me);
  for (auto i = 0; i < 2'000; ++i)
    changes.update(path{"state", "mine", std::to_string(i)}, i);
  auto committed = changes.commit();
  done = true;
  busy.join();
  REQUIRE(committed);
  CHECK(committed->added.size() == 2'000);
  CHECK(state.stats().retries == 0);
  CHECK(judged == 0);
  // All that concerns a mount with a rule is judged, however it is said.
  REQUIRE(state.update(me, "ruled.a", 1));
  REQUIRE(state.move(me, "state.mine.1", "ruled.b"));
  REQUIRE(state.move(me, "ruled.b", "state.mine.1"));
  REQUIRE(state.update_in(me, "ruled.a", [](auto&) { return 2; }));
  REQUIRE(state.update(me, path{}, {{"ruled", {{"a", 3}}}}));
  REQUIRE(state.remove(me, "ruled"));
  REQUIRE(state.update(me, "ruled.a", 1));
  REQUIRE(state.remove_all(me));
  CHECK(judged == 8);
}

TEST_CASE("functions of one transaction see what the steps before have left") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  auto other = w.someone();
  auto add = [](int x) {
    return [x](const maybe& old) {
      return old ? cafreg::value_as<int>(*old).value() + x : x;
    };
  };
  auto first = true;
  auto meddle = [&](const maybe& old) -> maybe {
    if (std::exchange(first, false))
      std::thread{[&] { must(state.update(other, "config.x", 1000)); }}.join();
    if (!old)
      return std::nullopt;
    return config_value{cafreg::value_as<int>(*old).value() * 2};
  };
  REQUIRE(state.transaction(me)
            .update_in("config.x", add(1))
            .update_in("config.x", add(10))
            .update_in("config.x", meddle)
            .update_in("config.y", meddle)
            .commit());
  CHECK(state.get<int>("config.x") == 2022);
  CHECK_FALSE(state.get<int>("config.y"));
}

TEST_CASE("options that make no sense") {
  sys_world w;
  auto text = [&](system_options x) { return refusal_of(w, std::move(x)); };
  CHECK(has(text({.max_depth = 0}), "max_depth"));
  CHECK(has(text({.max_depth = 1025}), "max_depth"));
  CHECK(has(text({.max_depth = 1}), "max_depth"));
  CHECK(text({.mounts = {}, .max_depth = 1}).empty());
  CHECK(has(text({.max_key_size = 0}), "max_key_size"));
  CHECK(has(text({.max_key_size = 4}), "mount state"));
  CHECK(has(text({.max_value_size = 0}), "max_value_size"));
  CHECK(has(text({.mounts = {{.key = ""}}}), "no key"));
  CHECK(has(text({.mounts = {{.key = "a"}, {.key = "a"}}}), "two mounts"));
  CHECK(has(text({.mounts = {{.key = "a",
                              .rule = access::layered,
                              .priorities = {"x", "*", "x"}}}}),
            "priority x twice"));
  caf::actor_system_config plain;
  caf::actor_system other{plain};
  CHECK_THROWS_AS((system_registry{other}), std::invalid_argument);
}

TEST_CASE("large transactions take time in proportion") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  auto other = w.someone();
  constexpr size_t count = effort(100000, 5000);
  auto fill = state.transaction(me);
  for (size_t i = 0; i < count; ++i)
    fill.update(path{"state", "a", std::to_string(i)}, i);
  auto filled = fill.commit();
  REQUIRE(filled);
  CHECK(filled->added.size() == count);
  SECTION("refusals") {
    auto refused = state.remove(other, "state.a");
    CHECK(code_of(refused) == "reserved_keys");
    CHECK(refused_paths(refused.error()).size() == count);
    CHECK(to_text(refused.error()).size() < 10000);
  }
  SECTION("a move") {
    auto moved = state.move(me, "state.a", "state.b");
    REQUIRE(moved);
    CHECK(moved->size() == 2 * count);
    CHECK(state.count("state.b") == count);
  }
  SECTION("many steps, each of which removes all") {
    auto steps = state.transaction(me);
    for (size_t i = 0; i < 2000; ++i)
      steps.remove_all().update("state.b", i);
    auto done = steps.commit();
    REQUIRE(done);
    CHECK(done->removed.size() == count);
    CHECK(state.paths_of(me) == std::vector<path>{"state.b"});
    CHECK(state.get<size_t>("state.b") == 1999);
  }
}

TEST_CASE("what was moved from says so, or is as good as before") {
  fixture f;
  SECTION("a transaction is not the actor's any more") {
    auto first = f.state.transaction(f.me);
    first.update("state.x", 1);
    auto other = std::move(first);
    // NOLINTBEGIN(bugprone-use-after-move): that is what this is about
    CHECK(code_of(first.commit()) == "null_handle");
    first.update("state.y", 2).remove("state.a").remove_all();
    CHECK(code_of(first.commit()) == "null_handle");
    f.unchanged();
    other = std::move(first);
    CHECK(code_of(other.commit()) == "null_handle");
    // NOLINTEND(bugprone-use-after-move)
    f.unchanged();
  }
  SECTION("a reference") {
    cafreg::system_registry_ref ref = f.state;
    auto other = std::move(ref);
    CHECK(ref.get_or("state.a.b", 0) == 1); // NOLINT(bugprone-use-after-move)
    CHECK(other.get_or("state.a.b", 0) == 1);
  }
  SECTION("a snapshot is empty") {
    auto now = f.state.snapshot();
    auto other = std::move(now);
    CHECK(now.size() == 0); // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(now.contains("state.a.b"));
    CHECK(other == f.before);
  }
}

TEST_CASE("patterns with many ways to match") {
  sys_world w;
  system_registry state{w.sys};
  auto me = w.someone();
  std::vector<std::string> keys(60, "a");
  keys.front() = "state";
  REQUIRE(state.update(me, path{keys}, 1));
  keys.back() = "b";
  REQUIRE(state.update(me, path{keys}, 2));
  std::string pattern = "**";
  for (auto i = 0; i < 20; ++i)
    pattern += ".a.**";
  auto now = state.snapshot();
  auto found = now.match(pattern);
  REQUIRE(found.size() == 2);
  CHECK(found[1].where == path{keys});
  CHECK(now.match(pattern + ".*.b").size() == 1);
  CHECK(now.match(pattern + ".c").empty());
  CHECK(now.match("state.**.**.b").size() == 1);
  CHECK(now.match("").empty());
  CHECK(now.match("state").empty());
  CHECK(now.match("**").size() == 2);
}

} // namespace bad_input_test
