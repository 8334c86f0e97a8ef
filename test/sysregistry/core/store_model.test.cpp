// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "store_model.hpp"

#include "cafreg/detail/store.hpp"

#include "registry/effort.hpp"

#include "catch.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace store_model_test {

using cafreg::access;
using cafreg::path;
using cafreg::detail::owner_id;
using cafreg::detail::restorer;

using store_model::keys;

namespace {

using uut_type = cafreg::detail::store<int>;
using kind = uut_type::outcome_type::kind;

const std::vector<std::string> priorities{"debug", "*", "persistence",
                                          "default"};

const store_model::settings config{{{"state", {access::owned, {}}},
                                    {"config", {access::shared, {}}},
                                    {"layers", {access::layered, priorities}},
                                    {"flat", {access::layered, {}}},
                                    {"open", {access::open, {}}}},
                                   4,
                                   6};

uut_type make_store(const store_model::dead_set& dead) {
  std::vector<cafreg::detail::mount_rule> rules;
  for (auto& [key, mount] : config.mounts)
    rules.push_back({key, mount.kind, mount.priorities});
  return {cafreg::detail::mount_rules{std::move(rules)},
          {config.max_depth, config.max_key_size},
          [&dead](owner_id who) { return dead.count(who) > 0; }};
}

path to_path(const keys& x) {
  return path{x};
}

keys to_keys(const path& x) {
  return {x.begin(), x.end()};
}

// -- what is compared, in words -----------------------------------------------

using text_map = std::map<keys, std::string>;

template <class Voice>
std::string say(const Voice& x) {
  return std::to_string(x.value) + " of " + std::to_string(x.owner) + " with "
         + std::to_string(x.rank) + ";";
}

text_map describe(const uut_type::tree_type& x) {
  text_map result;
  x.for_each({}, [&](const keys& where, const uut_type::leaf& what) {
    auto& text = result[where];
    text += say(what.content.shown);
    if (what.content.behind)
      for (auto& y : *what.content.behind)
        text += say(y);
  });
  CHECK(result.size() == x.size());
  return result;
}

text_map describe(const store_model::leaves& x) {
  struct voice {
    int value;
    owner_id owner;
    size_t rank;
  };
  text_map result;
  for (auto& [where, all] : x)
    for (auto& y : all)
      result[where] += say(voice{y.value, y.who, y.rank});
  return result;
}

store_model::delta changes_of(const cafreg::basic_delta<int>& x) {
  store_model::delta result;
  for (auto* list : {&x.added, &x.changed, &x.removed})
    for (auto& y : *list) {
      CHECK(y.old_value.has_value() == (list != &x.added));
      CHECK(y.new_value.has_value() == (list != &x.removed));
      result[to_keys(y.where)] = {y.old_value, y.new_value};
    }
  CHECK(result.size() == x.size());
  return result;
}

std::multiset<std::string>
steps_of(const std::vector<cafreg::detail::refusal>& x) {
  std::multiset<std::string> result;
  for (auto& y : x)
    result.insert(store_model::say(y.why, to_keys(y.where)));
  return result;
}

// -- random transactions ------------------------------------------------------

/// Does the same to a store and to its model.
class experiment {
public:
  explicit experiment(uint64_t seed) : rng_(seed) {
    uut_.add_owner(restorer);
    expected_.own[restorer];
    for (auto i = 0; i < 3; ++i)
      add_owner();
  }

  void run(int steps) {
    for (auto i = 0; i < steps && !failed_; ++i) {
      step();
      check();
    }
    for (auto& [view, content] : snapshots_)
      CHECK(describe(view.tree) == content);
  }

private:
  using draft = std::pair<uut_type::draft, store_model::transaction>;

  // -- choices ----------------------------------------------------------------

  size_t roll(size_t n) {
    return rng_() % n;
  }

  template <class T>
  const T& any_of(const std::vector<T>& list) {
    return list[roll(list.size())];
  }

  keys any_path() {
    static const keys roots{"state", "config", "layers", "flat",
                            "open",  "mine",   "a.b",    "state"};
    static const keys common{"a", "a", "b", "b", "x.y", "\\", "c"};
    if (roll(50) == 0)
      return {};
    keys result{any_of(roots)};
    for (auto n = roll(4); n > 0; --n)
      result.push_back(any_of(common));
    switch (roll(100)) {
      case 0:
        result[roll(result.size())] = "";
        break;
      case 1:
        result[roll(result.size())] = "longest";
        break;
      case 2:
        while (result.size() < 5)
          result.emplace_back("a");
        break;
      default:
        break;
    }
    return result;
  }

