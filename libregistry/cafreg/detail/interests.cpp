// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/interests.hpp"

#include <algorithm>

namespace cafreg::detail {

interest::~interest() {
  // nop
}

bool interests::add(interest_ptr x) {
  std::lock_guard guard{mutex_};
  if (closed_)
    return false;
  auto& stored = *x;
  auto forget = [this, &stored] {
    by_hash_.erase(place_of(stored));
    by_actor_.erase({stored.who.get(), stored.id});
    deadlines_.erase({stored.deadline, stored.id});
  };
  try {
    by_hash_.insert(place_of(stored));
    if (stored.who)
      by_actor_.emplace(stored.who.get(), stored.id);
    if (stored.deadline != clock_type::time_point::max())
      deadlines_.emplace(stored.deadline, stored.id);
    by_id_.try_emplace(stored.id, std::move(x));
  } catch (...) {
    forget();
    throw;
  }
  if (stored.what == interest::kind::standby)
    standbys_.fetch_add(1);
  counts_[stored.shard].fetch_add(1, std::memory_order_relaxed);
  return true;
}

void interests::post_to_watchers(uint64_t hash, const void* key,
                                 const caf::message& msg) {
  std::lock_guard guard{mutex_};
  for_each(hash, key, interest::kind::watch, [&msg](interest& x) {
    post(x.who.get(), msg);
    return true;
  });
}

std::vector<interest_ptr> interests::take(uint64_t hash, const void* key,
                                          interest::kind what, size_t limit) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{mutex_};
  std::vector<uint64_t> ids;
  for_each(hash, key, what, [&](interest& x) {
    ids.push_back(x.id);
    return ids.size() < limit;
  });
  result.reserve(ids.size());
  for (auto id : ids)
    result.push_back(extract(id));
  return result;
}

interest_ptr interests::take(uint64_t id) {
  std::lock_guard guard{mutex_};
  return by_id_.count(id) > 0 ? extract(id) : nullptr;
}

std::vector<interest_ptr>
interests::take_of(const caf::actor_control_block* who) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{mutex_};
  for (auto pos = by_actor_.lower_bound({who, 0});
       pos != by_actor_.end() && pos->first == who;
       pos = by_actor_.lower_bound({who, 0}))
    result.push_back(extract(pos->second));
  return result;
}

std::vector<interest_ptr> interests::take_expired(
  clock_type::time_point now, clock_type::time_point& next) {
  std::vector<interest_ptr> result;
  std::lock_guard guard{mutex_};
  while (!deadlines_.empty() && deadlines_.begin()->first <= now)
    result.push_back(extract(deadlines_.begin()->second));
  next = deadlines_.empty() ? clock_type::time_point::max()
                            : deadlines_.begin()->first;
  return result;
}

std::vector<interest_ptr> interests::close() {
  std::vector<interest_ptr> result;
  std::lock_guard guard{mutex_};
  closed_ = true;
  while (!by_id_.empty())
    result.push_back(extract(by_id_.begin()->first));
  return result;
}

void interests::list(std::vector<holder_info>& result) {
  std::lock_guard guard{mutex_};
  for (auto& [id, x] : by_id_) {
    if (!x->who)
      continue;
    auto role = x->what == interest::kind::watch   ? holder_role::watcher
                : x->what == interest::kind::await ? holder_role::waiter
                                                   : holder_role::standby;
    result.push_back({x->who->id(), role, 0});
  }
}

interest_ptr interests::extract(uint64_t id) {
  auto pos = by_id_.find(id);
  auto result = std::move(pos->second);
  by_id_.erase(pos);
  by_hash_.erase(place_of(*result));
  by_actor_.erase({result->who.get(), id});
  deadlines_.erase({result->deadline, id});
  if (result->what == interest::kind::standby)
    standbys_.fetch_sub(1);
  counts_[result->shard].fetch_sub(1, std::memory_order_relaxed);
  return result;
}

} // namespace cafreg::detail
