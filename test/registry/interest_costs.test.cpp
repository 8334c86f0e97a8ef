// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What wishes cost, in steps rather than in time.

#include "registry/caf_helpers.hpp"

#include "cafreg/detail/interests.hpp"

#include "catch.hpp"

#include <algorithm>

namespace interest_costs_test {

using namespace caf_test;

using cafreg::detail::interest;
using cafreg::detail::interests;

namespace {

using kind = interest::kind;

// A wish about a number.
class wish final : public interest {
public:
  wish(kind what, int key, caf::strong_actor_ptr who)
    : interest(what, 0, hash_of(key), std::move(who)), key_(key) {
    // nop
  }

  bool about(const void* other) const noexcept override {
    return key_ == *static_cast<const int*>(other);
  }

  cafreg::detail::event_data_ptr nobody() const override {
    return nullptr;
  }

  std::string text() const override {
    return std::to_string(key_);
  }

  static uint64_t hash_of(int key) noexcept {
    return static_cast<uint64_t>(key);
  }

private:
  int key_;
};

struct fixture : world {
  static constexpr size_t crowd = 1000;

  interests wishes;
  caf::strong_actor_ptr who
    = caf::actor_cast<caf::strong_actor_ptr>(sys.spawn(idle));

  ~fixture() {
    cafreg::detail::kill(who.get());
  }

  void add(kind what, int key) {
    auto x = std::make_unique<wish>(what, key, who);
    x->id = wishes.next_id();
    REQUIRE(wishes.add(std::move(x)));
  }

  size_t take(kind what, int key, size_t limit = static_cast<size_t>(-1)) {
    return wishes.take(wish::hash_of(key), &key, what, limit).size();
  }
};

// Gives access to what a registry is made of.
struct open_registry : names_type {
  using names_type::names_type;
  using names_type::super::core_;
};

} // namespace

TEST_CASE("a crowd that waits for one name is answered in one pass") {
  fixture f;
  for (size_t i = 0; i < f.crowd; ++i)
    f.add(kind::await, 7);
  CHECK(f.take(kind::await, 7) == f.crowd);
  CHECK(f.wishes.search_steps() == f.crowd);
}

TEST_CASE("who waits for one name is not in the way of another") {
  fixture f;
  for (size_t i = 0; i < f.crowd; ++i)
    f.add(kind::await, static_cast<int>(i));
  for (size_t i = 0; i < f.crowd; ++i)
    CHECK(f.take(kind::await, static_cast<int>(i)) == 1);
  CHECK(f.wishes.search_steps() == f.crowd);
}

TEST_CASE("a queue of standbys is worked off one by one") {
  fixture f;
  for (size_t i = 0; i < f.crowd; ++i)
    f.add(kind::standby, 7);
  for (size_t i = 0; i < f.crowd; ++i) {
    CHECK(f.take(kind::standby, 7, 1) == 1);
    // As each change of a name does.
    CHECK(f.take(kind::await, 7) == 0);
    int key = 7;
    f.wishes.post_to_watchers(wish::hash_of(key), &key, {});
  }
  CHECK(f.wishes.search_steps() == f.crowd);
}

TEST_CASE("the wishes of a dead actor are found without looking at others") {
  fixture f;
  for (size_t i = 0; i < f.crowd; ++i)
    f.add(kind::await, static_cast<int>(i % 3));
  CHECK(f.wishes.take_of(f.who.get()).size() == f.crowd);
  CHECK(f.wishes.search_steps() == 0);
}

TEST_CASE("wishes of one kind are taken oldest first") {
  fixture f;
  std::vector<uint64_t> ids;
  for (auto i = 0; i < 10; ++i) {
    f.add(i % 2 == 0 ? kind::watch : kind::await, 7);
  }
  int key = 7;
  for (auto& x : f.wishes.take(wish::hash_of(key), &key, kind::await))
    ids.push_back(x->id);
  CHECK(ids.size() == 5);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
}

TEST_CASE("many long waits need one alarm") {
  world w;
  open_registry names{w.sys};
  auto log = std::make_shared<journal>();
  auto who = spawn_recorder(w.sys, log);
  for (auto i = 0; i < 1000; ++i)
    REQUIRE(names.await(std::to_string(i), who, std::chrono::hours{1 + i % 5}));
  CHECK(names.core_->alarms() == 1);
  // A shorter wait needs one of its own, others behind it none.
  for (auto i = 0; i < 1000; ++i)
    REQUIRE(names.await(std::to_string(i), who, std::chrono::minutes{30 + i}));
  CHECK(names.core_->alarms() == 2);
  for (auto i = 0; i < 5; ++i)
    REQUIRE(names.await("soon", who, 1ms * i));
  CHECK(log->wait_for(5).size() == 5);
  // What has rung is forgotten.
  CHECK(eventually([&] { return names.core_->alarms() == 2; }));
  names.close();
  kill(who);
}

} // namespace interest_costs_test
