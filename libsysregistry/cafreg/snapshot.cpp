// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/snapshot.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cafreg/detail/pattern.hpp"
#include "cafreg/json.hpp"

namespace cafreg {

namespace {

using tree_type = detail::config_tree;
using item_type = tree_type::item;

void sort_by_path(std::vector<leaf_entry>& xs) {
  std::sort(xs.begin(), xs.end(), [](const leaf_entry& x, const leaf_entry& y) {
    return x.where < y.where;
  });
}

// Finds the leaves whose paths match a pattern. Follows all the ways in which a
// path may match at once: however many they are, each item is seen once.
class matcher {
public:
  explicit matcher(std::vector<detail::pattern_key> pattern)
    : pattern_(std::move(pattern)) {
    // nop
  }

  std::vector<leaf_entry> run(const item_type& root) && {
    auto begin = none();
    reach(begin, 0);
    visit(root, begin);
    return std::move(result_);
  }

private:
  using kind = detail::pattern_key::kind;

  // How much of the pattern may be behind us.
  using places = std::vector<bool>;

  places none() const {
    return places(pattern_.size() + 1);
  }

  // `**` also stands for no key.
  void reach(places& all, size_t place) const {
    while (!all[place]) {
      all[place] = true;
      if (place < pattern_.size() && pattern_[place].what == kind::any_number)
        ++place;
    }
  }

  places after(const places& here, const std::string& key) const {
    auto result = none();
    for (size_t i = 0; i < pattern_.size(); ++i) {
      if (!here[i])
        continue;
      auto& next = pattern_[i];
      if (next.what == kind::any_number)
        reach(result, i);
      else if (next.what == kind::any_one || next.text == key)
        reach(result, i + 1);
    }
    return result;
  }

  void visit(const item_type& at, const places& here) {
    if (at.is_leaf()) {
      if (here.back())
        result_.push_back(
          {path{where_}, tree_type::as_leaf(&at)->content.shown.value});
      return;
    }
    auto& children = tree_type::as_branch(&at)->children;
    auto descend = [&](const item_type& child) {
      where_.push_back(child.key());
      visit(child, after(here, child.key()));
      where_.pop_back();
    };
    std::vector<std::string_view> keys;
    for (size_t i = 0; i < pattern_.size(); ++i) {
      if (!here[i])
        continue;
      if (pattern_[i].what != kind::literal) {
        children.for_each(descend);
        return;
      }
      keys.push_back(pattern_[i].text);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (auto key : keys)
      if (auto* child = children.find(detail::hash_of_key(key), key))
        descend(*child);
  }

  const std::vector<detail::pattern_key> pattern_;
  std::vector<std::string> where_;
  std::vector<leaf_entry> result_;
};

caf::config_value to_value(const item_type& x) {
  if (x.is_leaf())
    return tree_type::as_leaf(&x)->content.shown.value;
  caf::config_value::dictionary result;
  tree_type::as_branch(&x)->children.for_each([&](const item_type& child) {
    result.container().emplace(child.key(), to_value(child));
  });
  return caf::config_value{std::move(result)};
}

std::string leaf_text(const path& where) {
  return to_string(where) + " = ";
}

} // namespace

std::vector<std::string> snapshot::keys(const path& where) const {
  std::vector<std::string> result;
  auto* found = tree_.find(where);
  if (found != nullptr && !found->is_leaf())
    tree_type::as_branch(found)->children.for_each(
      [&](const item_type& x) { result.push_back(x.key()); });
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<leaf_entry> snapshot::leaves(const path& scope) const {
  std::vector<leaf_entry> result;
  result.reserve(count(scope));
  for_each(scope, [&](path where, const caf::config_value& value) {
    result.push_back({std::move(where), value});
  });
  sort_by_path(result);
  return result;
}

std::vector<leaf_entry> snapshot::match(std::string_view pattern) const {
  std::vector<leaf_entry> result;
  if (auto* root = tree_.root())
    result = matcher{detail::parse_pattern(pattern)}.run(*root);
  sort_by_path(result);
  return result;
}

delta snapshot::diff(const snapshot& older) const {
  delta result;
  result.version = version_;
  std::vector<std::string> where;
  auto note = [&result](const std::vector<std::string>& at,
                        const tree_type::leaf* then,
                        const tree_type::leaf* now) {
    leaf_change change;
    if (then != nullptr)
      change.old_value = then->content.shown.value;
    if (now != nullptr)
      change.new_value = now->content.shown.value;
    if (!detail::same_value(change.old_value, change.new_value)) {
      change.where = path{at};
      result.add(std::move(change));
    }
    return true;
  };
  tree_type::compare(older.tree_.root(), tree_.root(), where, note);
  return result;
}

snapshot snapshot::restricted_to(const path& scope) const {
  return {tree_.restricted_to(scope), version_};
}

caf::config_value snapshot::to_value(const path& scope) const {
  if (auto* found = tree_.find(scope))
    return cafreg::to_value(*found);
  return caf::config_value{caf::config_value::dictionary{}};
}

bool operator==(const snapshot& x, const snapshot& y) {
  std::vector<std::string> where;
  auto same = [](const std::vector<std::string>&, const tree_type::leaf* a,
                 const tree_type::leaf* b) {
    return a != nullptr && b != nullptr
           && detail::same_value(a->content.shown.value,
                                 b->content.shown.value);
  };
  return x.size() == y.size()
         && tree_type::compare(x.tree_.root(), y.tree_.root(), where, same);
}

caf::error snapshot::nothing_at(const path& where) {
  return make_error(errc::no_such_path,
                    "path " + to_string(where) + ": there is no leaf");
}

caf::error snapshot::wrong_type(const path& where, const caf::error& why) {
  return make_error(errc::bad_value,
                    "path " + to_string(where) + ": " + to_text(why));
}

void snapshot::take_apart(std::vector<std::vector<std::string>>& paths,
                          std::vector<caf::config_value>& values) const {
  tree_.for_each({}, [&](const std::vector<std::string>& where,
                         const tree_type::leaf& x) {
    paths.push_back(where);
    values.push_back(x.content.shown.value);
  });
}

void snapshot::put_together(const std::vector<std::vector<std::string>>& paths,
                            std::vector<caf::config_value>& values) {
  // Whoever sent this may have sent anything.
  for (size_t i = 0; i < std::min(paths.size(), values.size()); ++i)
    if (!paths[i].empty() && paths[i].size() <= max_path_depth
        && !tree_.locate(paths[i]).blocked)
      tree_.put(paths[i], tree_type::make_leaf(paths[i].back(),
                                               {{0, 0, std::move(values[i])}}));
}

std::string to_json(const snapshot& x, int indent) {
  return to_json(x.to_value(), indent);
}

std::string to_string(const snapshot& x) {
  auto result = "version " + std::to_string(x.version());
  for (auto& [where, value] : x.leaves())
    result += '\n' + leaf_text(where) + to_json(value);
  return result;
}

std::string to_string(const delta& x) {
  std::map<path, std::string> lines;
  for (auto& y : x.added)
    lines[y.where] = "+ " + leaf_text(y.where) + to_json(*y.new_value);
  for (auto& y : x.changed)
    lines[y.where] = "~ " + leaf_text(y.where) + to_json(*y.old_value) + " -> "
                     + to_json(*y.new_value);
  for (auto& y : x.removed)
    lines[y.where] = "- " + leaf_text(y.where) + to_json(*y.old_value);
  auto result = "version " + std::to_string(x.version);
  for (auto& [where, line] : lines)
    result += '\n' + line;
  return result;
}

} // namespace cafreg
