// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/caf.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <caf/actor_registry.hpp>
#include <caf/message_handler.hpp>
#include <caf/thread_hook.hpp>

#if CAFREG_CAF_VERSION >= 10000
#  include <caf/thread_owner.hpp>
#else
#  include <caf/scheduler/test_coordinator.hpp>
#endif

#if CAFREG_CAF_VERSION >= 20000
#  include <caf/detail/current_actor.hpp>
#  include <caf/resumable.hpp>
#endif

#include "cafreg/seam/driving.hpp"
#include "cafreg/seam/waiting.hpp"
#include "cafreg/seam/who.hpp"

namespace cafreg::detail {

// -- messages -----------------------------------------------------------------

void post(caf::actor_control_block* to, caf::message content) {
  to->get()->enqueue(envelope(std::move(content)), nullptr);
}

void post_urgent(caf::actor_control_block* to, caf::message content) {
  auto what = envelope(std::move(content));
  what->mid = caf::make_message_id(caf::message_priority::high);
  to->get()->enqueue(std::move(what), nullptr);
}

void post_element(caf::actor_control_block* to, caf::mailbox_element_ptr what) {
  to->get()->enqueue(std::move(what), nullptr);
}

void bounce(const caf::mailbox_element& what, caf::error reason) {
  if (!what.sender || !what.mid.is_request())
    return;
  auto answer = envelope(caf::make_message(std::move(reason)));
  answer->mid = what.mid.response_id();
  what.sender->get()->enqueue(std::move(answer), nullptr);
}

void post_later(caf::actor_system& sys, const caf::strong_actor_ptr& to,
                std::chrono::nanoseconds delay, caf::message content) {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 365};
  auto what = envelope(std::move(content));
  // Ahead of what waits already: a timer must not stand in a line.
  what->mid = caf::make_message_id(caf::message_priority::high);
  auto& clock = sys.clock();
  clock.schedule_message(clock.now() + std::min(delay, longest), to,
                         std::move(what));
}

caf::message exit_message(caf::error reason) {
  return caf::make_message(caf::exit_msg{caf::actor_addr{}, std::move(reason)});
}

void kill(caf::actor_control_block* who) {
  post(who, exit_message(make_exit_error(caf::exit_reason::kill)));
}

void kill_now(caf::actor_control_block* who) {
  post_urgent(who, exit_message(make_exit_error(caf::exit_reason::kill)));
}

caf::error make_exit_error(caf::exit_reason why) {
  return caf::make_error(why);
}

// -- lives --------------------------------------------------------------------

std::string actor_text(caf::actor_control_block* who) {
  if (who == nullptr)
    return "no actor";
  std::string result{"actor "};
  result += std::to_string(who->id());
  if (who->node() != system_of(who).node()) {
    result += '@';
    result += to_string(who->node());
  }
  return result;
}

std::optional<caf::config_value> from_rare_value(const rare_value& x) {
#if CAFREG_CAF_VERSION >= 10000
  if (x.kind == "none")
    return caf::config_value{};
#else
  if (auto atom = caf::atom_from_string(x.text);
      x.kind == "atom" && to_string(atom) == x.text)
    return caf::config_value{atom};
#endif
  return std::nullopt;
}

size_t running_actors(const caf::actor_system& sys) {
#if CAFREG_CAF_VERSION >= 20000
  return sys.running_actors_count();
#else
  return const_cast<caf::actor_system&>(sys).registry().running();
#endif
}

void hold_end(caf::actor_system& sys) {
#if CAFREG_CAF_VERSION >= 20000
  static_cast<void>(sys); // it has no public way
#else
  sys.registry().inc_running();
#endif
}

void let_end(caf::actor_system& sys) {
#if CAFREG_CAF_VERSION >= 20000
  static_cast<void>(sys);
#else
  sys.registry().dec_running();
#endif
}

std::function<bool()> step_of(caf::actor_system& sys) {
#if CAFREG_CAF_VERSION >= 10000
  static_cast<void>(sys); // a test has to tell, see `drive`
  return nullptr;
#else
  using scheduler_type = caf::scheduler::test_coordinator;
  auto* found = dynamic_cast<scheduler_type*>(&sys.scheduler());
  if (found == nullptr)
    return nullptr;
  return [found] { return found->try_run_once() || found->trigger_timeout(); };
#endif
}

