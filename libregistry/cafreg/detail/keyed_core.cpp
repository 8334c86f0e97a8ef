// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/keyed_core.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "cafreg/detail/blocked_wait.hpp"

namespace cafreg::detail {

namespace {

// How many entries of the dead somebody removes before he adds one. Two would
// keep up with him; more lets him be quick again soon.
constexpr size_t help_steps = 4;

std::string_view describe(errc why) noexcept {
  switch (why) {
    case errc::timeout:
      return "nobody registered it in time";
    case errc::cancelled:
      return "the wait was cancelled";
    default:
      return "the registry is closed";
  }
}

// Who is told what became of an interest.
caf::actor_control_block* answered(const interest& x) noexcept {
  return x.reply_to ? x.reply_to.get() : x.who.get();
}

} // namespace

void keyed_core::actor_down(caf::actor_control_block* who,
                            const caf::error& reason) {
  erase_dead(who, {departure::down, &reason},
             std::numeric_limits<size_t>::max());
  // What it wanted is forgotten, too.
  cleanups_.fetch_add(1, std::memory_order_relaxed);
  auto dropped = interests_.take_of(who);
  for (auto& x : dropped)
    give_up(*x);
  remove_listener(who);
}

void keyed_core::help(deaths& work) noexcept {
  for (auto left = help_steps; left > 0;) {
    auto next = work.take();
    if (!next)
      return;
    size_t erased = 0;
    try {
      erased = erase_dead(next->who(), {departure::down, &next->reason()},
                          left);
    } catch (...) {
      work.postpone(std::move(next));
      return;
    }
    if (erased == left) { // who has many entries is done with bit by bit
      work.put_back(std::move(next));
      return;
    }
    clean_up(work, std::move(next));
    left -= std::max<size_t>(erased, 1);
  }
}

clock_type::time_point keyed_core::expire(clock_type::time_point now) {
  auto next = clock_type::time_point::max();
  for (auto& x : interests_.take_expired(now, next))
    disappoint(*x, errc::timeout);
  return next;
}

bool keyed_core::cancel(uint64_t id) {
  auto x = interests_.take(id);
  if (!x)
    return false;
  if (x->what == interest::kind::await)
    disappoint(*x, errc::cancelled);
  return true;
}

std::vector<holder_info> keyed_core::holders() {
  std::map<caf::actor_id, size_t> entries;
  if (strong())
    for_each_actor([&entries](const caf::actor_control_block* who) {
      ++entries[who->id()];
    });
  std::vector<holder_info> result;
  result.reserve(entries.size());
  for (auto [id, count] : entries)
    result.push_back({id, holder_role::registrant, count});
  for (auto& who : listeners())
    result.push_back({who->id(), holder_role::listener, 0});
  interests_.list(result);
  list_exported(result);
  return result;
}

uint64_t keyed_core::add_interest(interest_ptr x) {
  auto who = x->who;
  if (who) {
    relieve(who.get());
    enroll(who.get());
  }
  auto id = interests_.next_id();
  auto deadline = x->deadline;
  x->id = id;
  // Outlives the lock: it may drop the last reference of an actor.
  event now;
  auto added = look(*x, now, [&] {
    if (x->what == interest::kind::await && now.holder()) {
      answer(*x, now);
      return true;
    }
    if (x->what == interest::kind::watch)
      post(who.get(), to_message(name_state{now}));
    return interests_.add(std::move(x));
  });
  if (!added)
    return 0;
  if (deadline != clock_type::time_point::max())
    wake_at(deadline);
  // It may have died before anyone would have told us.
  if (who && actors::dead(who.get()))
    if (auto dropped = interests_.take(id))
      give_up(*dropped);
  return id;
}

void keyed_core::close() noexcept {
  auto first = begin_closing();
  if (closed_down())
    return;
  auto living = close_table();
  for (auto& x : interests_.close())
    disappoint(*x, errc::closed);
  for (auto& ref : living)
    part_from(ref);
  living.clear();
  drop_all();
  stop();
  if (first)
    end_closing();
  else
    wait_closed();
}

void keyed_core::announce(size_t shard, uint64_t hash, const void* key,
                          event what) {
  if (has_listeners())
    notify(to_message(cafreg::registered{what}));
  if (!interests_.any(shard))
    return;
  interests_.post_to_watchers(hash, key, to_message(name_state{what}));
  for (auto& x : interests_.take(hash, key, interest::kind::await))
    answer(*x, what);
}

void keyed_core::withdraw(event what, const change& how) {
  notify(to_message(
    cafreg::unregistered{std::move(what), how.why,
                         how.reason != nullptr ? *how.reason : caf::error{}}));
}

void keyed_core::announce_nobody(uint64_t hash, const void* key, event what) {
  interests_.post_to_watchers(hash, key,
                              to_message(name_state{std::move(what)}));
}

event keyed_core::make_event(event_data_ptr data,
                             caf::actor_control_block* who) const {
  return {name(), std::move(data),
          who != nullptr ? actors::lock(who, strong()) : nullptr};
}

void keyed_core::answer(interest& x, const event& what) {
  if (x.blocked)
    x.blocked->answer(what);
  else
    post(answered(x), to_message(awaited{what, x.id}));
  drop_later(std::move(x.who));
  drop_later(std::move(x.reply_to));
}

void keyed_core::disappoint(interest& x, errc why) noexcept {
  if (x.blocked)
    x.blocked->fail(why);
  else if (x.what == interest::kind::await)
    post(answered(x), to_message(awaited{make_event(x.nobody()), x.id,
                                         error(why, x.text(), describe(why))}));
}

void keyed_core::give_up(interest& x) noexcept {
  if (x.reply_to)
    disappoint(x, errc::cancelled);
}

} // namespace cafreg::detail
