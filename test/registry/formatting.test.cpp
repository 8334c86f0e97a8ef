// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// What is printed of events and holders, with fmt and without.

#include "cafreg/format.hpp"

#include "registry/caf_helpers.hpp"

#include "catch.hpp"

namespace formatting_test {

using namespace caf_test;

namespace {

// Keeps the texts of all events.
class texts {
public:
  template <class Event>
  void add(const Event& x) {
    std::lock_guard guard{mutex_};
    lines_.push_back(fmt::format("{}", x));
    same_ = same_ && lines_.back() == to_string(x);
  }

  std::vector<std::string> wait_for(size_t count) {
    wait_until([&] {
      std::lock_guard guard{mutex_};
      return lines_.size() >= count;
    });
    std::lock_guard guard{mutex_};
    return lines_;
  }

  // Whether fmt and `to_string` agree.
  bool same() const {
    std::lock_guard guard{mutex_};
    return same_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  bool same_ = true;
};

caf::actor spawn_reader(caf::actor_system& sys, std::shared_ptr<texts> to) {
  return sys.spawn([to](caf::event_based_actor*) -> caf::behavior {
    return {
      [to](const cafreg::registered& x) { to->add(x); },
      [to](const cafreg::unregistered& x) { to->add(x); },
      [to](const cafreg::name_state& x) { to->add(x); },
      [to](const cafreg::awaited& x) { to->add(x); },
    };
  });
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("events can be formatted") {
  world w;
  auto log = std::make_shared<texts>();
  auto reader = spawn_reader(w.sys, log);
  auto a = w.sys.spawn(idle);
  auto b = w.sys.spawn(idle);
  auto a_text = "actor " + std::to_string(a.id());
  auto b_text = "actor " + std::to_string(b.id());
  names_type names{w.sys, {.name = "app"}};
  SECTION("of listeners") {
    REQUIRE_FALSE(names.add_listener(reader));
    REQUIRE(names.register_as(a, "x", 5));
    REQUIRE_FALSE(names.give_away("x", a, b));
    kill(b, caf::exit_reason::user_shutdown);
    auto all = log->wait_for(4);
    REQUIRE(all.size() == 4);
    CHECK(all[0] == "registered app: x -> " + a_text + " (5)");
    CHECK(all[1] == "unregistered app: x -> " + a_text + " (5), given_away");
    CHECK(all[2] == "registered app: x -> " + b_text + " (5)");
    auto start = "unregistered app: x -> " + b_text + " (5), down: ";
    CHECK(all[3].substr(0, start.size()) == start);
    CHECK(all[3].find("user_shutdown") != std::string::npos);
  }
  SECTION("of watchers") {
    REQUIRE(names.watch("x", reader));
    REQUIRE(names.register_as(a, "x", 5));
    CHECK(
      log->wait_for(2)
      == lines{"state app: x -> nobody", "state app: x -> " + a_text + " (5)"});
  }
  SECTION("of those who wait") {
    REQUIRE(names.register_as(a, "x", 5));
    REQUIRE(names.await("x", reader, 1h));
    REQUIRE(names.await("y", reader, 0s));
    CHECK(log->wait_for(2)
          == lines{"awaited app: x -> " + a_text + " (5)",
                   "awaited: registry app: key y: nobody registered it in "
                   "time"});
  }
  SECTION("of registries without values, and with keys of other types") {
    cafreg::unique_registry<int> numbers{w.sys};
    REQUIRE_FALSE(numbers.add_listener(reader));
    REQUIRE(numbers.register_as(a, 7));
    CHECK(log->wait_for(1) == lines{"registered registry: 7 -> " + a_text});
  }
  SECTION("aligned") {
    CHECK(fmt::format("{:>30}", cafreg::name_state{})
          == "            state :  -> nobody");
  }
  CHECK(log->same());
  names.close();
  for (auto& x : {reader, a, b})
    kill(x);
}

TEST_CASE("an event that came from another node can be formatted") {
  world w;
  auto a = w.sys.spawn(idle);
  auto name = std::make_shared<const std::string>("far");
  auto text = [&](caf::message content) {
    return fmt::format(
      "{}", cafreg::registered{cafreg::event{
              name, cafreg::detail::received_event_data(std::move(content)),
              caf::actor_cast<caf::strong_actor_ptr>(a)}});
  };
  auto holder = " -> actor " + std::to_string(a.id());
  CHECK(text(caf::make_message(std::string{"x"}, 5))
        == "registered far: x" + holder);
  CHECK(text(caf::make_message(7)).find('7') != std::string::npos);
  kill(a);
}

TEST_CASE("holders can be formatted") {
  using cafreg::holder_info;
  using cafreg::holder_role;
  CHECK(fmt::format("{}", holder_role::waiter) == "waiter");
  CHECK(fmt::format("{:>10}", holder_role::standby) == "   standby");
  CHECK(to_string(static_cast<holder_role>(99)) == "invalid");
  CHECK(fmt::format("{}", holder_info{5, holder_role::registrant, 1})
        == "actor 5: registrant of 1 entry");
  CHECK(fmt::format("{}", holder_info{5, holder_role::registrant, 2})
        == "actor 5: registrant of 2 entries");
  CHECK(fmt::format("{}", holder_info{6, holder_role::listener, 0})
        == "actor 6: listener");
  CHECK(fmt::format("{}", holder_info{6, holder_role::watcher, 0})
        == "actor 6: watcher");
}

} // namespace formatting_test