life_watch::~life_watch() {
  // nop
}

bool life_watch::given_up_by(const void*) noexcept {
  return false;
}

#if CAFREG_CAF_VERSION >= 20000

void life_watch::actor_exited(caf::abstract_actor*, const caf::error& reason,
                              execution_context* ctx) {
  ended(reason, ctx);
}

namespace {

// Only CAF's own attachables can be detached by its public interface. Not to
// detach ours would be a leak: whoever outlives many registries would collect
// one of each.
struct attached : caf::abstract_actor {
  static constexpr auto list() {
    return &attached::attachables_;
  }
};

} // namespace

size_t detach_watches(caf::actor_control_block* from, const void* owner) {
  auto* who = from->get();
  auto given_up = [owner](caf::attachable& x) {
    auto* watch = dynamic_cast<life_watch*>(&x);
    return watch != nullptr && watch->given_up_by(owner);
  };
  return who->exclusive_critical_section(
    [&] { return (who->*attached::list()).erase_if(given_up); });
}

#else

namespace {

constexpr size_t life_watch_token = 0xcaf;

} // namespace

void life_watch::actor_exited(const caf::error& reason,
                              execution_context* ctx) {
  ended(reason, ctx);
}

bool life_watch::matches(const caf::attachable::token& what) {
  return what.subtype == life_watch_token && given_up_by(what.ptr);
}

size_t detach_watches(caf::actor_control_block* from, const void* owner) {
  return from->get()->detach(caf::attachable::token{life_watch_token, owner});
}

#endif

#if CAFREG_CAF_VERSION >= 10000

caf::behavior ignoring_exits(caf::event_based_actor*, caf::behavior others) {
  caf::message_handler first{[](const caf::exit_msg&) {}};
  return first.or_else(std::move(others));
}

#else

// Here a behavior does not see these messages.

caf::behavior ignoring_exits(caf::event_based_actor* self,
                             caf::behavior others) {
  self->set_exit_handler([](caf::exit_msg&) {});
  return others;
}

#endif

// -- loops --------------------------------------------------------------------

class actor_loop final : public execution_context {
public:
#if CAFREG_CAF_VERSION >= 10000
  explicit actor_loop(caf::actor_system& sys) : home_(sys) {
    // nop
  }
#else
  explicit actor_loop(caf::actor_system& sys)
    : execution_context(&sys), home_(sys) {
    // nop
  }
#endif

  void run();

  void end() noexcept {
    std::lock_guard guard{mutex_};
    ended_ = true;
    changed_.notify_all();
  }

#if CAFREG_CAF_VERSION >= 20000
  void schedule(caf::resumable_ptr what, uint64_t event) override {
    auto* who = mine(what.get());
    if (who == nullptr) {
      home_.scheduler().schedule(std::move(what), event);
      return;
    }
    {
      std::lock_guard guard{mutex_};
      auto waits = who->events_ != 0;
      who->events_ |= uint64_t{1} << event;
      if (waits)
        return;
    }
    static_cast<void>(what.release());
    add(who);
  }

  void delay(caf::resumable_ptr what, uint64_t event) override {
    schedule(std::move(what), event);
  }

  bool is_system_scheduler() const noexcept override {
    return false;
  }

  void start() override {
    // nop
  }

  void stop() override {
    // nop
  }
#elif CAFREG_CAF_VERSION >= 10000
  void schedule(caf::resumable* what) override {
    if (auto* who = mine(what))
      add(who);
    else
      home_.scheduler().schedule(what);
  }

  void delay(caf::resumable* what) override {
    schedule(what);
  }

  void start() override {
    // nop
  }

  void stop() override {
    // nop
  }
#else
  void exec_later(caf::resumable* what) override {
    if (auto* who = mine(what))
      add(who);
    else
      home_.scheduler().enqueue(what);
  }
#endif

private:
  looped_actor* mine(caf::resumable* what) const noexcept {
    auto* who = dynamic_cast<looped_actor*>(what);
    return who != nullptr && who->loop_.get() == this ? who : nullptr;
  }

  // Takes over a reference to an actor that is not in the queue. Needs no
  // memory: CAF forgets an actor that it has none for.
  void add(looped_actor* who) noexcept {
    std::lock_guard guard{mutex_};
    if (last_ != nullptr)
      last_->next_ = who;
    else
      first_ = who;
    last_ = who;
    changed_.notify_one();
  }

