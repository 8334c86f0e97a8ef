// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/supervisor.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "cafreg/ask.hpp"
#include "cafreg/detail/deadline.hpp"
#include "cafreg/seam/clock.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

supervised::~supervised() {
  // nop
}

/// What is to be done when, and the timer for it.
class supervisor::agenda {
public:
  explicit agenda(caf::actor_system& sys) : system_(sys), clock_(sys) {
    // nop
  }

  time_point now() const noexcept {
    return clock_.now();
  }

  void attend(caf::strong_actor_ptr who) {
    std::lock_guard guard{mutex_};
    actor_ = std::move(who);
  }

  void wake_at(time_point when) {
    std::lock_guard guard{mutex_};
    call_at_ = call_at_ ? std::min(*call_at_, when) : when;
    arm(when);
  }

  plan kill_at(time_point when, const weak_actor& who) {
    std::lock_guard guard{mutex_};
    plan result{when, ++last_plan_};
    kills_.emplace(result, who);
    arm(when);
    return result;
  }

  void spare(const plan& what) noexcept {
    std::lock_guard guard{mutex_};
    kills_.erase(what);
  }

  void wake_up(time_point now) {
    std::lock_guard guard{mutex_};
    // The first one has woken us, even if it came a little early.
    if (!alarms_.empty())
      alarms_.erase(alarms_.begin());
    alarms_.erase(alarms_.begin(), alarms_.upper_bound(now));
  }

  // The first one that is due. It is planned until it is spared: whoever is to
  // do it may fail.
  std::optional<std::pair<plan, weak_actor>> due_kill(time_point now) {
    std::lock_guard guard{mutex_};
    if (kills_.empty())
      return std::nullopt;
    auto& [what, who] = *kills_.begin();
    if (what.first > now) {
      arm(what.first);
      return std::nullopt;
    }
    return std::pair{what, who};
  }

  // Returns whether the registry wants to be called now.
  bool take_call(time_point now) {
    std::lock_guard guard{mutex_};
    if (!call_at_)
      return false;
    if (*call_at_ > now) {
      arm(*call_at_);
      return false;
    }
    call_at_.reset();
    return true;
  }

  // Returns the actor, and is of no more use.
  caf::strong_actor_ptr dismiss() noexcept {
    std::lock_guard guard{mutex_};
    return std::exchange(actor_, nullptr);
  }

  caf::strong_actor_ptr actor() const {
    std::lock_guard guard{mutex_};
    return actor_;
  }

private:
  void arm(time_point when) {
    if (!actor_ || when == time_point::max()
        || (!alarms_.empty() && *alarms_.begin() <= when))
      return;
    auto alarm = alarms_.insert(when);
    try {
      auto now = clock_.now();
      auto delay = when > now ? when - now : time_point::duration{0};
      post_later(system_, actor_, delay, caf::make_message(deadline_passed{}));
    } catch (...) {
      // Nobody must rely on an alarm that will not go off.
      alarms_.erase(alarm);
      throw;
    }
  }

  caf::actor_system& system_;
  const seam::clock clock_;
  mutable std::mutex mutex_;
  caf::strong_actor_ptr actor_;
  std::map<plan, weak_actor> kills_;
  uint64_t last_plan_ = 0;
  std::optional<time_point> call_at_;
  // When messages of the timer will come. A later deadline needs none.
  std::multiset<time_point> alarms_;
};

namespace {

class supervisor_actor : public looped_actor {
public:
  using agenda_ptr = std::shared_ptr<supervisor::agenda>;

  supervisor_actor(caf::actor_config& cfg, const seam::actor_thread& where,
                   agenda_ptr agenda, std::shared_ptr<supervised> what,
                   std::chrono::nanoseconds patience)
    : looped_actor(cfg, where.loop()),
      thread_(where),
      agenda_(std::move(agenda)),
      what_(std::move(what)),
      patience_(patience) {
    // The registry holds this actor, which therefore must not hold it. Not in
    // on_exit: an actor that still has messages when its system ends is ended
    // without that.
    attach_functor([this] {
      what_.reset();
      agenda_.reset();
      thread_.leave();
      let_go();
    });
  }