  keys any_leaf() {
    if (expected_.all.empty() || roll(3) == 0)
      return any_path();
    return std::next(expected_.all.begin(),
                     static_cast<ptrdiff_t>(roll(expected_.all.size())))
      ->first;
  }

  store_model::author any_author() {
    static const std::vector<std::string> names{"debug", "", "anything",
                                                "persistence", "default"};
    // Few change their mind.
    auto id = any_owner();
    auto name = roll(5) == 0 ? any_of(names) : names[id % names.size()];
    return {id, name};
  }

  owner_id any_owner() {
    if (roll(8) == 0)
      return restorer;
    if (roll(50) == 0)
      return next_owner_ + 5; // unknown
    return 2 + roll(next_owner_ - 2);
  }

  std::list<draft>::iterator any_draft() {
    return std::next(drafts_.begin(),
                     static_cast<ptrdiff_t>(roll(drafts_.size())));
  }

  // -- steps ------------------------------------------------------------------

  void step() {
    switch (roll(21)) {
      case 20:
        kill_owner();
        break;
      case 0:
        add_owner();
        break;
      case 1:
        drop_owner();
        break;
      case 2:
        begin();
        break;
      case 3:
      case 4:
        edit_draft();
        break;
      case 5:
        commit();
        break;
      case 6:
        snapshots_.emplace_back(uut_.look(), describe(expected_.all));
        break;
      case 7:
        drop_all();
        break;
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
        put();
        break;
      default:
        transact();
        break;
    }
  }

  bool known(owner_id who) const {
    return expected_.own.count(who) > 0;
  }

  void add_owner() {
    CHECK(uut_.add_owner(next_owner_));
    expected_.own[next_owner_];
    ++next_owner_;
  }

  // What it has stays until it is dropped, or somebody needs the place.
  void kill_owner() {
    if (auto who = any_owner(); who != restorer)
      dead_.insert(who);
  }

  void drop_owner() {
    auto who = any_owner();
    remove_all(who, true);
    if (known(who) && who != restorer) {
      expected_.own.erase(who);
      add_owner();
    } else if (known(who)) {
      CHECK(uut_.add_owner(restorer));
    }
  }

  void drop_all() {
    remove_all(any_owner(), false);
  }

  void remove_all(owner_id who, bool forever) {
    auto result = forever ? uut_.drop_owner(who) : uut_.remove_all(who);
    if (!known(who)) {
      CHECK(result.what == kind::unknown_owner);
      return;
    }
    store_model::transaction edit{config, {who, {}}, expected_, dead_};
    edit.remove_all();
    finish(result, edit);
  }

  // A step of a transaction on both sides.
  template <class Editor>
  void random_step(Editor& edit, store_model::transaction& model,
                   bool knows_owned) {
    auto where = any_leaf();
    auto to = any_path();
    switch (roll(8)) {
      case 0:
        if (roll(2) == 0)
          where.resize(roll(where.size() + 1));
        edit.remove(to_path(where));
        model.remove(where);
        break;
      case 1:
      case 2:
        where.resize(where.size()
                     - roll(std::min<size_t>(where.size(), 2) + 1)
                         * (roll(3) == 0 ? 0 : 1));
        // Also into each other.
        if (roll(4) == 0)
          to = where;
        if (roll(3) == 0)
          to.resize(roll(to.size() + 1));
        if (roll(3) == 0)
          to.emplace_back("b");
        edit.move(to_path(where), to_path(to));
        model.move(where, to);
        break;
      case 3:
        if (knows_owned && roll(2) == 0) {
          edit.remove_all();
          model.remove_all();
          break;
        }
        [[fallthrough]];
      default: {
        auto value = static_cast<int>(roll(3));
        edit.put(to_path(where), value);
        model.put(where, value);
      }
    }
    auto* is = edit.look(where);
    auto should = model.look(where);
    CHECK((is != nullptr) == should.has_value());
    if (is != nullptr && should)
      CHECK(*is == *should);
  }

  void put() {
    auto who = any_author();
    auto where = any_leaf();
    auto value = static_cast<int>(roll(3));
    auto result = uut_.put({who.id, who.priority}, to_path(where), value);
    if (!known(who.id)) {
      CHECK(
        (result.what == kind::unknown_owner || result.what == kind::refused));
      return;
    }
    store_model::transaction edit{config, who, expected_, dead_};
    edit.put(where, value);
    finish(result, edit);
  }

