// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/factory_thread.hpp"
#include "cafreg/detail/flights.hpp"
#include "cafreg/detail/gen_core.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/detail/recruits.hpp"
#include "cafreg/seam/threads.hpp"
#include "cafreg/seam/waiting.hpp"
#include "cafreg/worker.hpp"

namespace cafreg::detail {

template <class Key, class Args, class Value>
class worker_core;

/// A registry of workers, and how they are made.
template <class Key, class... Args, class Value>
class worker_core<Key, std::tuple<Args...>, Value> final
  : public gen_core<Key, std::tuple<Args...>, Value> {
public:
  using args_type = std::tuple<Args...>;

  using super = gen_core<Key, args_type, Value>;

  using typename super::errand;

  using typename super::key_arg;

  using typename super::node;

  using typename super::record_type;

  using typename super::slot;

  using typename super::table_type;

  using product_type = product<Value>;

  using factory_type
    = std::function<product_type(caf::actor_system&, const Key&, Args...)>;

  /// What became of a start.
  struct landing {
    /// Null if it failed.
    caf::strong_actor_ptr worker;
    caf::error error;
    /// Whether this very call has started the worker.
    bool fresh = false;
  };

  worker_core(caf::actor_system& sys, gen_registry_options options,
              factory_type factory)
    : super(sys, std::move(options)), factory_(std::move(factory)) {
    // nop
  }

  // -- starting ---------------------------------------------------------------

  /// Starts the worker of an id, unless there is one: once, whoever else wants
  /// it at the same time. Complexity: constant, and what the factory takes.
  landing start_worker(key_arg key, Args... xs);

  /// The same in a thread of its own, which goes on when this one has waited as
  /// long as it may.
  landing start_worker_aside(seam::time_point deadline, key_arg key,
                             Args... xs);

  /// Whether a worker may have answered what waited for its start, and is not
  /// in the table yet. To be asked before one looks there. One load.
  bool early_starts() const noexcept {
    return early_starts_.load(std::memory_order_acquire) != 0;
  }

  /// Waits for the start of an id, if it is about to end. To be called by who
  /// has found no worker although there were such starts before, and looks
  /// again then.
  void await_landing(key_arg key) {
    if (auto what = flights_.boarded(super::table().hash(key), key))
      what->wait(super::driver());
  }

  /// The same for all, to be called before one looks. One load in general.
  void await_landings() {
    if (early_starts()) [[unlikely]]
      for (auto& x : flights_.boarded())
        x->wait(super::driver());
  }

  /// Number of starts under way.
  size_t starting() {
    return flights_.size();
  }

  // -- sending ----------------------------------------------------------------

  /// Sends a message to the worker of an id, which is started if need be and if
  /// that takes no arguments.
  /// @param what Moved from unless there is an error.
  caf::error deliver(key_arg key, caf::mailbox_element_ptr& what);

  /// Calls `fn(actor_control_block*)` with the living worker of an id, if
  /// messages go to it straight, and so that it cannot leave meanwhile.
  /// @returns whether it did so.
  template <class Fn>
  bool with_worker(key_arg key, Fn&& fn) {
    auto result = false;
    super::table().visit(key, [&](const node& x) {
      auto call = [&] {
        if (actors::dead(x.actor))
          return false;
        fn(x.actor);
        return true;
      };
      x.value.touch(super::clock());
      result = x.value.record ? x.value.record->way.while_open(call) : call();
    });
    return result;
  }

  /// The same, but never waits for a factory: what starts a worker is delivered
  /// to it, or answered with an error, when that is done.
  caf::error deliver_aside(key_arg key, caf::mailbox_element_ptr& what);

  /// Spawns an actor that delivers what it gets to the worker of an id, in the
  /// thread of the sender.
  /// @param waits Whether the sender may have to wait for a factory.
  caf::strong_actor_ptr courier(Key key, bool waits);

  // -- the end ----------------------------------------------------------------

  /// Waits until all workers are gone after `close`, also those that are being
  /// started, but not for starts that wait for this thread. For threads only.
  /// @returns false if who drives this thread has nothing more to do.
  bool wait_closed();

  /// Whether after `close` no worker is left, and none is being started.
  bool ended();

  // -- errors -----------------------------------------------------------------

  [[gnu::cold, gnu::noinline]] caf::error fail(errc code, key_arg key,
                                               std::string_view reason) const;

  caf::error missing(key_arg key);

private:
  static constexpr auto max_attempts = 8;

  // How many starts may have threads of their own at a time.
  static constexpr size_t max_asides = 256;

  using flights_type = flights<Key, landing, caf::mailbox_element_ptr>;

  using flight_ptr = typename flights_type::flight_ptr;

  bool try_deliver(key_arg key, caf::mailbox_element_ptr& what);

  // Joins or begins a start, unless there is a worker.
  typename flights_type::boarding
  board(key_arg key, caf::mailbox_element_ptr* msg = nullptr) {
    auto alive = [&] {
      auto result = false;
      super::table().visit(key, [&](const node& x) {
        result = !actors::dead(x.actor);
      });
      return result;
    };
    return flights_.board(super::table().hash(key), key, alive, msg);
  }

  // Waits for a start that another thread makes.
  landing share(const flight_ptr& what, seam::time_point deadline);

  // Makes a start, in this thread.
  landing run(const flight_ptr& what, Args... xs);

  // Makes a start in another thread if there are not too many.
  void run_aside(const flight_ptr& what, Args... xs);

  // While it exists, a worker may have answered that is not in the table yet.
  class early_start {
  public:
    explicit early_start(std::atomic<size_t>& count) noexcept : count_(count) {
      count_.fetch_add(1, std::memory_order_relaxed);
    }

    early_start(const early_start&) = delete;

    early_start& operator=(const early_start&) = delete;

    ~early_start() {
      count_.fetch_sub(1, std::memory_order_release);
    }

  private:
    std::atomic<size_t>& count_;
  };

  // Adds a message to those that wait for the next worker of an id. A worker
  // that leaves is out of sight a moment before it has left what it kept: both
  // happen under the lock of its shard.
  bool append_to_orphans(const Key& id, caf::mailbox_element_ptr& msg) {
    if (!super::has_records())
      return false;
    super::table().locked(id, [](size_t, const node*) {});
    return super::orphans().append(id, msg);
  }

  // Delivers what waits for a start to a worker that nobody else knows yet.
  // If that is anything, sets `early`, to be kept until it is in the table.
  void deliver_early(const flight_ptr& what, caf::actor_control_block* who,
                     std::optional<early_start>& early);

  // The same for what is left at its end.
  void end_early(const flight_ptr& what, const landing& result) noexcept;

  // Runs in one thread at a time for each id.
  landing make(const flight_ptr& start, Args... xs);

  caf::strong_actor_ptr present_worker(key_arg key);

  // Whoever is told to leave leaves altogether: with passivation, an actor is
  // the worker of one id only.
  landing hire(const flight_ptr& start, product_type made,
               std::shared_ptr<const args_type> args);

  // Delivers to a running worker what could not be when it began.
  void catch_up(key_arg key, caf::actor_control_block* who);

  // Calls the factory. Whatever it does, the result is a living worker, or an
  // error.
  product_type produce(const Key& id, Args... xs);

  landing admit(const flight_ptr& start, product_type made,
                std::shared_ptr<const args_type> args);

  caf::error refusal(key_arg key, seam::time_point until) const;

  void start_successor(errand what) override;

  void run(errand& what);

  const factory_type factory_;
  flights_type flights_;
  std::atomic<size_t> asides_{0};
  // How many workers have got messages and are not in the table yet.
  alignas(64) std::atomic<size_t> early_starts_{0};
  recruits<caf::actor_control_block> recruits_;
};

// -- not inline: compiled once for common types ------------------------------

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::start_worker(key_arg key,
                                                                Args... xs)
  -> landing {
  for (;;) {
    auto seat = board(key);
    if (seat.mine)
      return run(seat.what, std::move(xs)...);
    if (seat.what) {
      super::counters_.shared_starts.add();
      return share(seat.what, seam::never);
    }
    if (auto present = present_worker(key)) {
      catch_up(key, present.get());
      return {std::move(present), {}, false};
    }
  }
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::start_worker_aside(
  seam::time_point deadline, key_arg key, Args... xs) -> landing {
  for (;;) {
    auto seat = board(key);
    if (seat.mine)
      run_aside(seat.what, std::move(xs)...);
    else if (seat.what)
      super::counters_.shared_starts.add();
    if (seat.what)
      return share(seat.what, deadline);
    if (auto present = present_worker(key)) {
      catch_up(key, present.get());
      return {std::move(present), {}, false};
    }
  }
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::share(
  const flight_ptr& what, seam::time_point deadline) -> landing {
  auto refused = [&](errc code, std::string_view why) {
    return landing{nullptr, fail(code, what->key(), why), false};
  };
  if (deadline != seam::never && super::driver() != nullptr)
    super::wake_at(deadline); // time passes only if there is a timer
  switch (what->wait(super::driver(), deadline)) {
    case seam::waited::timeout:
      return refused(errc::timeout, "its start takes longer");
    case seam::waited::stuck:
      return refused(errc::would_block,
                     "its start is under way, and nothing runs that ends it");
    case seam::waited::deadlock:
      return refused(errc::would_deadlock,
                     "its start is under way and waits for this thread");
    case seam::waited::done:
      break;
  }
  auto result = what->outcome();
  result.fresh = false;
  if (!result.worker && !failed(result.error))
    return refused(errc::factory_failed, "its start ended early");
  return result;
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::run(const flight_ptr& what,
                                                       Args... xs) -> landing {
  landing result;
  factory_thread here;
  try {
    result = make(what, std::move(xs)...);
  } catch (...) {
    // Copying an argument threw, or there is no memory for an error.
    end_early(what, {});
    flights_.land(what, {});
    throw;
  }
  end_early(what, result);
  flights_.land(what, result);
  return result;
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::run_aside(
  const flight_ptr& what, Args... xs) {
  if (asides_.fetch_add(1) >= max_asides) {
    asides_.fetch_sub(1);
    run(what, std::move(xs)...);
    return;
  }
  auto self = std::static_pointer_cast<worker_core>(super::shared_from_this());
  auto args = std::make_shared<args_type>(std::move(xs)...);
  what->give_back();
  try {
    seam::run_aside(super::system(), super::driver(), [self, what, args] {
      what->take();
      try {
        std::apply([&](Args&... ys) { self->run(what, std::move(ys)...); },
                   *args);
      } catch (...) {
        // Who waits for it was told.
      }
      self->asides_.fetch_sub(1);
    });
  } catch (...) { // no thread is left
    what->take();
    asides_.fetch_sub(1);
    std::apply([&](Args&... ys) { run(what, std::move(ys)...); }, *args);
  }
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::deliver_early(
  const flight_ptr& what, caf::actor_control_block* who,
  std::optional<early_start>& early) {
  auto waiting = flights_.take_early(what);
  if (waiting.empty())
    return;
  early.emplace(early_starts_);
  // Behind those that its predecessor has left.
  Key id{what->key()};
  for (auto& msg : waiting)
    if (!append_to_orphans(id, msg))
      post_element(who, std::move(msg));
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::end_early(
  const flight_ptr& what, const landing& result) noexcept {
  for (auto& msg : flights_.take_early(what))
    try {
      if (result.worker && try_deliver(what->key(), msg))
        continue;
      if (failed(result.error))
        bounce(*msg, result.error);
      else if (result.worker)
        bounce(*msg, missing(what->key()));
      else
        bounce(*msg, fail(errc::factory_failed, what->key(),
                          "its start ended early"));
    } catch (...) {
      // No memory for an answer.
    }
}

template <class Key, class... Args, class Value>
caf::error worker_core<Key, std::tuple<Args...>, Value>::deliver(
  key_arg key, caf::mailbox_element_ptr& what) {
  // A worker may die between its start and the message, but not for ever.
  for (auto attempt = 0; attempt < max_attempts; ++attempt) {
    if (try_deliver(key, what))
      return {};
    if constexpr (sizeof...(Args) == 0) {
      if (auto landed = start_worker(key); !landed.worker)
        return std::move(landed.error);
    } else {
      // None waits for a successor: there is none on its way, or it has come.
      if (append_to_orphans(Key{key}, what))
        return {};
    }
  }
  return missing(key);
}

template <class Key, class... Args, class Value>
caf::error worker_core<Key, std::tuple<Args...>, Value>::deliver_aside(
  key_arg key, caf::mailbox_element_ptr& what) {
  if constexpr (sizeof...(Args) == 0) {
    for (auto attempt = 0; attempt < max_attempts; ++attempt) {
      if (try_deliver(key, what))
        return {};
      auto seat = board(key, &what);
      if (seat.mine)
        run_aside(seat.what);
      if (!what)
        return {};
      // Its factory has returned.
      if (seat.what && seat.what->wait(super::driver()) != seam::waited::done)
        break;
    }
    return missing(key);
  } else {
    return deliver(key, what); // which starts nothing
  }
}

template <class Key, class... Args, class Value>
caf::strong_actor_ptr
worker_core<Key, std::tuple<Args...>, Value>::courier(Key key, bool waits) {
  auto self = std::static_pointer_cast<worker_core>(super::shared_from_this());
  return spawn_interceptor(
    super::system(), [self, key, waits](caf::mailbox_element_ptr what) {
      try {
        if (auto err = waits ? self->deliver(key, what)
                             : self->deliver_aside(key, what);
            failed(err))
          bounce(*what, std::move(err));
      } catch (const std::exception& ex) {
        if (what)
          bounce(*what, self->fail(errc::factory_failed, key, ex.what()));
      }
    });
}

template <class Key, class... Args, class Value>
bool worker_core<Key, std::tuple<Args...>, Value>::wait_closed() {
  for (auto& x : flights_.all())
    if (x->wait(super::driver()) == seam::waited::stuck)
      return false;
  return super::closing_.wait(super::driver()) == seam::waited::done;
}

template <class Key, class... Args, class Value>
bool worker_core<Key, std::tuple<Args...>, Value>::ended() {
  // In this order: a start that ends has its worker waited for before.
  return flights_.size() == 0 && super::closing_.over();
}

template <class Key, class... Args, class Value>
caf::error worker_core<Key, std::tuple<Args...>, Value>::fail(
  errc code, key_arg key, std::string_view reason) const {
  return super::error(code, key_text<Key>(Key{key}), reason);
}

template <class Key, class... Args, class Value>
caf::error worker_core<Key, std::tuple<Args...>, Value>::missing(key_arg key) {
  return super::table().closed()
           ? fail(errc::closed, key, "the registry is closed")
           : fail(errc::no_such_name, key, "it has no worker");
}

template <class Key, class... Args, class Value>
bool worker_core<Key, std::tuple<Args...>, Value>::try_deliver(
  key_arg key, caf::mailbox_element_ptr& what) {
  using outcome = passage<caf::mailbox_element_ptr>::outcome;
  for (;;) {
    auto done = false;
    caf::intrusive_ptr<record_type> unprepared;
    super::table().visit(key, [&](const node& x) {
      auto post_it = [&x](caf::mailbox_element_ptr& msg) {
        if (actors::dead(x.actor))
          return false;
        post_element(x.actor, std::move(msg));
        return true;
      };
      x.value.touch(super::clock());
      if (!x.value.record) {
        done = post_it(what);
        return;
      }
      auto result = x.value.record->way.enter(what, post_it);
      done = result == outcome::delivered || result == outcome::kept;
      if (result == outcome::unprepared)
        unprepared = x.value.record;
    });
    if (!unprepared)
      return done;
    super::prepare(*unprepared);
  }
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::make(const flight_ptr& start,
                                                        Args... xs) -> landing {
  auto key = start->key();
  if (super::table().closed())
    return {nullptr, missing(key), false};
  if (stored_key<Key>::bytes(key) > super::limits().max_key_size)
    return {nullptr, super::key_too_large(key_text<Key>(Key{key})), false};
  Key id{key};
  if (auto until = super::backoff_.refused_until(id, super::now())) {
    super::counters_.refused_starts.add();
    return {nullptr, refusal(key, *until), false};
  }
  std::shared_ptr<const args_type> args;
  if (super::has_records())
    args = std::make_shared<const args_type>(xs...);
  auto made = produce(id, std::move(xs)...);
  auto result = failed(made.error)
                  ? landing{nullptr, std::move(made.error), false}
                  : hire(start, std::move(made), std::move(args));
  if (!result.worker && !super::table().closed()) {
    super::counters_.failed_starts.add();
    super::backoff_.failed(id, super::now());
  }
  return result;
}

template <class Key, class... Args, class Value>
caf::strong_actor_ptr
worker_core<Key, std::tuple<Args...>, Value>::present_worker(key_arg key) {
  return super::table().lookup(
    key,
    [](const node& x) { return adopt_handle<caf::strong_actor_ptr>(x.actor); },
    [] { return caf::strong_actor_ptr{}; });
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::hire(
  const flight_ptr& start, product_type made,
  std::shared_ptr<const args_type> args) -> landing {
  if (!super::dismisses())
    return admit(start, std::move(made), std::move(args));
  auto* who = made.worker.get();
  auto recruit = recruits_.add(who);
  auto employed = !recruit;
  if (!employed)
    super::table().for_each_of(who, [&](const node&) { employed = true; });
  if (employed)
    return {nullptr,
            fail(errc::factory_failed, start->key(),
                 "factory failed: its actor is the worker of another id, "
                 "which passivation does not allow"),
            false};
  return admit(start, std::move(made), std::move(args));
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::catch_up(
  key_arg key, caf::actor_control_block* who) {
  if (super::orphans().size() == 0)
    return;
  caf::intrusive_ptr<record_type> record;
  super::table().visit(key, [&](const node& x) {
    if (x.actor == who)
      record = x.value.record;
  });
  if (record)
    super::open_way(who, *record);
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::produce(const Key& id,
                                                           Args... xs)
  -> product_type {
  auto no_product = [&](std::string_view why) {
    return product_type{nullptr, Value{},
                        fail(errc::factory_failed, id,
                             "factory failed: " + std::string{why})};
  };
  try {
    auto made = factory_(super::system(), id, std::move(xs)...);
    if (failed(made.error))
      return no_product(to_text(made.error));
    if (!made.worker)
      return no_product("it returned a null handle");
    if (made.worker->node() != super::system().node()
        || &system_of(made.worker.get()) != &super::system())
      return no_product("it returned an actor that runs elsewhere");
    if (actors::dead(made.worker.get()))
      return no_product("its worker has terminated");
    return made;
  } catch (const std::exception& ex) {
    return no_product(ex.what());
  } catch (...) {
    return no_product("it threw something");
  }
}

template <class Key, class... Args, class Value>
auto worker_core<Key, std::tuple<Args...>, Value>::admit(
  const flight_ptr& start, product_type made,
  std::shared_ptr<const args_type> args) -> landing {
  auto key = start->key();
  auto& who = made.worker;
  auto outcome = write_result::dead;
  std::optional<early_start> early;
  slot fresh{nullptr, std::move(made.value)};
  caf::intrusive_ptr<record_type> record;
  try {
    if (super::has_records()) {
      record = caf::make_counted<record_type>(Key{key},
                                              caf::actor_cast<weak_actor>(who),
                                              std::move(args), super::now());
      fresh.record = record;
    }
    // Nobody else can send it anything yet: what waits stays in order.
    deliver_early(start, who.get(), early);
    super::relieve(who.get());
    outcome = super::table().insert(who.get(), key, std::move(fresh), {},
                                    [](const node& x) {
                                      actors::release(x.actor, true);
                                    });
  } catch (const std::exception& ex) {
    kill_now(who.get());
    return {nullptr,
            fail(errc::factory_failed, key,
                 std::string{"no room for its worker: "} + ex.what()),
            false};
  } catch (...) { // copying the id did
    kill_now(who.get());
    throw;
  }
  if (outcome == write_result::closed) {
    super::closing_.watch(who.get());
    kill_now(who.get());
    return {nullptr, missing(key), false};
  }
  if (outcome != write_result::done)
    return {nullptr,
            fail(errc::factory_failed, key,
                 "factory failed: its worker has terminated"),
            false};
  super::counters_.starts.add();
  if (record)
    super::inaugurate(who.get(), *record);
  return {std::move(who), {}, true};
}

template <class Key, class... Args, class Value>
caf::error worker_core<Key, std::tuple<Args...>, Value>::refusal(
  key_arg key, seam::time_point until) const {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
    until - super::now());
  return fail(errc::backing_off, key,
              "failed too often, refused for another "
                + std::to_string(left.count()) + " ms");
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::start_successor(
  errand what) {
  auto self = std::static_pointer_cast<worker_core>(super::shared_from_this());
  // In this order, for the errand must not outlive the registry.
  auto trip = std::make_shared<std::pair<std::shared_ptr<worker_core>, errand>>(
    std::move(self), std::move(what));
  seam::run_aside(super::system(), super::driver(), [trip] {
    auto& [core, what] = *trip;
    core->run(what);
  });
}

template <class Key, class... Args, class Value>
void worker_core<Key, std::tuple<Args...>, Value>::run(errand& what) {
  try {
    std::apply([&](const auto&... xs) { start_worker(what.key(), xs...); },
               *what.legacy());
  } catch (...) {
    // It will be tried again.
  }
  what.end(super::now());
  try {
    super::start_successors();
  } catch (...) {
    super::wake_supervisor();
  }
}

} // namespace cafreg::detail
