// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "memory.hpp"
#include "stores.hpp"

#include "catch.hpp"

namespace store_failures_test {

using namespace stores;

namespace {

// Values and keys that need memory.
using uut_type = store_with_owners<std::string>;
using kind = uut_type::outcome_type::kind;
using editor = uut_type::editor_type;

const std::string text = "a text that is longer than what is kept in place ";

/// All that can be seen of a store.
struct sight {
  std::map<std::string, std::string> content;
  std::map<owner_id, std::map<std::string, std::string>> own;
  std::map<owner_id, std::vector<std::string>> places;
  uint64_t version = 0;

  static sight of(const uut_type& x) {
    sight result{x.content(), {}, {}, x.version()};
    for (auto who : {restorer, alice, bob, carol}) {
      result.own[who] = uut_type::content(x.private_tree(who));
      result.places[who] = x.places_of(who);
    }
    return result;
  }

  friend bool operator==(const sight&, const sight&) = default;
};

void fill(uut_type& uut) {
  for (auto i = 0; i < 12; ++i) {
    auto key = text + std::to_string(i);
    uut.put({i % 2 == 0 ? alice : bob}, {"state", text, key}, text);
    uut.put({alice}, {"my", key}, text);
    uut.put({alice, "default"}, {"layers", key}, text);
    uut.put({bob}, {"layers", key}, text + "more");
    uut.put({restorer}, {"config", key}, text);
  }
}

/// Tries an operation with memory for ever more allocations, while a snapshot
/// shares everything, and while none does.
template <class Operation>
void run_out(Operation operation) {
  auto blocks = memory::blocks();
  for (auto shared : {true, false}) {
    uut_type uut;
    fill(uut);
    auto before = sight::of(uut);
    std::optional<uut_type::view> snapshot;
    if (shared)
      snapshot = uut.look();
    auto what = kind::closed;
    auto failures = memory::run_out([&] { what = operation(uut); },
                                    [&] { CHECK(sight::of(uut) == before); });
    CHECK(failures > 0);
    CHECK(what == kind::done);
    CHECK_FALSE(sight::of(uut) == before);
    if (shared)
      CHECK(uut_type::content(snapshot->tree) == before.content);
    // What it owns is where it says.
    for (auto who : {alice, bob, carol, restorer})
      uut.drop_owner(who);
    CHECK(uut.content().empty());
  }
#if !defined(_LIBCPP_VERSION) || _LIBCPP_VERSION >= 16000
  CHECK(memory::blocks() == blocks);
#else
  // Vectors of this libc++ lose their memory when the copy of an element
  // throws.
  static_cast<void>(blocks);
#endif
}

} // namespace

TEST_CASE("a store without memory puts nothing") {
  for (auto& where :
       {path{"state", text, text + "0"}, path{"state", text, "new", text},
        path{"layers", text + "0"}, path{"layers", text},
        path{"config", text + "0"}, path{"my", text + "0"}, path{"his", text}})
    run_out([&](uut_type& uut) {
      return uut.put({alice, "debug"}, where, text + "changed").what;
    });
}

TEST_CASE("a store without memory makes no transaction") {
  run_out([](uut_type& uut) {
    return uut
      .transact({alice},
                [](editor& x) {
                  x.put({"state", text, "new"}, text);
                  x.put({"state", text, text + "0"}, text + "changed");
                  x.remove({"state", text, text + "2"});
                  x.move({"my", text + "7"}, {"state", "moved", text});
                  x.move({"layers"}, {"mine", text});
                  x.remove({"my", text + "8"});
                  x.put({"config", text + "0"}, text + "changed");
                })
      .what;
  });
}

TEST_CASE("a store without memory removes nothing") {
  run_out([](uut_type& uut) { return uut.remove_all(alice).what; });
  run_out([](uut_type& uut) { return uut.drop_owner(bob).what; });
  run_out([](uut_type& uut) {
    return uut
      .transact(
        {alice}, [](editor& x) { x.remove_all(); }, true)
      .what;
  });
}

TEST_CASE("a draft is committed once there is memory") {
  run_out([draft = std::optional<uut_type::draft>{}](uut_type& uut) mutable {
    if (!draft) {
      auto fresh = uut.begin({alice}, true);
      fresh->edit.remove_all();
      fresh->edit.put({"state", text, text}, text);
      draft.emplace(std::move(*fresh));
    }
    auto what = uut.commit(*draft).what;
    draft.reset();
    return what;
  });
}

TEST_CASE("nobody becomes an owner without memory") {
  uut_type uut;
  auto added = false;
  auto failures = memory::run_out(
    [&] { added = uut.add_owner(stranger); },
    [&] { CHECK(uut.remove_all(stranger).what == kind::unknown_owner); });
  CHECK(failures > 0);
  CHECK(added);
  CHECK(uut.put({stranger}, "state.a", "b").what == kind::done);
}

} // namespace store_failures_test
