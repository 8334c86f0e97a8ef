// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "sysregistry/sys_helpers.hpp"

#include <optional>
#include <random>

#include "catch.hpp"

namespace invariants_test {

using namespace sys_test;

namespace {

using maybe = std::optional<caf::config_value>;

constexpr size_t accounts = 8;

constexpr int money = 1000;

path account(size_t i) {
  return path{"bank", "account" + std::to_string(i)};
}

/// What is in all accounts, if they are there.
int sum(const snapshot& x) {
  auto result = 0;
  x.for_each("bank", [&](const path&, const caf::config_value& value) {
    result += cafreg::value_as<int>(value).value();
  });
  return result;
}

auto add(int x) {
  return [x](const maybe& old) {
    return old ? cafreg::value_as<int>(*old).value() + x : x;
  };
}

} // namespace

TEST_CASE("nobody sees a broken invariant") {
  sys_world w;
  auto checks = GENERATE(false, true);
  std::atomic<bool> broken{false};
  auto rule = [&](const cafreg::proposal& x) -> caf::error {
    if (sum(x.before) != 0 && sum(x.before) != money)
      broken = true;
    if (sum(x.after) != money)
      return make_error(errc::bad_value, "money is missing");
    return {};
  };
  cafreg::mount bank{.key = "bank", .rule = cafreg::access::open};
  if (checks)
    bank.validate = rule;
  system_registry state{
    w.sys, {.mounts = {bank, {.key = "state", .rule = cafreg::access::owned}}}};
  auto owner = w.someone();
  {
    auto open = state.transaction(owner);
    for (size_t i = 0; i < accounts; ++i)
      open.update(account(i), i == 0 ? money : 0);
    REQUIRE(open.commit());
  }
  std::vector<caf::actor> readers;
  std::vector<std::shared_ptr<inbox>> boxes;
  for (auto i = 0; i < 3; ++i) {
    boxes.push_back(std::make_shared<inbox>());
    readers.push_back(spawn_reader(w.sys, boxes.back()));
    REQUIRE(state.subscribe(
      readers.back(),
      {.scope = "bank", .min_interval = std::chrono::microseconds{i * 300}}));
  }
  constexpr size_t threads = 4;
  constexpr size_t rounds = effort(400, 100);
  std::atomic<size_t> refused{0};
  std::atomic<size_t> counted{0};
  in_threads(threads, [&](size_t t) {
    std::mt19937 random{static_cast<unsigned>(t)};
    auto me = w.someone();
    uint64_t version = 0;
    for (size_t i = 0; i < rounds; ++i) {
      auto from = account(random() % accounts);
      auto to = account(random() % accounts);
      auto amount = static_cast<int>(random() % 10);
      switch (random() % 8) {
        default:
          must(state.transaction(me)
                 .update_in(from, add(-amount))
                 .update_in(to, add(amount))
                 .update("state.by" + std::to_string(t), i)
                 .commit());
          break;
        case 1: // to a new account
          must(state.transaction(owner)
                 .update_in(from, add(-amount))
                 .update_in("bank.new", add(amount))
                 .commit());
          break;
        case 2: // has no effect
          if (checks && !state.update_in(me, from, add(1)))
            ++refused;
          break;
        case 3: {
          auto now = state.snapshot();
          if (sum(now) != money || now.version() < version)
            broken = true;
          version = now.version();
          break;
        }
        case 4: { // lives, counts, and dies with what it owns
          auto mortal = w.someone();
          auto mine = path{"state", "m" + std::to_string(mortal.id())};
          must(state.update(mortal, mine, 1));
          kill(mortal);
          ++counted;
          break;
        }
        case 5:
          must(state.update_in(owner, "state.count", add(1)));
          break;
      }
    }
    kill(me);
  });
  CHECK_FALSE(broken);
  auto now = state.snapshot("bank");
  CHECK(sum(now) == money);
  CHECK((refused > 0) == checks);
  for (auto& box : boxes) {
    CHECK(box->await([&](const auto& x) { return x.snapshot == now; }));
    uint64_t last = 0;
    for (auto& x : box->states()) {
      CHECK(sum(x.snapshot) == money);
      CHECK(x.snapshot.version() > last);
      last = x.snapshot.version();
    }
  }
  // The dead are gone; the owner of the bank lives.
  CHECK(eventually([&] { return state.stats().actors == 1 + readers.size(); }));
  for (auto& x : readers)
    kill(x);
}

TEST_CASE("a history of one leaf is in one order for all") {
  sys_world w;
  system_registry state{w.sys};
  auto owner = w.someone();
  constexpr size_t threads = 4;
  constexpr size_t rounds = effort(500, 100);
  struct step {
    uint64_t version;
    int old_value;
    int new_value;
  };
  std::vector<std::vector<step>> seen(threads);
  REQUIRE(state.update(owner, "config.x", 0));
  in_threads(threads, [&](size_t t) {
    std::mt19937 random{static_cast<unsigned>(t)};
    auto me = w.someone();
    for (size_t i = 0; i < rounds; ++i) {
      auto value = static_cast<int>(1 + t + threads * i);
      auto done = random() % 2 == 0
                    ? state.update(me, "config.x", value)
                    : state.update_in(me, "config.x",
                                      [&](const maybe&) { return value; });
      must(done);
      must(done->changed.size() == 1);
      auto& change = done->changed.front();
      seen[t].push_back({done->version,
                         cafreg::value_as<int>(*change.old_value).value(),
                         cafreg::value_as<int>(*change.new_value).value()});
      auto now = state.get<int>("config.x").value();
      must(now != cafreg::value_as<int>(*change.old_value).value());
      // What is read is no older than what was written before.
      must(state.version() >= done->version);
    }
    kill(me);
  });
  std::vector<step> all;
  for (auto& xs : seen) {
    CHECK(std::is_sorted(xs.begin(), xs.end(), [](auto& x, auto& y) {
      return x.version < y.version;
    }));
    all.insert(all.end(), xs.begin(), xs.end());
  }
  std::sort(all.begin(), all.end(),
            [](auto& x, auto& y) { return x.version < y.version; });
  REQUIRE(all.size() == threads * rounds);
  for (size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].version == i + 2);
    REQUIRE(all[i].old_value == (i == 0 ? 0 : all[i - 1].new_value));
  }
}

} // namespace invariants_test
