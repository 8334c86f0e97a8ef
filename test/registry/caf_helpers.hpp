#pragma once

#include "cafreg/registry.hpp"

#include "registry/effort.hpp"

#include <caf/actor_registry.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/settings.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What the tests with actors have in common.

namespace caf_test {

using namespace std::chrono_literals;

using cafreg::detail::running_actors;

/// Longer than anything takes that works.
constexpr auto patience = 60s;

/// Fails the test: whoever waits so long in vain must not pass.
[[noreturn]] inline void out_of_patience(const std::string& what) {
  throw std::runtime_error{"waited too long for " + what};
}

/// Waits until a condition that no signal tells of is true.
/// @returns whether it came true in time.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& condition) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
  return true;
}

/// Waits for such a condition where a failure can only be thrown.
template <class Condition>
void wait_until(Condition&& condition) {
  if (!eventually(condition))
    out_of_patience("a condition");
}

class config : public caf::actor_system_config {
public:
  /// @param workers Number of threads that run actors; 0: as CAF likes.
  explicit config(size_t workers = 0) {
    cafreg::prepare(*this);
    if (workers > 0) {
      // One of them is right, depending on the version.
      caf::put(content, "scheduler.max-threads", workers);
      caf::put(content, "caf.scheduler.max-threads", workers);
    }
  }
};

/// An actor system and its configuration.
struct world {
  explicit world(size_t workers = 0) : cfg(workers), sys(cfg) {
    // nop
  }

  config cfg;
  caf::actor_system sys;
};

using names_type = cafreg::unique_registry<std::string, int>;

using names_ref = cafreg::unique_registry_ref<std::string, int>;

/// A door that threads wait at until it is opened.
class gate {
public:
  void open() {
    std::lock_guard guard{mutex_};
    open_ = true;
    changed_.notify_all();
  }

  /// Waits until it is open.
  void pass() {
    std::unique_lock guard{mutex_};
    ++waiting_;
    changed_.notify_all();
    if (!changed_.wait_for(guard, patience, [this] { return open_; }))
      out_of_patience("a gate to be opened");
  }

  /// Waits until so many have come to it.
  [[nodiscard]] bool wait_for(size_t count) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience,
                             [&] { return waiting_ >= count; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t waiting_ = 0;
  bool open_ = false;
};

/// An actor that answers a number with the number.
inline caf::behavior idle(caf::event_based_actor*) {
  return {[](int x) { return x; }};
}

/// An idle actor that holds something as long as it exists.
template <class T>
caf::actor spawn_holding(caf::actor_system& sys, std::shared_ptr<T> what) {
  return sys.spawn([what](caf::event_based_actor*) -> caf::behavior {
    return {[what](int x) { return x; }};
  });
}

inline void kill(const caf::actor& who,
                 caf::exit_reason why = caf::exit_reason::kill) {
  caf::anon_send_exit(who, why);
}

inline bool dead(const caf::actor& who) {
  return cafreg::detail::actors::dead(
    caf::actor_cast<caf::actor_control_block*>(who));
}

[[nodiscard]] inline bool kill_and_wait(const caf::actor& who) {
  kill(who);
  return eventually([&] { return dead(who); });
}

/// Sends without a sender, on all versions.
template <class... Ts>
void tell(const caf::actor& to, Ts&&... xs) {
  cafreg::detail::post(caf::actor_cast<caf::actor_control_block*>(to),
                       caf::make_message(std::forward<Ts>(xs)...));
}

/// An actor that runs functions, for tests that need to be inside of one.
using task = std::function<void(caf::event_based_actor*)>;

/// Runs a function inside a new actor, and waits for its end.
template <caf::spawn_options Os = caf::no_spawn_options>
bool run_in_actor(caf::actor_system& sys, task fun) {
  auto done = std::make_shared<gate>();
  sys.spawn<Os>([fun = std::move(fun), done](caf::event_based_actor* self) {
    fun(self);
    done->open();
  });
  done->pass();
  return true;
}

/// An actor that runs where keepers do, and stays in there until a gate opens.
class sleeping_keeper : public cafreg::detail::looped_actor {
public:
  sleeping_keeper(caf::actor_config& cfg, cafreg::seam::actor_thread thread,
                  std::shared_ptr<gate> held)
    : cafreg::detail::looped_actor(cfg, thread.loop()),
      thread_(std::move(thread)),
      gate_(std::move(held)) {
    attach_functor([this] { thread_.leave(); });
  }

protected:
  caf::behavior make_behavior() override {
    return {[this](int) {
      gate_->pass();
      quit();
    }};
  }

private:
  cafreg::seam::actor_thread thread_;
  std::shared_ptr<gate> gate_;
};

/// Keeps the thread of keepers busy: these get no time until it goes.
class busy_keepers {
public:
  explicit busy_keepers(caf::actor_system& sys)
    : gate_(std::make_shared<gate>()) {
    tell(
      sys.spawn<sleeping_keeper, caf::hidden + caf::lazy_init>(
        cafreg::seam::actor_thread::of(sys, nullptr, cafreg::seam::duty::watch),
        gate_),
      1);
    if (!gate_->wait_for(1))
      out_of_patience("a keeper to run");
  }