  void transact() {
    auto who = any_author();
    store_model::transaction model{config, who, expected_, dead_};
    auto called = false;
    auto knows_owned = roll(3) == 0;
    auto result = uut_.transact(
      {who.id, who.priority},
      [&](auto& edit) {
        called = true;
        for (auto n = 1 + roll(4); n > 0; --n)
          random_step(edit, model, knows_owned);
      },
      knows_owned);
    CHECK(called == known(who.id));
    if (called)
      finish(result, model);
    else
      CHECK(result.what == kind::unknown_owner);
  }

  void begin() {
    authors_.push_back(std::make_unique<store_model::author>(any_author()));
    auto& who = *authors_.back();
    if (auto fresh = uut_.begin({who.id, who.priority}, true)) {
      CHECK(known(who.id));
      drafts_.emplace_back(std::move(*fresh), store_model::transaction{
                                                config, who, expected_, dead_});
    } else {
      CHECK_FALSE(known(who.id));
    }
  }

  void edit_draft() {
    if (drafts_.empty())
      return;
    auto& [edit, model] = *any_draft();
    random_step(edit.edit, model, true);
    if (roll(2) == 0) {
      auto preview = uut_.preview(edit);
      CHECK(changes_of(preview) == model.changes());
      CHECK(preview.version == model.version());
    }
  }

  void commit() {
    if (drafts_.empty())
      return;
    auto pos = any_draft();
    auto& [edit, model] = *pos;
    auto result = uut_.commit(edit);
    if (!known(model.who()))
      CHECK(result.what == kind::unknown_owner);
    else if (model.outdated(expected_))
      CHECK(result.what == kind::outdated);
    else
      finish(result, model);
    drafts_.erase(pos);
  }

  // -- results ----------------------------------------------------------------

  void finish(const uut_type::outcome_type& is,
              const store_model::transaction& should) {
    auto refused = !should.refusals().empty();
    CHECK(is.what == (refused ? kind::refused : kind::done));
    CHECK(steps_of(is.refusals) == should.refusals());
    if (refused) {
      CHECK(is.changes.empty());
      return;
    }
    CHECK(changes_of(is.changes) == should.changes());
    auto before = expected_;
    should.apply_to(expected_);
    CHECK(is.changes.version == expected_.version);
    for (auto& [who, own] : expected_.own)
      if (before.paths_of(who) != expected_.paths_of(who))
        CHECK(std::count(is.owners.begin(), is.owners.end(), who) > 0);
  }

  void check() {
    auto now = uut_.look();
    failed_ = describe(now.tree) != describe(expected_.all);
    CHECK(describe(now.tree) == describe(expected_.all));
    CHECK(now.version == expected_.version);
    CHECK(uut_.version() == expected_.version);
    for (owner_id who = restorer; who < next_owner_ + 2; ++who) {
      auto paths = expected_.paths_of(who);
      CHECK(uut_.owned(who) == paths.size());
      store_model::leaves own;
      if (known(who))
        own = expected_.own[who];
      CHECK(describe(uut_.private_tree(who)) == describe(own));
      for (auto& [where, there] : own)
        paths.insert(where);
      CHECK(uut_.owns_anything(who) == !paths.empty());
      std::set<keys> found;
      for (auto& x : uut_.paths_of(who))
        CHECK(found.insert(to_keys(x)).second);
      CHECK(found == paths);
    }
    auto where = any_leaf();
    size_t count = 0;
    for (auto& [other, there] : expected_.all)
      count += store_model::begins_with(other, where) ? 1 : 0;
    CHECK(uut_.count(where) == count);
    auto pos = expected_.all.find(where);
    auto found = uut_.find(where);
    CHECK(static_cast<bool>(found) == (pos != expected_.all.end()));
    if (found && pos != expected_.all.end())
      CHECK(found->content.shown.value == pos->second.begin()->value);
  }

  std::mt19937_64 rng_;
  store_model::dead_set dead_;
  uut_type uut_ = make_store(dead_);
  store_model::state expected_;
  owner_id next_owner_ = cafreg::detail::first_owner;
  // Drafts refer to their priorities.
  std::vector<std::unique_ptr<store_model::author>> authors_;
  std::list<draft> drafts_;
  std::vector<std::pair<uut_type::view, text_map>> snapshots_;
  bool failed_ = false;
};

} // namespace

TEST_CASE("a store does what its model does") {
  for (uint64_t seed = 1; seed <= effort(600, 60); ++seed) {
    CAPTURE(seed);
    experiment{seed}.run(60);
  }
}

} // namespace store_model_test
