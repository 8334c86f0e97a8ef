// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "unique_tables.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace unique_table_model_test {

using namespace unique_tables;

namespace {

struct model_entry {
  fake::actor* who;
  int value;
};

class simulation {
public:
  simulation(bool strong, uint64_t seed) : f_(strong), random_(seed) {
    for (auto i = 0; i < 6; ++i)
      actors_.push_back(f_.spawn());
  }

  // Returns what was wrong, empty if nothing.
  std::string run(size_t rounds) {
    for (size_t i = 0; i < rounds; ++i) {
      auto what = step(static_cast<int>(i));
      compare(what);
      if (!wrong_.empty())
        return "round " + std::to_string(i) + ": " + wrong_;
    }
    return {};
  }

private:
  static bool dead(fake::actor* who) {
    return who->terminated;
  }

  size_t pick(size_t limit) {
    return random_() % limit;
  }

  void expect(bool condition, const char* what) {
    if (!condition && wrong_.empty())
      wrong_ = what;
  }

  bool holds(fake::actor* who, const std::string& key) {
    auto pos = model_.find(key);
    return pos != model_.end() && pos->second.who == who;
  }

  void note(bool registered, const std::string& key, const model_entry& x,
            const char* why) {
    expected_.emplace_back(registered, key, x.who->id, x.value, why);
  }

  const char* step(int i) {
    auto& slot = actors_[pick(actors_.size())];
    auto* who = slot;
    auto* to = actors_[pick(actors_.size())];
    auto key = "key" + std::to_string(pick(12));
    switch (pick(20)) {
      default:
        insert(who, key, i);
        return "insert";
      case 8:
      case 9: {
        auto done = f_.uut->erase(who, key, {"call"}) == write_result::done;
        expect(done == holds(who, key), "result of erase");
        if (done)
          remove(key, "call");
        return "erase";
      }
      case 10: {
        auto odd = [](const node& x) { return x.value % 2 == 1; };
        auto done = f_.uut->erase_if(who, key, odd, {"call"})
                    == write_result::done;
        expect(done == (holds(who, key) && model_.at(key).value % 2 == 1),
               "result of erase_if");
        if (done)
          remove(key, "call");
        return "erase_if";
      }
      case 11:
        if (pick(4) == 0)
          remove_all(who, "call", false);
        return "erase_all";
      case 12:
      case 13:
      case 14: {
        auto outcome = f_.update(who, key, i);
        // What a dead actor holds is as good as free.
        expect((outcome == write_result::done)
                 == (holds(who, key) && !dead(who)),
               "result of update");
        if (outcome == write_result::done)
          model_.at(key).value = i;
        return "update";
      }
      case 15:
      case 16: {
        if (who == to)
          return "nothing";
        auto outcome = f_.give(who, key, to);
        expect(outcome
                 == (!holds(who, key) || dead(who) ? write_result::not_held
                     : dead(to)                    ? write_result::dead
                                                   : write_result::done),
               "result of give");
        if (outcome == write_result::done) {
          note(false, key, model_.at(key), "given");
          model_.at(key).who = to;
          note(true, key, model_.at(key), "given");
        }
        return "give";
      }
      case 17:
        if (pick(4) == 0)
          who->terminated = true;
        return "die";
      case 18:
        if (dead(who)) {
          remove_all(who, "down", true);
          slot = f_.spawn();
        }
        return "clean up";
      case 19:
        f_.uut->flush();
        return "flush";
    }
  }

  void insert(fake::actor* who, const std::string& key, int value) {
    auto pos = model_.find(key);
    auto outcome = f_.insert(who, key, value);
    if (dead(who)) {
      expect(outcome == write_result::dead, "a dead actor registered");
      return;
    }
    if (pos != model_.end() && !dead(pos->second.who)) {
      expect(outcome
               == (pos->second.who == who ? write_result::held
                                          : write_result::taken),
             "a taken key was registered");
      expect(f_.holder == pos->second.who, "a loser did not learn the winner");
      return;
    }
    expect(outcome == write_result::done, "a free key was not registered");
    if (pos != model_.end())
      remove(key, "down");
    model_[key] = {who, value};
    note(true, key, model_[key], "call");
  }

  void remove(const std::string& key, const char* why) {
    note(false, key, model_.at(key), why);
    model_.erase(key);
  }

  void remove_all(fake::actor* who, const char* why, bool retire) {
    std::vector<std::string> gone;
    for (auto& [key, x] : model_)
      if (x.who == who)
        gone.push_back(key);
    expect(f_.uut->erase_all(who, {why}, retire) == gone.size(),
           "result of erase_all");
    for (auto& key : gone)
      remove(key, why);
    sorted_ = true;
  }

  void compare(const char* what) {
    auto events = f_.events();
    if (std::exchange(sorted_, false)) {
      std::sort(events.begin(), events.end());
      std::sort(expected_.begin(), expected_.end());
    }
    expect(events == expected_, what);
    expected_.clear();
    expect(f_.uut->size() == model_.size(), "size");
    auto key = "key" + std::to_string(pick(12));
    auto pos = model_.find(key);
    auto found = f_.lookup(key);
    if (pos == model_.end() || dead(pos->second.who))
      expect(found == pair{0, 0}, "a lookup found the dead");
    else
      expect(found == pair{pos->second.who->id, pos->second.value},
             "a lookup found another");
    std::map<std::string, pair> all;
    f_.uut->for_each([&](const node& x) {
      expect(all.try_emplace(x.key.copy(), x.actor->id, x.value).second,
             "an iteration saw a key twice");
    });
    std::map<std::string, pair> expected;
    for (auto& [name, x] : model_)
      expected.try_emplace(name, x.who->id, x.value);
    expect(all == expected, "an iteration saw something else");
    auto* who = actors_[pick(actors_.size())];
    std::set<std::string> keys;
    for (auto& [name, x] : model_)
      if (x.who == who)
        keys.insert(name);
    expect(f_.keys(who) == keys, "keys of an actor");
  }

  fixture f_;
  std::mt19937_64 random_;
  std::vector<fake::actor*> actors_;
  std::map<std::string, model_entry> model_;
  std::vector<told> expected_;
  bool sorted_ = false;
  std::string wrong_;
};

} // namespace

TEST_CASE("a table does what a map would do") {
  for (auto strong : {true, false})
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(strong);
      CAPTURE(seed);
      simulation uut{strong, seed};
      CHECK(uut.run(effort(2000, 500)) == "");
    }
}

} // namespace unique_table_model_test
