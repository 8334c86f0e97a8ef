// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

// How transactions are made, judged and refused.

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "cafreg/detail/changing.hpp"
#include "cafreg/detail/expand.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/sys_core.hpp"
#include "cafreg/json.hpp"
#include "cafreg/sys_types.hpp"

namespace cafreg::detail {

namespace {

// Where a thread notes that it runs a rule or an update function.
using deciding = changing<uint64_t>;

// What it is about. The mark refers to this, which therefore is no temporary.
constexpr uint64_t whole_registry = 0;

// How many paths the text of an error names; the error holds all.
constexpr size_t max_paths_in_text = 20;

errc code_of(refusal_reason why) {
  switch (why) {
    case refusal_reason::reserved:
      return errc::reserved_keys;
    case refusal_reason::through_leaf:
    case refusal_reason::over_subtree:
    case refusal_reason::occupied:
      return errc::path_conflict;
    case refusal_reason::nothing_there:
      return errc::no_such_path;
    default:
      return errc::bad_path;
  }
}

std::string what(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& x) {
    return x.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

} // namespace

// -- transactions -------------------------------------------------------------

caf::error sys_core::check_value(const path& where,
                                 const caf::config_value& x) const {
  // Deeper than that, no file could hold it.
  constexpr size_t max_depth = max_json_depth / 2;
  if (caf::holds_alternative<int64_t>(x) || caf::holds_alternative<bool>(x)
      || caf::holds_alternative<double>(x))
    return {};
  if (value_size(x) > limits_.max_value_size)
    return error(errc::value_too_large, key_text(to_string(where)),
                 "larger than the limit of "
                   + std::to_string(limits_.max_value_size) + " bytes");
  if (value_depth(x) > max_depth)
    return error(errc::bad_value, key_text(to_string(where)),
                 "nested deeper than " + std::to_string(max_depth) + " levels");
  return {};
}

caf::error sys_core::add_update(std::vector<step>& steps, path where,
                                values what) const {
  if (!what.valid())
    return error(errc::bad_value, key_text(to_string(where)),
                 "a number or duration is too large for 64 bits with a sign");
  expand(std::move(where), std::move(what).get(), limits_.max_depth,
         [&steps](path at, caf::config_value x) {
           step next;
           next.where = std::move(at);
           next.value = std::move(x);
           steps.push_back(std::move(next));
         });
  return {};
}

caf::expected<delta> sys_core::commit(caf::actor_control_block* who,
                                      std::string_view priority,
                                      std::vector<step>& steps) {
  // The first of several speaks for all.
  const path everything;
  const auto& about = steps.empty() ? everything : steps.front().where;
  if (closed())
    return failure(closed_error(about));
  if (auto err = check(who, about); failed(err))
    return failure(std::move(err));
  if (deciding::underway(this, whole_registry))
    return failure(
      error(errc::would_deadlock, text_of(about),
            "a rule or an update function must not change the registry"));
  auto calls = false;
  auto removes_all = false;
  for (auto& x : steps) {
    if (x.what == step::kind::put)
      if (auto err = check_value(x.where, x.value); failed(err))
        return failure(std::move(err));
    calls = calls || x.what == step::kind::change;
    removes_all = removes_all || x.what == step::kind::remove_all;
  }
  author by{enlist(who), priority};
  if (by.id == 0)
    return failure(closed_error());
  if (!calls && !judged(steps))
    return finish(run(by, steps, removes_all));
  auto handle = caf::actor_cast<caf::actor>(add_reference(who));
  auto result = run_drafts(by, handle, steps, removes_all);
  if (!result) {
    refusals_.fetch_add(1, std::memory_order_relaxed);
    return failure(std::move(result.error()));
  }
  return finish(std::move(*result));
}

bool sys_core::judged(const path& where) const {
  return std::any_of(validated_.begin(), validated_.end(), [&](auto* x) {
    return where.empty() || where[0] == x->key;
  });
}

bool sys_core::judged(const std::vector<step>& steps) const {
  if (validated_.empty())
    return false;
  return std::any_of(steps.begin(), steps.end(), [this](const step& x) {
    return x.what == step::kind::remove_all || judged(x.where)
           || (x.what == step::kind::move && judged(x.to));
  });
}

sys_core::outcome_type sys_core::run(author who, std::vector<step>& steps,
                                     bool removes_all) {
  if (steps.size() == 1 && steps.front().what == step::kind::put)
    return store_.put(who, std::move(steps.front().where),
                      std::move(steps.front().value));
  return store_.transact(
    who,
    [&](editor_type& edit) {
      decisions none;
      // Only functions of users have errors.
      static_cast<void>(apply(edit, steps, none, nullptr));
    },
    removes_all);
}

caf::expected<sys_core::outcome_type>
sys_core::run_drafts(author who, const caf::actor& whom,
                     std::vector<step>& steps, bool removes_all) {
  decisions known;
  for (;;) {
    auto draft = store_.begin(who, removes_all);
    if (!draft)
      return outcome_type{outcome_kind::unknown_owner};
    auto copy = steps;
    if (auto err = apply(draft->edit, copy, known, nullptr); failed(err))
      return failure(std::move(err));
    if (auto err = judge(*draft, whom); failed(err))
      return failure(std::move(err));
    auto result = store_.commit(*draft);
    if (result.what != outcome_kind::outdated)
      return result;
    retries_.fetch_add(1, std::memory_order_relaxed);
    if (judged(steps))
      continue;
    // Whoever makes changes elsewhere must not keep this one from its end,
    // however long its functions take: they decide anew only if a value that
    // they decide about is another.
    result = run_decided(who, steps, known, removes_all);
    if (result.what != outcome_kind::outdated)
      return result;
  }
}

sys_core::outcome_type sys_core::run_decided(author who,
                                             const std::vector<step>& steps,
                                             decisions& known,
                                             bool removes_all) {
  auto copy = steps;
  return store_.transact(
    who,
    [&](editor_type& edit) {
      auto still_right = true;
      // The values were checked when they were decided upon.
      static_cast<void>(apply(edit, copy, known, &still_right));
      return still_right;
    },
    removes_all);
}

caf::error sys_core::apply(editor_type& edit, std::vector<step>& steps,
                           decisions& known, bool* still_right) {
  using kind = step::kind;
  size_t changes = 0;
  for (auto& x : steps)
    switch (x.what) {
      case kind::put:
        edit.put(x.where, std::move(x.value));
        break;
      case kind::remove:
        edit.remove(x.where);
        break;
      case kind::remove_all:
        edit.remove_all();
        break;
      case kind::move:
        edit.move(x.where, x.to);
        break;
      case kind::change:
        if (auto err = apply_change(edit, x, changes++, known, still_right);
            failed(err))
          return err;
        if (still_right != nullptr && !*still_right)
          return {};
        break;
    }
  return {};
}

caf::error sys_core::apply_change(editor_type& edit, const step& what,
                                  size_t index, decisions& known,
                                  bool* still_right) {
  std::optional<caf::config_value> old;
  if (auto* found = edit.look(what.where))
    old = *found;
  if (index >= known.size() || !same_value(known[index].old, old)) {
    if (still_right != nullptr) {
      *still_right = false;
      return {};
    }
    known.resize(index);
    try {
      deciding mark{this, whole_registry};
      known.push_back({old, what.change(old)});
    } catch (...) {
      return error(errc::callback_threw, key_text(to_string(what.where)),
                   "the update function threw "
                     + detail::what(std::current_exception()));
    }
  }
  auto fresh = known[index].fresh;
  if (!fresh) {
    edit.remove_leaf(what.where);
    return {};
  }
  caf::error problem;
  expand(what.where, std::move(*fresh), limits_.max_depth,
         [&](path where, caf::config_value value) {
           if (!failed(problem))
             problem = check_value(where, value);
           if (!failed(problem))
             edit.put(where, std::move(value));
         });
  return problem;
}

caf::error sys_core::judge(store_type::draft& what,
                           const caf::actor& whom) const {
  if (validated_.empty() || !what.edit.refusals().empty())
    return {};
  auto changes = store_.preview(what);
  return ask_rules(whom, changes, {what.before.tree, what.before.version},
                   {what.edit.trees().shared, changes.version});
}

caf::error sys_core::ask_rules(const caf::actor& who, const delta& changes,
                               const snapshot& before,
                               const snapshot& after) const {
  auto concerns = [&changes](const mount& x) {
    auto below = [&x](const leaf_change& y) { return y.where[0] == x.key; };
    return std::any_of(changes.added.begin(), changes.added.end(), below)
           || std::any_of(changes.changed.begin(), changes.changed.end(), below)
           || std::any_of(changes.removed.begin(), changes.removed.end(),
                          below);
  };
  for (auto* x : validated_) {
    if (!concerns(*x))
      continue;
    try {
      deciding mark{this, whole_registry};
      if (auto err = x->validate({who, changes, before, after}); failed(err))
        return error(errc::rule_refused, key_text(x->key),
                     "its rule refused: " + cafreg::to_text(err));
    } catch (...) {
      return error(errc::callback_threw, key_text(x->key),
                   "its rule threw " + what(std::current_exception()));
    }
  }
  return {};
}

caf::expected<delta> sys_core::finish(outcome_type what) {
  switch (what.what) {
    case outcome_kind::done:
      if (!what.owners.empty())
        actors_.settle(what.owners, [this](owner_id id) {
          return store_.owns_anything(id);
        });
      publish(what.changes);
      return std::move(what.changes);
    case outcome_kind::refused:
      refusals_.fetch_add(1, std::memory_order_relaxed);
      return failure(refused(what.refusals));
    default:
      if (closed())
        return failure(closed_error());
      return failure(error(errc::dead_actor, {}, "the actor has terminated"));
  }
}

caf::expected<delta> sys_core::remove_all(caf::actor_control_block* who) {
  if (closed())
    return failure(closed_error());
  if (who == nullptr)
    return failure(error(errc::null_handle, {}, "the handle is null"));
  std::vector<step> steps(1);
  steps.front().what = step::kind::remove_all;
  if (!validated_.empty() || deciding::underway(this, whole_registry))
    return commit(who, {}, steps);
  auto id = actors_.find(who);
  if (id == 0) {
    delta nothing;
    nothing.version = version();
    return nothing;
  }
  return finish(store_.remove_all(id));
}

caf::error sys_core::check_persistent(const path& scope) const {
  if (closed())
    return closed_error();
  if (deciding::underway(this, whole_registry))
    return error(errc::would_deadlock, {},
                 "a rule or an update function must not change the registry");
  return check_scope(scope);
}

bool sys_core::claim_file(const std::string& file) {
  std::lock_guard guard{close_mutex_};
  return files_.insert(file).second;
}

void sys_core::release_file(const std::string& file) noexcept {
  std::lock_guard guard{close_mutex_};
  files_.erase(file);
}

const caf::config_value* sys_core::lasting_value(
  const path& where, const leaf_content<caf::config_value>& what) const {
  auto* rule = store_.rules().find(where);
  if (!editor_type::is_layered(rule))
    return &what.shown.value;
  auto first = rule->rank(any_priority);
  auto last = rule->rank("persistence");
  auto lasts = [first, last](const auto& x) {
    return x.rank >= first && x.rank <= last;
  };
  if (lasts(what.shown))
    return &what.shown.value;
  if (what.behind)
    for (auto& x : *what.behind)
      if (lasts(x))
        return &x.value;
  return nullptr;
}

caf::expected<sys_core::restoration>
sys_core::restore(std::vector<leaf_entry> leaves) {
  restoration result;
  author by{restorer, "persistence"};
  auto put_all = [&](editor_type& edit) {
    result = {};
    for (auto& x : leaves) {
      auto* rule = store_.rules().find(x.where);
      auto found = edit.trees().shared.locate(x.where);
      if (rule == nullptr || found.blocked
          || editor_type::check_leaf_path(store_.rules(), store_.limits(),
                                          x.where)
          || failed(check_value(x.where, x.value))) {
        result.impossible.push_back(x.where);
      } else if (found.at == nullptr || editor_type::is_layered(rule)) {
        edit.put(x.where, x.value);
        ++result.count;
      }
    }
  };
  auto end = [&](outcome_type outcome) -> caf::expected<restoration> {
    if (auto done = finish(std::move(outcome)); !done)
      return failure(std::move(done.error()));
    return result;
  };
  if (std::none_of(leaves.begin(), leaves.end(),
                   [this](auto& x) { return judged(x.where); }))
    return end(store_.transact(by, put_all));
  for (;;) {
    auto draft = store_.begin(by);
    if (!draft)
      return failure(closed_error());
    put_all(draft->edit);
    if (auto err = judge(*draft, nullptr); failed(err))
      return failure(std::move(err));
    auto outcome = store_.commit(*draft);
    if (outcome.what != outcome_kind::outdated)
      return end(std::move(outcome));
  }
}

caf::error sys_core::refused(const std::vector<refusal>& what) const {
  refused_paths_list list;
  std::map<refusal_reason, std::string> texts;
  for (auto& x : what) {
    if (list.paths.size() < max_paths_in_text) {
      auto& text = texts[x.why];
      if (!text.empty())
        text += ", ";
      text += key_text(to_string(x.where));
      if (x.obstacle > 0)
        text += " below the leaf "
                + text_of(path{key_span{x.where}.first(x.obstacle)});
    }
    list.paths.emplace_back(x.where.begin(), x.where.end());
  }
  auto result = "registry " + *name();
  auto separator = ": ";
  for (auto& [why, text] : texts) {
    result += std::exchange(separator, "; ");
    result += to_text(why);
    result += " [" + text + ']';
  }
  if (what.size() > max_paths_in_text)
    result += ", and " + std::to_string(what.size() - max_paths_in_text)
              + " more";
  return pack_error(code_of(what.front().why),
                    caf::make_message(std::move(result), std::move(list)));
}

} // namespace cafreg::detail
