#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

// Decides whether what threads saw of an object can be explained by running
// their operations one by one, each at some moment between its call and its
// return: the search of Wing and Gong, with the memory of Lowe.

namespace linear {

/// An operation: what was asked and answered, and when it was called and
/// returned. Times are distinct.
template <class Op>
struct record {
  /// Of an operation that never returned; it may or may not have happened.
  static constexpr uint64_t never = std::numeric_limits<uint64_t>::max();

  Op op;
  uint64_t called;
  uint64_t returned = never;
};

/// Searches for an order. `Model` has
///   - `state`: copyable, with ==,
///   - `initial()`: the state before all,
///   - `step(const state&, const Op&)`: the state after an operation, or
///     nothing if its answer is wrong in this state,
///   - `hash(const state&)`.
template <class Model, class Op>
class search {
public:
  search(const Model& model, std::vector<record<Op>> history)
    : model_(model),
      history_(std::move(history)),
      done_((history_.size() + 63) / 64) {
    std::sort(history_.begin(), history_.end(),
              [](const auto& x, const auto& y) { return x.called < y.called; });
    for (auto& x : history_)
      if (x.returned != record<Op>::never)
        ++open_;
  }

  bool run() {
    return extend(model_.initial());
  }

private:
  using state = typename Model::state;

  using set = std::vector<uint64_t>;

  bool extend(const state& now) {
    if (open_ == 0)
      return true;
    if (!remember(now))
      return false;
    // What comes next must have been called before any other one returned.
    auto first_return = record<Op>::never;
    for (size_t i = 0; i < history_.size(); ++i) {
      if (is_done(i))
        continue;
      if (history_[i].called > first_return)
        break;
      first_return = std::min(first_return, history_[i].returned);
    }
    for (size_t i = 0; i < history_.size(); ++i) {
      if (history_[i].called > first_return)
        break;
      if (is_done(i))
        continue;
      auto next = model_.step(now, history_[i].op);
      if (!next)
        continue;
      auto returned = history_[i].returned != record<Op>::never;
      flip(i);
      open_ -= returned ? 1 : 0;
      if (extend(*next))
        return true;
      open_ += returned ? 1 : 0;
      flip(i);
    }
    return false;
  }

  bool is_done(size_t i) const {
    return (done_[i / 64] >> i % 64 & 1) != 0;
  }

  void flip(size_t i) {
    done_[i / 64] ^= uint64_t{1} << i % 64;
  }

  // Returns whether the same operations never led to the same state before.
  bool remember(const state& now) {
    uint64_t hash = model_.hash(now);
    for (auto word : done_)
      hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    auto& bucket = seen_[hash];
    for (auto& [done, before] : bucket)
      if (done == done_ && before == now)
        return false;
    bucket.emplace_back(done_, now);
    return true;
  }

  const Model& model_;
  std::vector<record<Op>> history_;
  set done_;
  size_t open_ = 0;
  std::unordered_map<uint64_t, std::vector<std::pair<set, state>>> seen_;
};

/// Whether the history is linearizable.
template <class Model, class Op>
bool check(const Model& model, std::vector<record<Op>> history) {
  return search<Model, Op>{model, std::move(history)}.run();
}

/// Checks the operations of each key for themselves: a history of independent
/// objects is linearizable if that of each object is.
/// @param keys `keys(op)`: the keys that an operation belongs to.
/// @returns a key whose history is not linearizable.
template <class Key, class Model, class Op, class Keys>
std::optional<Key> check_each(const Model& model,
                              const std::vector<record<Op>>& history,
                              Keys&& keys) {
  std::map<Key, std::vector<record<Op>>> parts;
  for (auto& x : history)
    for (auto& key : keys(x.op))
      parts[key].push_back(x);
  for (auto& [key, part] : parts)
    if (!check(model, std::move(part)))
      return key;
  return std::nullopt;
}

} // namespace linear
