// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/core_base.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "cafreg/detail/front.hpp"
#include "cafreg/detail/keeper.hpp"
#include "cafreg/detail/open_registries.hpp"
#include "cafreg/seam/driving.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

namespace {

// How long removed entries may wait before a keeper frees them, when no write
// does so on the way. Actors live that much longer than their last name.
constexpr auto flush_delay = std::chrono::milliseconds{2};

} // namespace

core_base::core_base(caf::actor_system& sys, registry_options options)
  : system_(sys),
    driver_(seam::driver_of(sys)),
    clock_(sys),
    options_(std::move(options)),
    name_(std::make_shared<const std::string>(options_.name)) {
  if (options_.partitions == 0 || options_.partitions > max_partitions)
    throw std::invalid_argument{"registry " + *name_
                                + ": partitions must be 1 to "
                                + std::to_string(max_partitions) + ", not "
                                + std::to_string(options_.partitions)};
  if (!caf::get_or(sys.config(), "cafreg.prepared", false))
    throw std::invalid_argument{
      "registry " + *name_
      + ": call cafreg::prepare(cfg), or prepare_system(cfg) for a"
        " system_registry, before the actor system is created"};
  for (auto& listener : options_.listeners)
    if (!listener)
      throw std::invalid_argument{"registry " + *name_
                                  + ": a listener is a null handle"};
}

core_base::~core_base() {
  if (!stopped_.load()) // its construction has failed
    close_in(system_, this);
}

void core_base::clean_up(deaths& work, death_ptr what) noexcept {
  try {
    actor_down(what->who(), what->reason());
  } catch (...) {
    // Out of memory, or a key that cannot be copied: the next time may be
    // better, and until then it is the turn of others.
    work.postpone(std::move(what));
    return;
  }
  work.settle();
}

void core_base::help(deaths& work) noexcept {
  if (auto next = work.take())
    clean_up(work, std::move(next));
}

void core_base::relieve(deaths& work) noexcept {
  // The threads may be one: what a dead actor holds is destroyed on the way,
  // and may itself add something when it goes.
  constexpr size_t max_helpers = 16;
  if (helpers_.fetch_add(1, std::memory_order_relaxed) < max_helpers)
    help(work);
  helpers_.fetch_sub(1, std::memory_order_relaxed);
}

void core_base::on_deadline(int64_t which) {
  {
    // No other one: its message is still to come, however late we are.
    std::lock_guard guard{alarm_mutex_};
    forget_alarm(clock_type::time_point{clock_type::duration{which}});
  }
  auto now = this->now();
  auto next = now + again_delay;
  try {
    next = expire(now);
  } catch (...) {
    // Out of memory: it is tried again.
  }
  if (next != clock_type::time_point::max())
    try_wake_at(next);
}

void core_base::on_flush() {
  flush_requested_.store(false);
  empty_attic();
  if (flush())
    garbage();
}

void core_base::start() {
  watch_thread_ = seam::actor_thread::of(system_, driver(), seam::duty::watch);
  open_in(system_, this, *name_);
  keepers_.reserve(options_.partitions);
  deaths_.reserve(options_.partitions);
  for (size_t i = 0; i < options_.partitions; ++i) {
    deaths_.push_back(caf::make_counted<deaths>());
    keepers_.push_back(spawn_keeper(shared_from_this(), deaths_.back()));
    deaths_.back()->attend(keepers_.back());
  }
  for (auto& listener : options_.listeners)
    add_listener(caf::actor_cast<caf::strong_actor_ptr>(std::move(listener)));
  options_.listeners.clear();
}

void core_base::stop() noexcept {
  if (stopped_.exchange(true))
    return;
  for (auto& noticed : deaths_)
    noticed->close();
  for (auto& keeper : keepers_)
    end_keeper(keeper);
  caf::strong_actor_ptr front;
  {
    std::lock_guard guard{front_mutex_};
    front.swap(front_);
  }
  if (front)
    detail::close_front(front);
  // References to a closed registry must not keep the thread.
  watch_thread_.leave();
  close_in(system_, this);
}

caf::actor
core_base::front(const std::function<caf::strong_actor_ptr()>& spawn) {
  auto alive = [](const caf::strong_actor_ptr& x) {
    return x && !actors::dead(x.get());
  };
  {
    std::lock_guard guard{front_mutex_};
    if (alive(front_))
      return caf::actor_cast<caf::actor>(front_);
  }
  auto fresh = spawn();
  caf::strong_actor_ptr dead; // destroyed without the lock
  std::unique_lock guard{front_mutex_};
  if (stopped_.load()) {
    guard.unlock();
    detail::close_front(fresh);
    return caf::actor_cast<caf::actor>(std::move(fresh));
  }
  if (!alive(front_)) {
    dead = std::exchange(front_, std::move(fresh));
    return caf::actor_cast<caf::actor>(front_);
  }
  // Somebody was faster, and nobody knows this one.
  auto result = caf::actor_cast<caf::actor>(front_);
  guard.unlock();
  detail::close_front(fresh);
  return result;
}

size_t core_base::backlog() const noexcept {
  size_t result = 0;
  for (auto& noticed : deaths_)
    result += noticed->size();
  return result;
}

void core_base::request_flush() noexcept {
  if (!stopped_.load(std::memory_order_relaxed))
    post_later(system_, keepers_.front(), flush_delay,
               caf::make_message(flush_request{}));
}