  void resume(looped_actor* who);

  caf::actor_system& home_;
  std::mutex mutex_;
  std::condition_variable changed_;
  looped_actor* first_ = nullptr;
  looped_actor* last_ = nullptr;
  bool ended_ = false;
};

void actor_loop::run() {
  for (;;) {
    looped_actor* who = nullptr;
    {
      std::unique_lock guard{mutex_};
      seam::wait(nullptr, guard, changed_, seam::never,
                 [this] { return first_ != nullptr || ended_; });
      if (first_ == nullptr)
        return;
      who = std::exchange(first_, first_->next_);
      who->next_ = nullptr;
      if (first_ == nullptr)
        last_ = nullptr;
    }
    resume(who);
  }
}

std::shared_ptr<actor_loop> make_loop(caf::actor_system& sys) {
  return std::make_shared<actor_loop>(sys);
}

void run_loop(actor_loop& what) {
  what.run();
}

void end_loop(actor_loop& what) noexcept {
  what.end();
}

looped_actor::looped_actor(caf::actor_config& cfg,
                           std::shared_ptr<actor_loop> loop)
  : receiving_actor(cfg), loop_(std::move(loop)) {
  // nop
}

looped_actor::~looped_actor() {
  // nop
}

void looped_actor::hold() {
  if (!loop_)
    return;
  hold_end(system());
  if (end_.fetch_or(held) == gone)
    let_end(system());
}

void looped_actor::let_go() noexcept {
  if (end_.fetch_or(gone) == held)
    let_end(system());
}

execution_context*
looped_actor::choose(cafreg::detail::execution_context* ctx) const noexcept {
  return loop_ ? loop_.get() : ctx;
}

namespace {

// How many messages such an actor takes at a time.
constexpr size_t fair_share = 16;

} // namespace

#if CAFREG_CAF_VERSION >= 20000

void actor_loop::resume(looped_actor* who) {
  caf::resumable_ptr kept{who, adopt_reference};
  uint64_t events = 0;
  {
    std::lock_guard guard{mutex_};
    events = std::exchange(who->events_, 0);
  }
  for (uint64_t event = 0; events != 0; ++event, events >>= 1)
    if ((events & 1) != 0)
      who->resume(this, event);
}

caf::scheduler* looped_actor::pinned_scheduler() const noexcept {
  return choose(nullptr);
}

void looped_actor::resume(cafreg::detail::execution_context* ctx,
                          uint64_t event) {
  using super = caf::event_based_actor;
  if (event == dispose_event_id || is_terminated()) {
    super::resume(ctx, event);
    return;
  }
  // What CAF does, whose limit is out of reach.
  caf::detail::current_actor_guard guard{this};
  context(ctx);
  if (!initialized() && !initialize(ctx))
    return;
  try {
    for (size_t taken = 0; taken < fair_share;) {
      auto what = mailbox().pop_front();
      if (what) {
        if (consume(what) == consume_result::terminated)
          return;
        ++taken;
      } else if (mailbox().try_block()) {
        return;
      }
    }
  } catch (...) {
    quit(caf::make_error(caf::sec::runtime_error));
    finalize();
    return;
  }
  if (!mailbox().try_block())
    ctx->delay(caf::resumable_ptr{this, caf::add_ref}, default_event_id);
}

#else

void actor_loop::resume(looped_actor* who) {
  switch (who->resume(this, fair_share)) {
    case caf::resumable::resume_later:
      add(who);
      break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done:
      drop_strong(who->ctrl());
      break;
    case caf::resumable::shutdown_execution_unit:
      break; // no actor returns this
  }
}

caf::resumable::resume_result looped_actor::resume(
  cafreg::detail::execution_context* ctx, size_t max_throughput) {
  return caf::event_based_actor::resume(ctx,
                                        std::min(max_throughput, fair_share));
}

#endif

void receiving_actor::end_unused() {
  cleanup(make_exit_error(caf::exit_reason::normal), nullptr);
}

bool looped_actor::receive(caf::mailbox_element_ptr& what,
                           cafreg::detail::execution_context* ctx) {
  return keep(what, choose(ctx));
}

// -- spawning -----------------------------------------------------------------

