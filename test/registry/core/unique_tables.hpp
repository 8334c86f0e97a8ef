#pragma once

#include "cafreg/detail/unique_table.hpp"

#include "catch.hpp"
#include "fake_actors.hpp"
#include "registry/effort.hpp"

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

// What the tests of unique tables have in common.

namespace unique_tables {

using cafreg::detail::write_result;

using table_type = cafreg::detail::unique_table<std::string, int, fake::actors,
                                                fake::observer>;

using node = table_type::node;

// What an observer is told: whether it came or went, key, actor, value, why.
using told = std::tuple<bool, std::string, int, int, std::string>;

struct fixture {
  explicit fixture(bool strong = true)
    : uut(std::make_unique<table_type>(observer, strong)) {
    observer.recording = true;
  }

  // Every reference is given back.
  ~fixture() {
    uut.reset();
    for (auto& x : actors)
      if (x.strong != 0 || x.weak != 0)
        FAIL_CHECK("actor " << x.id << " has " << x.strong << " strong and "
                            << x.weak << " weak references too many");
  }

  fake::actor* spawn() {
    auto& x = actors.emplace_back();
    x.id = static_cast<int>(actors.size());
    return &x;
  }

  write_result insert(fake::actor* who, std::string_view key, int value = 0) {
    return uut->insert(who, key, int{value}, {"call"}, [this](const node& x) {
      holder = x.actor;
      fake::actors::release(x.actor, true);
    });
  }

  // The number of the holder and the value.
  std::pair<int, int> lookup(std::string_view key) {
    std::pair<int, int> result{0, 0};
    uut->lookup(key, [&result](const node& x) {
      result = {x.actor->id, x.value};
      fake::actors::release(x.actor, true);
    });
    return result;
  }

  int holder_of(std::string_view key) {
    return lookup(key).first;
  }

  write_result update(fake::actor* who, std::string_view key, int value) {
    return uut->update(who, key, [value](const node&) { return value; });
  }

  write_result give(fake::actor* from, std::string_view key, fake::actor* to) {
    return uut->give(from, key, to, {"given"});
  }

  std::set<std::string> keys(fake::actor* who) {
    std::set<std::string> result;
    uut->for_each_of(who,
                     [&result](const node& x) { result.insert(x.key.copy()); });
    return result;
  }

  std::vector<told> events() {
    std::vector<told> result;
    for (auto& x : observer.events)
      result.emplace_back(x.registered, x.key, x.who->id, x.value, x.why);
    observer.events.clear();
    return result;
  }

  void flush() {
    while (uut->flush()) {
      // nop
    }
  }

  fake::observer observer;
  std::deque<fake::actor> actors;
  fake::actor* holder = nullptr;
  std::unique_ptr<table_type> uut;
};

using pair = std::pair<int, int>;

using events = std::vector<told>;

// Runs a function in another thread.
template <class Fn>
void elsewhere(Fn fn) {
  std::thread{std::move(fn)}.join();
}

} // namespace unique_tables
