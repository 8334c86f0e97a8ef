// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/interests.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace cafreg::detail {

namespace {

// Interests of one kind in one key, or in keys with the same hash, are
// neighbours: a crowd of one kind is not in the way of another.
using place = std::tuple<uint64_t, interest::kind, uint64_t>;

place place_of(const interest& x) noexcept {
  return {x.hash, x.what, x.id};
}

} // namespace

// To be used with its mutex.
struct interests::book {
  // Calls `fn(interest&)` for the interests of one kind in a key, oldest first,
  // until it returns false.
  template <class Fn>
  void for_each(uint64_t hash, const void* key, interest::kind what, Fn&& fn) {
    for (auto pos = by_hash.lower_bound({hash, what, 0}); pos != by_hash.end();
         ++pos) {
      auto [other_hash, other_kind, id] = *pos;
      if (other_hash != hash || other_kind != what)
        return;
      ++steps;
      auto& x = *by_id.find(id)->second;
      if (x.about(key) && !fn(x))
        return;
    }
  }

  // Takes all traces of an interest out but the one in `by_id`.
  void forget(const interest& x) noexcept {
    by_hash.erase(place_of(x));
    by_actor.erase({x.who.get(), x.id});
    deadlines.erase({x.deadline, x.id});
  }

  std::mutex mutex;
  bool closed = false;
  uint64_t steps = 0;
  // Ids grow, so that each list is in the order of arrival.
  std::unordered_map<uint64_t, interest_ptr> by_id;
  std::set<place> by_hash;
  std::set<std::pair<const caf::actor_control_block*, uint64_t>> by_actor;
  std::set<std::pair<clock_type::time_point, uint64_t>> deadlines;
};

interest::~interest() {
  // nop
}

interests::interests() : book_(std::make_unique<book>()) {
  // nop
}

interests::~interests() {
  // nop
}

bool interests::add(interest_ptr x) {
  std::lock_guard guard{book_->mutex};
  if (book_->closed)
    return false;
  auto& stored = *x;
  try {
    book_->by_hash.insert(place_of(stored));
    if (stored.who)
      book_->by_actor.emplace(stored.who.get(), stored.id);
    if (stored.deadline != clock_type::time_point::max())
      book_->deadlines.emplace(stored.deadline, stored.id);
    book_->by_id.try_emplace(stored.id, std::move(x));
  } catch (...) {
    book_->forget(stored);
    throw;
  }
  if (stored.what == interest::kind::standby)
    standbys_.fetch_add(1);
  counts_[stored.shard].fetch_add(1, std::memory_order_relaxed);
  return true;
}

void interests::post_to_watchers(uint64_t hash, const void* key,
                                 const caf::message& msg) {
  std::lock_guard guard{book_->mutex};
  book_->for_each(hash, key, interest::kind::watch, [&msg](interest& x) {
    post(x.who.get(), msg);
    return true;
  });
}

std::vector<interest_ptr> interests::take(uint64_t hash, const void* key,
                                          interest::kind what, size_t limit) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{book_->mutex};
  std::vector<uint64_t> ids;
  book_->for_each(hash, key, what, [&](interest& x) {
    ids.push_back(x.id);
    return ids.size() < limit;
  });
  result.reserve(ids.size());
  for (auto id : ids)
    result.push_back(extract(id));
  return result;
}

interest_ptr interests::take(uint64_t id) {
  std::lock_guard guard{book_->mutex};
  return book_->by_id.count(id) > 0 ? extract(id) : nullptr;
}

std::vector<interest_ptr>
interests::take_of(const caf::actor_control_block* who) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{book_->mutex};
  for (auto pos = book_->by_actor.lower_bound({who, 0});
       pos != book_->by_actor.end() && pos->first == who;
       pos = book_->by_actor.lower_bound({who, 0}))
    result.push_back(extract(pos->second));
  return result;
}

std::vector<interest_ptr> interests::take_expired(
  clock_type::time_point now, clock_type::time_point& next) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{book_->mutex};
  while (!book_->deadlines.empty() && book_->deadlines.begin()->first <= now)
    result.push_back(extract(book_->deadlines.begin()->second));
  next = book_->deadlines.empty() ? clock_type::time_point::max()
                                  : book_->deadlines.begin()->first;
  return result;
}

std::vector<interest_ptr> interests::close() {
  std::vector<interest_ptr> result;
  std::lock_guard guard{book_->mutex};
  book_->closed = true;
  while (!book_->by_id.empty())
    result.push_back(extract(book_->by_id.begin()->first));
  return result;
}

void interests::list(std::vector<holder_info>& result) {
  std::lock_guard guard{book_->mutex};
  for (auto& [id, x] : book_->by_id) {
    if (!x->who)
      continue;
    auto role = x->what == interest::kind::watch   ? holder_role::watcher
                : x->what == interest::kind::await ? holder_role::waiter
                                                   : holder_role::standby;
    result.push_back({x->who->id(), role, 0});
  }
}

uint64_t interests::search_steps() {
  std::lock_guard guard{book_->mutex};
  return book_->steps;
}

interest_ptr interests::extract(uint64_t id) {
  auto pos = book_->by_id.find(id);
  auto result = std::move(pos->second);
  book_->by_id.erase(pos);
  book_->forget(*result);
  if (result->what == interest::kind::standby)
    standbys_.fetch_sub(1);
  counts_[result->shard].fetch_sub(1, std::memory_order_relaxed);
  return result;
}

} // namespace cafreg::detail
