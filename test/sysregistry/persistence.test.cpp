// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <filesystem>

#include <unistd.h>

#include "catch.hpp"
#include "sysregistry/full_disk.hpp"
#include "sysregistry/scratch.hpp"

namespace persistence_test {

using namespace sys_test;

namespace {

using cafreg::access;

/// Writes nothing by itself but at the end.
constexpr cafreg::persist_options lazy{.min_interval = 1h, .hysteresis = 1h};

/// Writes whenever it can.
constexpr cafreg::persist_options eager{.min_interval = 0ns, .hysteresis = 0ns};

/// Leaves a file that holds some leaves.
void prepare_file(const std::string& file, const path& where,
                  const cafreg::values& what) {
  sys_world w;
  system_registry state{w.sys,
                        {.mounts = {{.key = "state", .rule = access::owned},
                                    {.key = "config", .rule = access::shared},
                                    {.key = "net", .rule = access::open}}}};
  auto me = w.someone();
  REQUIRE(state.persist({}, file, lazy));
  REQUIRE(state.update(me, where, what));
  state.close();
  kill(me);
}

struct fixture {
  explicit fixture(cafreg::system_options options = {})
    : state(w.sys, std::move(options)) {
    // nop
  }

  scratch dir;
  sys_world w;
  system_registry state;
  caf::actor me = w.someone();
};

/// Persists to a directory that is gone then.
cafreg::persistence persist_in_passing(fixture& f,
                                       cafreg::persist_options how) {
  auto gone = f.dir / "gone";
  std::filesystem::create_directory(gone);
  auto kept = f.state.persist("state", gone + "/a", how);
  REQUIRE(kept);
  REQUIRE(eventually([&] { return f.state.stats().files_written > 0; }));
  std::filesystem::remove_all(gone);
  return *kept;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("what is persisted comes back, and whoever updates it owns it") {
  fixture f;
  auto file = f.dir / "state.json";
  prepare_file(
    file, "config.a",
    {{"number", 1}, {"text", "x"}, {"list", cafreg::list({1, "b"})}});
  auto kept = f.state.persist("config", file, lazy);
  REQUIRE(kept);
  CHECK_FALSE(kept->load_error());
  CHECK(kept->restored() == 3);
  CHECK(f.state.version() == 1);
  CHECK(f.state.get<std::string>("config.a.text") == "x");
  CHECK(f.state.owner_of("config.a.text") == nullptr);
  CHECK(f.state.holders().size() == 1); // who writes the file
  // The same value takes over, too.
  auto taken = f.state.update(f.me, "config.a.number", 1);
  REQUIRE(taken);
  CHECK(taken->empty());
  CHECK(f.state.owner_of("config.a.number")
        == caf::actor_cast<caf::strong_actor_ptr>(f.me));
  auto other = f.w.someone();
  CHECK(code_of(f.state.remove(other, "config.a.number")) == "reserved_keys");
  REQUIRE(f.state.remove(other, "config.a.text"));
  CHECK(f.state.count() == 2);
  kill(f.me);
  CHECK(eventually([&] { return f.state.count() == 1; }));
  CHECK(f.state.get<std::vector<caf::config_value>>("config.a.list")->size()
        == 2);
}

TEST_CASE("what was restored is respected as what the living have") {
  fixture f;
  auto file = f.dir / "state.json";
  prepare_file(file, "config.db", {{"host", "x"}, {"port", 1}});
  auto kept = f.state.persist("config", file, lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == 2);
  CHECK(code_of(f.state.update(f.me, "config.db", 1)) == "path_conflict");
  CHECK(code_of(f.state.update(f.me, "config.db.port.a", 1))
        == "path_conflict");
  REQUIRE(f.state.update(f.me, "config.new", 2));
  CHECK_FALSE(f.state.move(f.me, "config.new", "config.db.port"));
  CHECK(f.state.get<int>("config.db.port") == 1);
  CHECK(f.state.get<std::string>("config.db.host") == "x");
  CHECK(f.state.count() == 3);
}

TEST_CASE("what is there already is not restored") {
  fixture f;
  auto file = f.dir / "state.json";
  prepare_file(file, "state", {{"a", 1}, {"b", {{"c", 2}}}, {"d", 3}});
  REQUIRE(f.state.update(f.me, "state.a", 10));
  REQUIRE(f.state.update(f.me, "state.b", 20));   // where a branch was
  REQUIRE(f.state.update(f.me, "state.d.e", 30)); // below a leaf
  auto kept = f.state.persist("state", file, lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == 0);
  CHECK(f.state.count() == 3);
  CHECK(f.state.version() == 3);
}

TEST_CASE("what was restored has its priority") {
  sys_world w;
  scratch dir;
  prepare_file(dir / "a", "config.level", "file");
  system_registry conf{
    w.sys, {.mounts = {{.key = "config", .rule = access::layered}}}};
  auto defaults = w.someone();
  auto user = w.someone();
  REQUIRE(conf.update(defaults, "config.level", "default", {"default"}));
  auto kept = conf.persist("config", dir / "a", lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == 1);
  auto level = [&] { return conf.get_or<std::string>("config.level", ""); };
  CHECK(level() == "file");
  REQUIRE(conf.update(user, "config.level", "user"));
  CHECK(level() == "user");
  kill(user);
  CHECK(eventually([&] { return level() == "file"; }));
  // The file may go twice into the same tree.
  REQUIRE_FALSE(kept->flush());
  kept->stop();
  auto again = conf.persist("config", dir / "a", lazy);
  REQUIRE(again);
  CHECK(again->restored() == 1);
  CHECK(level() == "file");
}

TEST_CASE("overrides and defaults of a layered mount are not saved") {
  scratch dir;
  cafreg::system_options layered{
    .mounts = {{.key = "config", .rule = access::layered}}};
  {
    sys_world w;
    system_registry conf{w.sys, layered};
    auto me = w.someone();
    auto other = w.someone();
    auto third = w.someone();
    REQUIRE(conf.persist("config", dir / "a", lazy));
    REQUIRE(conf.update(me, "config", {{"a", 1}, {"b", 1}}, {"default"}));
    REQUIRE(conf.update(other, "config.b", 2));
    REQUIRE(conf.update(third, "config", {{"b", 3}, {"c", 3}}, {"debug"}));
    CHECK(conf.get<int>("config.b") == 3);
  }
  sys_world w;
  system_registry conf{w.sys, layered};
  auto kept = conf.persist("config", dir / "a", lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == 1);
  CHECK(conf.get<int>("config.b") == 2);
  CHECK(conf.count() == 1);
}

TEST_CASE("a file is for one part of one registry") {
  fixture f;
  auto file = f.dir / "a";
  auto first = f.state.persist("state", file, lazy);
  REQUIRE(first);
  auto second = f.state.persist("config", file, lazy);
  REQUIRE_FALSE(second);
  CHECK(is(second.error(), errc::bad_file));
  CHECK(has(to_text(second.error()), "another part of this registry"));
  first->stop();
  REQUIRE(f.state.persist("config", file, lazy));
}

TEST_CASE("a file with other paths is kept aside") {
  fixture f;
  prepare_file(f.dir / "a", "state.x", 1);
  auto kept = f.state.persist("config", f.dir / "a", lazy);
  REQUIRE(kept);
  CHECK(is(kept->load_error(), errc::bad_file));
  CHECK(has(to_text(kept->load_error()),
            "it holds state.x, which is not below config; kept aside"));
  CHECK(kept->restored() == 0);
  CHECK(f.state.count() == 0);
  REQUIRE(f.state.persist("state", f.dir / "a.refused", lazy));
  CHECK(f.state.get<int>("state.x") == 1);
}

TEST_CASE("what cannot be restored is kept aside") {
  fixture f{{.mounts = {{.key = "state"}}, .max_value_size = 1000}};
  {
    sys_world w;
    system_registry state{w.sys};
    auto me = w.someone();
    REQUIRE(state.persist({}, f.dir / "a", lazy));
    REQUIRE(
      state.update(me, "state", {{"x", 1}, {"y", std::string(2000, 'y')}}));
    REQUIRE(state.update(me, "config.z", 1));
  }
  auto kept = f.state.persist({}, f.dir / "a", lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == 1);
  CHECK(f.state.get<int>("state.x") == 1);
  CHECK(is(kept->load_error(), errc::bad_file));
  CHECK(has(to_text(kept->load_error()), "2 of its leaves cannot be restored"));
  REQUIRE_FALSE(kept->flush());
  CHECK(f.dir.names() == std::vector<std::string>{"a", "a.refused"});
}

TEST_CASE("a directory is left alone") {
  fixture f;
  std::filesystem::create_directory(f.dir / "a");
  auto kept = f.state.persist("state", f.dir / "a", lazy);
  REQUIRE_FALSE(kept);
  CHECK(is(kept.error(), errc::bad_file));
  CHECK(has(to_text(kept.error()), "registry system"));
  CHECK(f.dir.names() == std::vector<std::string>{"a"});
}

TEST_CASE("a rule may refuse what a file holds, which then stays") {
  scratch dir;
  auto file = dir / "net.json";
  prepare_file(file, "net.mtu", 1);
  auto content = dir.get("net.json");
  sys_world w;
  auto refuses = [](const cafreg::proposal& x) -> caf::error {
    if (x.after.get_or<int>("net.mtu", 1500) < 68)
      return make_error(errc::bad_value, x.who ? "you" : "nobody");
    if (x.after.contains("net.bomb"))
      throw 7;
    return {};
  };
  {
    system_registry state{
      w.sys,
      {.mounts = {{.key = "net", .rule = access::open, .validate = refuses}}}};
    auto kept = state.persist("net", file, eager);
    CHECK(code_of(kept) == "rule_refused");
    CHECK(has(to_text(kept.error()), "nobody"));
    CHECK(state.count() == 0);
    CHECK(state.stats().subscriptions == 0);
  }
  CHECK(dir.get("net.json") == content);
}

TEST_CASE("a bad file is kept aside, and the registry goes on") {
  fixture f;
  auto file = f.dir / "state.json";
  std::string why;
  SECTION("foreign") {
    f.dir.put("state.json", "# my favourite settings\n");
    why = "no file of cafreg";
  }
  SECTION("torn") {
    prepare_file(file, "state.a", 1);
    auto content = f.dir.get("state.json");
    f.dir.put("state.json", content.substr(0, content.size() - 5));
    why = "torn";
  }
  SECTION("empty") {
    f.dir.put("state.json", "");
    why = "empty";
  }
  auto kept = f.state.persist("state", file, lazy);
  REQUIRE(kept);
  CHECK(is(kept->load_error(), errc::bad_file));
  CHECK(has(to_text(kept->load_error()), why));
  CHECK(has(to_text(kept->load_error()), file + ".refused"));
  CHECK(kept->restored() == 0);
  REQUIRE(eventually([&] { return f.state.stats().files_written == 1; }));
  REQUIRE(f.state.update(f.me, "state.a", 1));
  CHECK_FALSE(kept->flush());
  CHECK(f.dir.names()
        == std::vector<std::string>{"state.json", "state.json.refused"});
}

TEST_CASE("a file that can neither be read nor kept aside is an error") {
  fixture f;
  CHECK(code_of(f.state.persist("state", "/proc/self/mem", lazy))
        == "bad_file");
  CHECK(code_of(f.state.persist("state", std::string("a\0b", 3), lazy))
        == "bad_file");
  CHECK(f.state.stats().subscriptions == 0);
  CHECK(f.state.update(f.me, "state.a", 1));
  // A directory that goes is an error when something is written.
  auto kept = persist_in_passing(f, lazy);
  CHECK(f.state.update(f.me, "state.b", 1));
  CHECK(is(kept.flush(), errc::bad_file));
  CHECK(is(kept.write_error(), errc::bad_file));
}

TEST_CASE("a full disk is told of, and tried again") {
  fixture f;
  auto kept = f.state.persist("state", f.dir / "a",
                              {.min_interval = 0ns, .hysteresis = 0ns});
  REQUIRE(kept);
  REQUIRE(eventually([&] { return f.state.stats().files_written == 1; }));
  {
    full_disk disk{16};
    REQUIRE(f.state.update(f.me, "state.a", std::string(4000, 'x')));
    REQUIRE(eventually([&] { return f.state.stats().write_failures > 0; }));
    CHECK(is(kept->write_error(), errc::bad_file));
    CHECK(is(kept->flush(), errc::bad_file));
    REQUIRE(f.state.update(f.me, "state.a", std::string(5000, 'y')));
    REQUIRE(eventually([&] { return f.state.stats().write_failures > 2; }));
    CHECK(f.state.get<std::string>("state.a")->size() == 5000);
  }
  // Nobody changes anything more.
  CHECK(eventually([&] { return f.state.stats().files_written == 2; }));
  CHECK_FALSE(kept->write_error());
  CHECK(has(f.dir.get("a"), std::string(5000, 'y')));
  CHECK(f.dir.names() == std::vector<std::string>{"a"});
}

TEST_CASE("failures to write do not add up") {
  fixture f;
  auto kept = persist_in_passing(f, eager);
  // Each of these states cannot be written.
  constexpr auto count = 50;
  auto failures = [&] { return f.state.stats().write_failures; };
  for (auto i = 1; i <= count; ++i) {
    REQUIRE(f.state.update(f.me, "state.a", i));
    auto before = failures();
    REQUIRE(eventually([&] { return failures() > before; }));
  }
  // From here on once a second, and not once for each of them.
  auto begin = std::chrono::steady_clock::now();
  auto before = failures();
  REQUIRE(eventually([&] { return failures() >= before + 2; }));
  CHECK(std::chrono::steady_clock::now() - begin >= 900ms);
}

TEST_CASE("flush writes now, stop leaves the file as it is") {
  fixture f;
  auto kept = f.state.persist("state", f.dir / "a", lazy);
  REQUIRE(kept);
  REQUIRE(f.state.update(f.me, "state.a", "first"));
  CHECK_FALSE(kept->flush());
  CHECK(has(f.dir.get("a"), "first"));
  auto written = f.state.stats().files_written;
  CHECK_FALSE(kept->flush()); // nothing new
  CHECK(f.state.stats().files_written == written);
  REQUIRE(f.state.update(f.me, "state.a", "second"));
  kept->stop();
  CHECK_FALSE(kept->flush());
  CHECK(f.state.stats().subscriptions == 0);
  f.state.close();
  CHECK(has(f.dir.get("a"), "first"));
  CHECK(is(kept->flush(), errc::closed));
  kept->stop();
}

TEST_CASE("the last state is written when a registry closes") {
  scratch dir;
  for (auto i = 0; i < 20; ++i) {
    sys_world w;
    auto file = dir / std::to_string(i);
    auto me = w.someone();
    system_registry state{w.sys};
    REQUIRE(state.persist("state", file, i % 2 == 0 ? lazy : eager));
    std::atomic<int> done{0};
    std::thread writer{[&] {
      for (auto n = 1; state.update(me, "state.n", n); ++n)
        done = n;
    }};
    REQUIRE(eventually([&] { return done > 10; }));
    // Whoever of them is the first.
    in_threads(3, [&](size_t) {
      state.close();
      must(state.closed());
    });
    writer.join();
    kill(me);
    system_registry next{w.sys};
    auto kept = next.persist("state", file, lazy);
    REQUIRE(kept);
    CHECK_FALSE(kept->load_error());
    CHECK(next.get_or<int>("state.n", 0) == done);
  }
}

TEST_CASE("two registries on one file, two scopes in two files") {
  sys_world w;
  scratch dir;
  auto me = w.someone();
  {
    system_registry one{w.sys, {.name = "one"}};
    system_registry two{w.sys, {.name = "two"}};
    REQUIRE(one.persist("state", dir / "both", eager));
    REQUIRE(two.persist("state", dir / "both", eager));
    REQUIRE(one.persist("config.a", dir / "a", lazy));
    REQUIRE(one.persist("config.b", dir / "b", lazy));
    REQUIRE(one.persist("config.leaf", dir / "leaf", lazy));
    REQUIRE(one.update(me, "config", {{"a", 1}, {"b", 2}, {"c", 3}}));
    REQUIRE(one.update(me, "config.leaf", "x"));
    in_threads(2, [&](size_t t) {
      auto& mine = t == 0 ? one : two;
      for (auto i = 0; i < 20; ++i)
        must(mine.update(me, "state.n", i));
    });
  }
  CHECK(dir.names() == std::vector<std::string>{"a", "b", "both", "leaf"});
  system_registry next{w.sys};
  auto a = next.persist("config.a", dir / "a", lazy);
  REQUIRE(a);
  CHECK(to_string(next.snapshot()) == "version 1\nconfig.a = 1");
  // From a file of all, what is in the scope.
  auto b = next.persist("config", dir / "b", lazy);
  REQUIRE(b);
  CHECK(b->restored() == 1);
  auto both = next.persist("state", dir / "both", lazy);
  REQUIRE(both);
  CHECK_FALSE(both->load_error());
  CHECK(next.get<int>("state.n") == 19);
  auto leaf = next.persist("config.leaf", dir / "leaf", lazy);
  REQUIRE(leaf);
  CHECK(next.get<std::string>("config.leaf") == "x");
}

TEST_CASE("paths that cannot be persisted touch no file") {
  fixture f;
  f.dir.put("a", "precious");
  CHECK(code_of(f.state.persist(path{"state", ""}, f.dir / "a")) == "bad_path");
  // Private paths are in no file.
  CHECK(code_of(f.state.persist("scratch", f.dir / "a")) == "bad_path");
  CHECK(f.dir.names() == std::vector<std::string>{"a"});
  f.state.close();
  CHECK(code_of(f.state.persist("state", f.dir / "a")) == "closed");
  CHECK(f.dir.get("a") == "precious");
}

TEST_CASE("a hundred thousand leaves go to a file and back") {
  scratch dir;
  constexpr size_t count = effort(100000, 2000);
  sys_world w;
  auto me = w.someone();
  {
    system_registry state{w.sys};
    auto many = state.transaction(me);
    for (size_t i = 0; i < count; ++i)
      many.update(path{"state", "n" + std::to_string(i)}, i);
    REQUIRE(many.commit());
    REQUIRE(state.persist("state", dir / "a", lazy));
  }
  kill(me);
  system_registry next{w.sys};
  auto kept = next.persist("state", dir / "a", lazy);
  REQUIRE(kept);
  CHECK(kept->restored() == count);
  CHECK(next.get<size_t>(path{"state", "n" + std::to_string(count - 1)})
        == count - 1);
}

TEST_CASE("restoring comes to its end while others write elsewhere") {
  fixture f;
  {
    sys_world w;
    system_registry before{w.sys};
    auto me = w.someone();
    auto all = before.transaction(me);
    for (auto i = 0; i < 2'000; ++i)
      all.update(path{"config", std::to_string(i)}, i);
    REQUIRE(all.commit());
    REQUIRE(before.persist("config", f.dir / "many.json", lazy));
    before.close();
    kill(me);
  }
  std::atomic<bool> done{false};
  std::thread busy{[&] {
    for (auto i = 0; !done; ++i)
      must(f.state.update(f.me, "state.a", i));
  }};
  auto kept = f.state.persist("config", f.dir / "many.json", lazy);
  done = true;
  busy.join();
  REQUIRE(kept);
  CHECK(kept->restored() == 2'000);
  CHECK(f.state.count("config") == 2'000);
}

TEST_CASE("a file without a directory is refused at once") {
  fixture f;
  auto file = f.dir / "missing/state.json";
  auto kept = f.state.persist("config", file);
  CHECK(code_of(kept) == "bad_file");
  CHECK(has(to_text(kept.error()), "there is no directory for it"));
  CHECK(code_of(f.state.persist("config", file)) == "bad_file"); // still
}

TEST_CASE("restoring while others write and die") {
  scratch dir;
  prepare_file(dir / "a", "config",
               {{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}, {"e", 0}});
  auto content = dir.get("a");
  for (auto i = 0; i < 20; ++i) {
    dir.put("a", content);
    sys_world w;
    system_registry state{w.sys};
    in_threads(3, [&](size_t t) {
      if (t == 0) {
        auto kept = state.persist("config", dir / "a", lazy);
        must(kept);
        kept->stop();
        return;
      }
      auto me = w.someone();
      for (auto key : {"a", "b", "c", "d", "e"})
        must(state.update(me, path{"config", key}, 1));
      kill(me);
    });
    CHECK(eventually([&] { return state.stats().actors == 0; }));
    // Either nobody took it over, or it went with whoever did.
    CHECK(state.count() <= 5);
    state.snapshot().for_each([&](const path& where, auto& value) {
      CHECK(cafreg::value_as<int>(value) == 0);
      CHECK(state.owner_of(where) == nullptr);
    });
  }
}

TEST_CASE("a file that fails does not keep the program from its end") {
  auto begin = std::chrono::steady_clock::now();
  {
    fixture f;
    auto kept = persist_in_passing(f, {.min_interval = 1h, .hysteresis = 0ns});
    REQUIRE(f.state.update(f.me, "state.a", 1));
    REQUIRE(eventually([&] { return f.state.stats().write_failures > 0; }));
    SECTION("closed") {
      // nop
    }
    SECTION("stopped") {
      kept.stop();
    }
  }
  CHECK(std::chrono::steady_clock::now() - begin < 1h);
}

TEST_CASE("a rule or an update function must not persist") {
  scratch dir;
  prepare_file(dir / "a", "config.a", 1);
  fixture f;
  std::string inner;
  size_t calls = 0;
  REQUIRE(f.state.update_in(f.me, "config.b", [&](const auto&) {
    ++calls;
    inner = code_of(f.state.persist("config", dir / "a", lazy));
    return 1;
  }));
  CHECK(inner == "would_deadlock");
  CHECK(calls == 1);
}

} // namespace persistence_test