void core_base::wake_at(clock_type::time_point deadline) {
  {
    std::lock_guard guard{alarm_mutex_};
    if (!alarms_.empty() && *alarms_.begin() <= deadline)
      return;
    alarms_.insert(deadline);
  }
  try {
    auto now = this->now();
    auto delay = deadline > now ? deadline - now : clock_type::duration{0};
    int64_t which = deadline.time_since_epoch().count();
    post_later(system_, keepers_.front(), delay,
               caf::make_message(deadline_passed{}, which));
  } catch (...) {
    // Nobody must rely on an alarm that will not go off; who did already is
    // helped by the next call that can.
    std::lock_guard guard{alarm_mutex_};
    forget_alarm(deadline);
    alarm_missed_.store(true);
    throw;
  }
}

void core_base::forget_alarm(clock_type::time_point when) noexcept {
  if (auto pos = alarms_.find(when); pos != alarms_.end())
    alarms_.erase(pos);
}

void core_base::try_wake_at(clock_type::time_point deadline) noexcept {
  try {
    wake_at(deadline);
  } catch (...) {
    alarm_missed_.store(true);
  }
}

void core_base::make_up_alarm() noexcept {
  if (alarm_missed_.exchange(false))
    try_wake_at(now());
}

size_t core_base::alarms() {
  std::lock_guard guard{alarm_mutex_};
  return alarms_.size();
}

bool core_base::add_listener(caf::strong_actor_ptr who) {
  auto* added = who.get();
  relieve(added);
  enroll(added);
  {
    std::lock_guard guard{listeners_mutex_};
    if (dropped_)
      return false;
    if (std::find(listeners_.begin(), listeners_.end(), who)
        == listeners_.end())
      listeners_.push_back(who);
    has_listeners_.store(true, std::memory_order_release);
  }
  // It may have died before anyone would have told us.
  if (actors::dead(added))
    remove_listener(added);
  return true;
}

bool core_base::remove_listener(const caf::actor_control_block* who) {
  caf::strong_actor_ptr removed;
  std::lock_guard guard{listeners_mutex_};
  auto pos = std::find_if(listeners_.begin(), listeners_.end(),
                          [who](const auto& ptr) { return ptr.get() == who; });
  if (pos == listeners_.end())
    return false;
  removed = std::move(*pos);
  listeners_.erase(pos);
  has_listeners_.store(!listeners_.empty(), std::memory_order_release);
  return true;
}

void core_base::notify(const caf::message& msg) {
  std::lock_guard guard{listeners_mutex_};
  for (auto& listener : listeners_)
    post(listener.get(), msg);
  events_sent_.fetch_add(listeners_.size(), std::memory_order_relaxed);
}

std::vector<caf::strong_actor_ptr> core_base::listeners() const {
  std::lock_guard guard{listeners_mutex_};
  return listeners_;
}

void core_base::drop_later(caf::strong_actor_ptr ref) {
  if (!ref)
    return;
  {
    std::lock_guard guard{attic_mutex_};
    attic_.push_back(std::move(ref));
  }
  garbage();
}

void core_base::empty_attic() noexcept {
  std::vector<caf::strong_actor_ptr> dropped;
  std::lock_guard guard{attic_mutex_};
  dropped.swap(attic_);
}

caf::error core_base::key_too_large(std::string_view key) const {
  return error(errc::key_too_large, key,
               "longer than the limit of "
                 + std::to_string(options_.max_key_size) + " bytes");
}

bool core_base::begin_closing() noexcept {
  std::lock_guard guard{closing_mutex_};
  if (closer_ != 0)
    return false;
  closer_ = seam::this_thread_id();
  return true;
}

bool core_base::closed_down() const noexcept {
  std::lock_guard guard{closing_mutex_};
  return closed_down_;
}

void core_base::end_closing() noexcept {
  std::lock_guard guard{closing_mutex_};
  closed_down_ = true;
  closing_ended_.notify_all();
}

void core_base::wait_closed() noexcept {
  if (seam::this_thread.runs_actors)
    return;
  std::unique_lock guard{closing_mutex_};
  if (closer_ != seam::this_thread_id())
    seam::wait(driver(), guard, closing_ended_, seam::never,
               [this] { return closed_down_; });
}

void core_base::part_from(const caf::strong_actor_ptr& who) noexcept {
  detach_monitors(who.get(), keeper_of(who.get()).get());
  if (!exported(who.get()))
    return;
  try {
    std::lock_guard guard{exported_mutex_};
    exported_.push_back(caf::actor_cast<weak_actor>(who));
  } catch (...) {
    // Out of memory: then it is CAF that keeps it, as without us.
  }
}

std::vector<weak_actor> core_base::take_exported() noexcept {
  std::lock_guard guard{exported_mutex_};
  return std::exchange(exported_, {});
}

void core_base::list_exported(std::vector<holder_info>& result) const {
  std::set<caf::actor_id> seen;
  for (size_t i = 0, count = result.size(); i < count; ++i)
    if (auto id = result[i].id; seen.insert(id).second && exported(system_, id))
      result.push_back({id, holder_role::exported, 0});
}

void core_base::drop_all() noexcept {
  std::vector<caf::strong_actor_ptr> listeners;
  {
    std::lock_guard guard{listeners_mutex_};
    dropped_ = true;
    listeners.swap(listeners_);
    has_listeners_.store(false, std::memory_order_release);
  }
  metadata_.close();
  empty_attic();
}

} // namespace cafreg::detail