  busy_keepers(const busy_keepers&) = delete;

  busy_keepers& operator=(const busy_keepers&) = delete;

  ~busy_keepers() {
    gate_->open();
  }

private:
  std::shared_ptr<gate> gate_;
};

/// Keeps the scheduler thread of a world with one worker busy as well: no other
/// actor gets any time, either.
class busy {
public:
  explicit busy(caf::actor_system& sys)
    : keepers_(sys), gate_(std::make_shared<gate>()) {
    sys.spawn([held = gate_](caf::event_based_actor*) { held->pass(); });
    if (!gate_->wait_for(1))
      out_of_patience("an actor to run");
  }

  busy(const busy&) = delete;

  busy& operator=(const busy&) = delete;

  ~busy() {
    gate_->open();
  }

private:
  busy_keepers keepers_;
  std::shared_ptr<gate> gate_;
};

/// What an actor was told by a registry.
struct event {
  enum class kind {
    registered,
    unregistered,
    state,
    awaited
  };

  kind what;
  std::string registry;
  std::string key;
  std::optional<int> value;
  caf::actor_id holder = 0;
  cafreg::departure why{};
  caf::error reason;
  uint64_t id = 0;
};

/// A list of events that a thread can wait for.
class journal {
public:
  void add(event x) {
    std::lock_guard guard{mutex_};
    events_.push_back(std::move(x));
    changed_.notify_all();
  }

  /// Waits for so many events and returns all there are.
  std::vector<event> wait_for(size_t count) {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, patience,
                           [&] { return events_.size() >= count; }))
      out_of_patience(std::to_string(count) + " events, got "
                      + std::to_string(events_.size()));
    return events_;
  }

  /// Returns all events there are.
  std::vector<event> events() const {
    std::lock_guard guard{mutex_};
    return events_;
  }

  size_t size() const {
    std::lock_guard guard{mutex_};
    return events_.size();
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<event> events_;
};

using journal_ptr = std::shared_ptr<journal>;

template <class Key = std::string, class Value = int>
event to_event(event::kind what, const cafreg::event& x) {
  event result{};
  result.what = what;
  result.registry = std::string{x.registry()};
  if (auto* key = x.template key<Key>())
    result.key = *key;
  if (auto* value = x.template value<Value>())
    result.value = *value;
  if (x.holder())
    result.holder = x.holder()->id();
  return result;
}

/// Spawns an actor that writes all events of registries to a journal.
template <caf::spawn_options Os = caf::no_spawn_options>
caf::actor spawn_recorder(caf::actor_system& sys, journal_ptr to) {
  using kind = event::kind;
  return sys.spawn<Os>([to](caf::event_based_actor*) -> caf::behavior {
    return {
      [to](const cafreg::registered& x) {
        to->add(to_event(kind::registered, x));
      },
      [to](const cafreg::unregistered& x) {
        auto result = to_event(kind::unregistered, x);
        result.why = x.why();
        result.reason = x.reason();
        to->add(std::move(result));
      },
      [to](const cafreg::name_state& x) { to->add(to_event(kind::state, x)); },
      [to](const cafreg::awaited& x) {
        auto result = to_event(kind::awaited, x);
        result.reason = x.error();
        result.id = x.id();
        to->add(std::move(result));
      },
      [](int x) { return x; },
    };
  });
}

/// Runs a function in several threads that start together.
template <class Fn>
void in_threads(size_t count, Fn fn) {
  std::vector<std::thread> threads;
  std::atomic<size_t> ready{0};
  for (size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      ++ready;
      while (ready < count)
        std::this_thread::yield();
      fn(t);
    });
  for (auto& x : threads)
    x.join();
}

/// The code of an expected that should be an error.
template <class T>
std::string code_of(const caf::expected<T>& x) {
  if (x)
    return "no error";
  return cafreg::to_string(static_cast<cafreg::errc>(x.error().code()));
}

inline std::string code_of(const caf::error& x) {
  return cafreg::detail::failed(x)
           ? cafreg::to_string(static_cast<cafreg::errc>(x.code()))
           : "no error";
}

} // namespace caf_test
