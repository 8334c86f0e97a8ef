// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/format.hpp"

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

#include <set>
#include <stdexcept>

namespace unique_errors_test {

using namespace caf_test;

using cafreg::errc;

namespace {

class unlucky : public caf::event_based_actor {
public:
  explicit unlucky(caf::actor_config& cfg) : caf::event_based_actor(cfg) {
    throw std::runtime_error{"no luck"};
  }
};

} // namespace

TEST_CASE("every code has a name") {
  config prepared; // errors carry messages, whose types CAF must know
  std::set<std::string> names;
  for (auto i = 1; i <= static_cast<int>(errc::spawn_failed); ++i) {
    auto code = static_cast<errc>(i);
    auto text = cafreg::to_string(code);
    names.insert(text);
    errc parsed{};
    CHECK(cafreg::from_string(text, parsed));
    CHECK(parsed == code);
    errc converted{};
    CHECK(cafreg::from_integer(static_cast<uint8_t>(i), converted));
    CHECK(converted == code);
    auto err = cafreg::make_error(code);
    CHECK(cafreg::is(err, code));
    CHECK(err.code() == i);
    CHECK(cafreg::to_text(err) == text);
    auto described = cafreg::make_error(code, "what happened");
    CHECK(cafreg::is(described, code));
    CHECK(cafreg::to_text(described) == "what happened");
    CHECK(to_string(described).find("what happened") != std::string::npos);
  }
  CHECK(names.size() == static_cast<size_t>(errc::spawn_failed));
  errc unknown{};
  CHECK_FALSE(cafreg::from_string("nonsense", unknown));
  CHECK_FALSE(cafreg::from_string("none", unknown));
  CHECK_FALSE(cafreg::from_integer(0, unknown));
  CHECK_FALSE(cafreg::from_integer(200, unknown));
}

TEST_CASE("errors of others are not ours") {
  config prepared;
  auto other = caf::make_error(caf::sec::request_timeout);
  for (auto i = 1; i <= static_cast<int>(errc::spawn_failed); ++i)
    CHECK_FALSE(cafreg::is(other, static_cast<errc>(i)));
  CHECK_FALSE(cafreg::is(caf::error{}, errc::closed));
  CHECK_FALSE(cafreg::is(cafreg::make_error(errc::closed), errc::timeout));
  CHECK(cafreg::to_text(other).find("timeout") != std::string::npos);
}

TEST_CASE("every error names its registry and its key") {
  world w;
  names_type names{w.sys, {.name = "app", .max_key_size = 30}};
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  auto gone = w.sys.spawn(idle);
  REQUIRE(kill_and_wait(gone));
  names.register_as(a, "taken");
  auto same = [](int x) { return x; };
  std::vector<std::pair<errc, caf::error>> errors;
  auto add = [&errors](errc code, auto&& result) {
    REQUIRE_FALSE(result);
    errors.emplace_back(code, result.error());
  };
  caf::actor null;
  add(errc::null_handle, names.register_as(null, "the key"));
  add(errc::dead_actor, names.register_as(gone, "the key"));
  add(errc::key_too_large,
      names.register_as(a, "the key" + std::string(30, '!')));
  add(errc::not_holder, names.update_value(b, "the key", same));
  errors.emplace_back(errc::not_holder, names.give_away("the key", a, b));
  add(errc::null_handle, names.watch("the key", null));
  add(errc::null_handle, names.await("the key", null, 1s));
  add(errc::null_handle, names.standby("the key", null));
  add(errc::timeout, names.await("the key", 1us));
  names.register_as(a, "the key");
  add(errc::already_registered, names.spawn_as("the key", 1, idle));
  names.unregister(a, "the key");
  add(errc::spawn_failed, names.spawn_as<unlucky>("the key", 1));
  add(errc::would_deadlock, *names.with_lock("the key", [&] {
    return names.with_lock("the key", [] { return 1; });
  }));
  caf::error blocked;
  run_in_actor(w.sys, [&, ref = names.ref()](caf::event_based_actor*) {
    blocked = ref.await("the key", 1s).error();
  });
  errors.emplace_back(errc::would_block, blocked);
  names.close();
  add(errc::closed, names.register_as(a, "the key"));
  add(errc::closed, names.unregister(a, "the key"));
  add(errc::closed, names.update_value(a, "the key", same));
  add(errc::closed, names.spawn_as("the key", 1, idle));
  add(errc::closed, names.watch("the key", a));
  add(errc::closed, names.await("the key", a, 1s));
  add(errc::closed, names.await("the key", 1s));
  add(errc::closed, names.standby("the key", a));
  add(errc::closed, names.with_lock("the key", [] { return 1; }));
  errors.emplace_back(errc::closed, names.give_away("the key", a, b));
  size_t i = 0;
  for (auto& [code, err] : errors) {
    CAPTURE(i++);
    auto text = cafreg::to_text(err);
    CHECK(code_of(err) == cafreg::to_string(code));
    CHECK(text.substr(0, 25) == "registry app: key the key");
  }
  // What concerns no key names none.
  auto err = names.unregister_all(a).error();
  CHECK(cafreg::to_text(err) == "registry app: the registry is closed");
  kill(a);
  kill(b);
}

TEST_CASE("what a registry gives out can be formatted") {
  world w;
  names_type names{w.sys, {.name = "app"}};
  cafreg::unique_registry<int> numbers{w.sys};
  auto a = w.sys.spawn(idle);
  auto id = std::to_string(a.id());
  names.register_as(a, "x", 5);
  numbers.register_as(a, 7);
  auto entry = fmt::format("{}", *names.lookup("x"));
  CHECK(entry.substr(0, 5) == "x -> ");
  CHECK(entry.find(id) != std::string::npos);
  CHECK(entry.substr(entry.size() - 4) == " (5)");
  auto plain = fmt::format("{}", *numbers.lookup(7));
  CHECK(plain.substr(0, 5) == "7 -> ");
  CHECK(plain.find('(') == std::string::npos);
  names.visit("x", [&](const names_type::view_type& x) {
    CHECK(fmt::format("{}", x) == entry);
  });
  CHECK(fmt::format("{}", names.via("x")) == "via app: x");
  CHECK(fmt::format("{}", numbers.via(7)) == "via registry: 7");
  CHECK(fmt::format("{}", errc::timeout) == "timeout");
  CHECK(fmt::format("{:>10}", errc::timeout) == "   timeout");
  CHECK(fmt::format("{}", cafreg::departure::given_away) == "given_away");
  CHECK(fmt::format("{}",
                    names.update_value(a, "y", [](int x) { return x; }).error())
        == "registry app: key y: the actor does not hold it");
  CHECK(fmt::format("{}", a).find(id) != std::string::npos);
  kill(a);
}

} // namespace unique_errors_test