void ping(caf::event_based_actor* self, const caf::actor& whom,
          std::function<void()> fn) {
  auto answered = [fn = std::move(fn)](caf::ok_atom, const std::string&,
                                       const caf::strong_actor_ptr&,
                                       const std::string&) { fn(); };
  auto unanswered = [](const caf::error&) {};
#if CAFREG_CAF_VERSION >= 10000
  self->mail(caf::sys_atom_v, caf::get_atom_v, std::string{"info"})
    .request(whom, caf::infinite)
    .then(std::move(answered), unanswered);
#else
  self
    ->request(whom, caf::infinite, caf::sys_atom_v, caf::get_atom_v,
              std::string{"info"})
    .then(std::move(answered), unanswered);
#endif
}

void on_any_message(caf::event_based_actor* self, caf::error reason) {
#if CAFREG_CAF_VERSION >= 10000
  using result = caf::skippable_result;
#else
  using result = caf::result<caf::message>;
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  self->set_default_handler(
    [reason = std::move(reason)](auto*, auto&) -> result { return reason; });
#pragma GCC diagnostic pop
}

namespace {

class interceptor : public receiving_actor {
public:
  interceptor(caf::actor_config& cfg,
              std::function<void(caf::mailbox_element_ptr)> deliver)
    : receiving_actor(cfg), deliver_(std::move(deliver)) {
    // nop
  }

protected:
  bool receive(caf::mailbox_element_ptr& what,
               cafreg::detail::execution_context*) override {
    deliver_(std::move(what));
    return true;
  }

private:
  std::function<void(caf::mailbox_element_ptr)> deliver_;
};

// Tells also of an actor that CAF 0.17 destroys without telling anyone.
class death_watch : public life_watch {
public:
  explicit death_watch(std::function<void(const caf::error&)> fn)
    : fn_(std::move(fn)) {
    // nop
  }

  ~death_watch() override {
    if (!told_)
      fn_(make_exit_error(caf::exit_reason::unknown));
  }

  void ended(const caf::error& reason, execution_context*) override {
    told_ = true;
    fn_(reason);
  }

private:
  std::function<void(const caf::error&)> fn_;
  bool told_ = false;
};

} // namespace

caf::strong_actor_ptr
spawn_interceptor(caf::actor_system& sys,
                  std::function<void(caf::mailbox_element_ptr)> deliver) {
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<interceptor, caf::hidden + caf::lazy_init>(std::move(deliver)));
}

void on_end(caf::actor_system& sys, std::function<void()> fn) {
#if CAFREG_CAF_VERSION >= 20000
  static_cast<void>(sys); // it tells nobody
  static_cast<void>(fn);
#else
  // CAF ends its own actors then.
  on_death(sys.spawn_serv().get(),
           [fn = std::move(fn)](const caf::error&) { fn(); });
#endif
}

bool exported(caf::actor_system& sys, caf::actor_id id) {
  return sys.registry().get<caf::strong_actor_ptr>(id) != nullptr;
}

bool exported(caf::actor_control_block* who) {
  auto& sys = system_of(who);
  return who->node() == sys.node() && exported(sys, who->id());
}

void end_export(caf::actor_system& sys, const weak_actor& who) {
  auto kept = who.lock();
  if (!kept || kept->node() != sys.node())
    return;
  auto id = kept->id();
  // CAF's and this one.
  if (kept->strong_refs.load() > 2 || !exported(sys, id))
    return;
  sys.registry().erase(id);
  kept.reset();
  // Somebody may have found it meanwhile.
  if (auto found = who.lock())
    sys.registry().put(id, found);
}

void on_death(caf::actor_control_block* who,
              std::function<void(const caf::error&)> fn) {
  who->get()->attach(std::make_unique<death_watch>(std::move(fn)));
}

// -- threads ------------------------------------------------------------------

namespace {

class thread_mark : public caf::thread_hook {
public:
  void init(caf::actor_system& sys) override {
    // Another system may have been at this address.
    seam::set_step(sys, nullptr);
  }

#if CAFREG_CAF_VERSION >= 10000
  void thread_started(caf::thread_owner) override {
    seam::this_thread.runs_actors = true;
  }
#else
  void thread_started() override {
    seam::this_thread.runs_actors = true;
  }
#endif

  void thread_terminates() override {
    seam::this_thread.runs_actors = false;
  }
};

} // namespace

void mark_threads(caf::actor_system_config& cfg) {
  cfg.add_thread_hook<thread_mark>();
}

} // namespace cafreg::detail
