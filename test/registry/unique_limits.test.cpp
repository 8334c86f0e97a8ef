// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <fstream>
#include <tuple>

#include <unistd.h>

namespace unique_limits_test {

using namespace caf_test;

namespace {

// Memory of this process in bytes.
size_t resident() {
  std::ifstream in{"/proc/self/statm"};
  size_t total = 0;
  size_t pages = 0;
  in >> total >> pages;
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

constexpr size_t mebibyte = size_t{1} << 20;

// Allocators of sanitizers keep freed memory for a while.
constexpr size_t slack = effort(16, 200) * mebibyte;

} // namespace

TEST_CASE("a million names") {
  world w;
  const auto keys = effort(1'000'000, 50'000);
  constexpr size_t actors = 1000;
  names_type names{w.sys};
  std::vector<caf::actor> all;
  for (size_t i = 0; i < actors; ++i)
    all.push_back(w.sys.spawn(idle));
  auto key = [](size_t i) { return "process-" + std::to_string(i); };
  size_t failed = 0;
  for (size_t i = 0; i < keys; ++i) {
    auto done = names.register_as(all[i % actors], key(i), static_cast<int>(i));
    if (!done || !done->inserted)
      ++failed;
  }
  CHECK(failed == 0);
  CHECK(names.count() == keys);
  CHECK(names.stats().registrants == actors);
  size_t wrong = 0;
  for (size_t i = 0; i < keys; ++i)
    if (!names.visit(key(i), [&](const names_type::view_type& x) {
          if (x.value() != static_cast<int>(i)
              || x.id() != all[i % actors].id())
            ++wrong;
        }))
      ++wrong;
  CHECK(wrong == 0);
  CHECK_FALSE(names.lookup(key(keys)));
  uint64_t sum = 0;
  names.for_each([&sum](const names_type::view_type& x) {
    sum += static_cast<uint64_t>(x.value());
  });
  CHECK(sum == uint64_t{keys} * (keys - 1) / 2);
  CHECK(names.keys(all[7]).size() == keys / actors);
  SECTION("die with their actors") {
    for (auto& x : all)
      kill(x);
    CHECK(eventually([&] { return names.count() == 0; }));
    CHECK(names.stats().removals == keys);
  }
  SECTION("are closed") {
    names.close();
    CHECK(names.count() == 0);
    for (auto& x : all)
      kill(x);
  }
}

TEST_CASE("names of a mebibyte") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  auto key = [](size_t i) {
    std::string result(mebibyte, 'k');
    result[i] = '!';
    return result;
  };
  constexpr size_t keys = 20;
  for (size_t i = 0; i < keys; ++i)
    CHECK(names.register_as(a, key(i), static_cast<int>(i))->inserted);
  CHECK(names.count() == keys);
  for (size_t i = 0; i < keys; ++i) {
    auto found = names.lookup(key(i));
    REQUIRE(found);
    CHECK(found->value() == static_cast<int>(i));
    CHECK(found->key() == key(i));
  }
  CHECK_FALSE(names.lookup(key(keys)));
  CHECK_FALSE(names.lookup(std::string(mebibyte - 1, 'k')));
  CHECK(names.update_value(a, key(3), [](int x) { return -x; })->value == -3);
  auto taken = names.spawn_as(key(3), 1, idle);
  CHECK(code_of(taken) == "already_registered");
  // The text names the key, not all of it.
  CHECK(cafreg::to_text(taken.error()).size() < 300);
  CHECK(cafreg::to_text(taken.error()).find("(1048576 bytes)")
        != std::string::npos);
  for (size_t i = 0; i < keys; i += 2)
    CHECK(names.unregister(a, key(i)) == size_t{1});
  CHECK(names.count() == keys / 2);
  kill(a);
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("names may be too long") {
  world w;
  names_type names{w.sys, {.name = "app", .max_key_size = 8}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  CHECK(names.register_as(a, "12345678")->inserted);
  const auto* key = "123456789";
  CHECK(code_of(names.register_as(a, key)) == "key_too_large");
  CHECK(code_of(names.spawn_as(key, 1, idle)) == "key_too_large");
  CHECK(code_of(names.standby(key, a)) == "key_too_large");
  CHECK(code_of(names.watch(key, a)) == "key_too_large");
  CHECK(code_of(names.await(key, a, 1s)) == "key_too_large");
  CHECK(code_of(names.await(key, 1s)) == "key_too_large");
  // Reading and removing are fine: there is nothing.
  CHECK(names.lookup(key).error() == cafreg::errc::no_such_name);
  CHECK(names.unregister(a, key) == size_t{0});
  CHECK(names.count() == 1);
  auto text = cafreg::to_text(names.register_as(a, key).error());
  CHECK(text
        == "registry app: key 123456789: longer than the limit of 8 bytes");
  kill(a);
  kill(b);
}

TEST_CASE("ten million registrations leave memory as it was") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  const auto pairs = effort(10'000'000, 200'000);
  auto churn = [&](size_t count) {
    std::string key = "name-0";
    size_t failed = 0;
    for (size_t i = 0; i < count; ++i) {
      key[5] = static_cast<char>('0' + i % 10);
      if (!names.register_as(a, key, 1))
        ++failed;
      if (names.unregister(a, key) != size_t{1})
        ++failed;
    }
    return failed;
  };
  CHECK(churn(pairs / 10) == 0); // to warm up
  auto before = resident();
  CHECK(churn(pairs - pairs / 10) == 0);
  auto after = resident();
  CAPTURE(before);
  CAPTURE(after);
  CHECK(after < before + slack);
  CHECK(names.stats().removals == pairs);
  kill(a);
}

TEST_CASE("registrations by several threads leave memory as it was") {
  world w;
  names_type names{w.sys};
  const auto pairs = effort(1'000'000, 50'000);
  auto churn = [&](size_t count) {
    in_threads(3, [&](size_t t) {
      auto mine = w.sys.spawn(idle);
      for (size_t i = 0; i < count; ++i) {
        // Some keys are the same for all.
        auto key = std::to_string(i % 64 + t / 2 * 32);
        names.register_as(mine, key);
        names.update_value(mine, key, [](int x) { return x + 1; });
        names.lookup(key).reset();
        names.unregister(mine, key);
      }
      kill(mine);
    });
  };
  churn(pairs / 5);
  auto before = resident();
  churn(pairs);
  auto after = resident();
  CAPTURE(before);
  CAPTURE(after);
  CHECK(after < before + slack);
  CHECK(eventually([&] { return names.count() == 0; }));
}

TEST_CASE("registrants that come and go leave memory as it was") {
  world w;
  names_type names{w.sys};
  const auto actors = effort(200'000, 10'000);
  size_t total = 0;
  auto churn = [&](size_t count) {
    constexpr size_t crowd = 1000;
    for (size_t done = 0; done < count; done += crowd) {
      for (size_t i = 0; i < crowd; ++i) {
        auto who = w.sys.spawn(idle);
        names.register_as(who, "a" + std::to_string(i));
        names.register_as(who, "b" + std::to_string(i));
        kill(who);
      }
      total += crowd;
      wait_until([&] { return names.stats().cleanups == total; });
    }
  };
  churn(actors / 5);
  auto before = resident();
  churn(actors);
  auto after = resident();
  CAPTURE(before);
  CAPTURE(after);
  CHECK(after < before + slack);
  CHECK(names.count() == 0);
  CHECK(names.stats().registrants == 0);
  CHECK(running_actors(w.sys) == 0);
}

TEST_CASE("interests that come and go leave memory as it was") {
  world w;
  names_type names{w.sys};
  auto sink = w.sys.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {
      [](const cafreg::awaited&) {},    [](const cafreg::name_state&) {},
      [](const cafreg::registered&) {}, [](const cafreg::unregistered&) {},
      [](int x) { return x; },
    };
  });
  const auto rounds = effort(100'000, 5'000);
  auto churn = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto key = std::to_string(i % 100);
      auto watching = names.watch(key, sink);
      auto waiting = names.await(key, sink, 1h);
      auto standing = names.standby(key, sink, 1);
      std::ignore = names.add_listener(sink);
      names.remove_listener(sink);
      watching->cancel();
      waiting->cancel();
      standing->cancel();
      names.unregister(sink, key);
      if (i % 1000 == 0) {
        // The mailbox of the sink must not count.
        caf::scoped_actor self{w.sys};
        cafreg::detail::request(self.ptr(), sink, patience, 1)
          .receive([](int) {}, [](const caf::error&) {});
      }
    }
  };
  churn(rounds / 5);
  auto before = resident();
  churn(rounds);
  auto after = resident();
  CAPTURE(before);
  CAPTURE(after);
  CHECK(after < before + slack);
  CHECK(names.holders().empty());
  kill(sink);
}

TEST_CASE("a reader that stays bounds neither writers nor keepers") {
  world w;
  names_type names{w.sys};
  auto a = w.sys.spawn(idle);
  names.register_as(a, "stays", 1);
  auto inside = std::make_shared<gate>();
  std::thread reader{
    [&] { names.visit("stays", [&](const auto&) { inside->pass(); }); }};
  REQUIRE(inside->wait_for(1));
  const auto pairs = effort(100'000, 10'000);
  for (size_t i = 0; i < pairs; ++i) {
    names.register_as(a, "x", 1);
    names.unregister(a, "x");
  }
  inside->open();
  reader.join();
  // All that had to wait goes at once: what comes next needs no more memory.
  auto before = resident();
  for (size_t i = 0; i < pairs; ++i) {
    names.register_as(a, "x", 1);
    names.unregister(a, "x");
  }
  CHECK(resident() < before + slack);
  kill(a);
}

} // namespace unique_limits_test