  const char* name() const override {
    return "cafreg.supervisor";
  }

protected:
  caf::behavior make_behavior() override {
    // Whoever gets hold of a supervisor cannot end it.
    return ignoring_exits(
      this, {
              [this](deadline_passed) { work(); },
              [this](const caf::strong_actor_ptr& leaving) { watch(leaving); },
              [this](close_request) { quit(); },
            });
  }

private:
  void work() {
    auto now = agenda_->now();
    agenda_->wake_up(now);
    try {
      kill_due(now);
      call(now);
    } catch (...) {
      // Out of memory: the next time may be better.
      try {
        agenda_->wake_at(now + std::chrono::milliseconds{100});
      } catch (...) {
        // Then whoever plans something next wakes us, too.
      }
    }
  }

  void kill_due(supervisor::time_point now) {
    while (auto due = agenda_->due_kill(now)) {
      auto& [what, weak] = *due;
      if (auto who = weak.lock(); who && !actors::dead(who.get())) {
        what_->killing();
        kill_now(who.get());
      }
      agenda_->spare(what);
    }
  }

  void call(supervisor::time_point now) {
    if (!agenda_->take_call(now))
      return;
    auto [next, questions] = what_->supervise(now);
    if (next)
      agenda_->wake_at(*next);
    for (auto& who : questions)
      ask(who);
  }

  void ask(const caf::actor& who) {
    // Who does not know the message has nothing against it. Who says nothing,
    // for it is busy or keeps the question for later, stays.
    detail::request(static_cast<caf::event_based_actor*>(this), who,
                    std::min(patience_, longest_question), ask::may_leave{})
      .then(
        [this, who](bool yes) {
          if (what_)
            what_->answered(who, yes);
        },
        [this, who](const caf::error& why) {
          if (what_)
            what_->answered(who, why != caf::sec::request_timeout);
        });
  }

  void watch(const caf::strong_actor_ptr& leaving) {
    auto who = caf::actor_cast<caf::actor>(leaving);
    ping(this, who, [this, weak = caf::actor_cast<weak_actor>(leaving)] {
      if (agenda_)
        agenda_->kill_at(later(agenda_->now(), patience_), weak);
    });
  }

  static constexpr std::chrono::nanoseconds longest_question
    = std::chrono::hours{24};

  seam::actor_thread thread_;
  agenda_ptr agenda_;
  std::shared_ptr<supervised> what_;
  const std::chrono::nanoseconds patience_;
};

} // namespace

supervisor::supervisor(caf::actor_system& sys, const seam::actor_thread& where,
                       std::shared_ptr<supervised> what,
                       std::chrono::nanoseconds patience)
  : agenda_(std::make_shared<agenda>(sys)),
    actor_(caf::actor_cast<caf::strong_actor_ptr>(
      sys.spawn<supervisor_actor, caf::hidden + caf::lazy_init>(
        where, agenda_, std::move(what), patience))) {
  agenda_->attend(actor_);
}

supervisor::~supervisor() {
  // nop
}

void supervisor::wake_at(time_point when) {
  agenda_->wake_at(when);
}

supervisor::plan supervisor::kill_at(time_point when, const weak_actor& who) {
  return agenda_->kill_at(when, who);
}

void supervisor::spare(const plan& what) noexcept {
  agenda_->spare(what);
}

void supervisor::watch_leaving(const caf::strong_actor_ptr& who) {
  post(actor_.get(), caf::make_message(who));
}

std::function<void()> supervisor::stopper() const {
  return [agenda = agenda_] {
    if (auto who = agenda->dismiss()) {
      static_cast<supervisor_actor*>(who->get())->hold();
      post(who.get(), caf::make_message(close_request{}));
    }
  };
}

} // namespace cafreg::detail
