// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cafreg/attempt.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/concepts.hpp"
#include "cafreg/detail/countdown.hpp"
#include "cafreg/detail/factory_thread.hpp"
#include "cafreg/detail/gen_front.hpp"
#include "cafreg/detail/worker_core.hpp"
#include "cafreg/entry.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/gen_options.hpp"
#include "cafreg/gen_stats.hpp"
#include "cafreg/lookup_result.hpp"
#include "cafreg/registry_base.hpp"
#include "cafreg/seam/chance.hpp"
#include "cafreg/time_span.hpp"
#include "cafreg/types.hpp"
#include "cafreg/worker.hpp"

namespace cafreg {

/// A worker as its registry sees it.
template <class Id, class Handle>
struct child {
  /// What it is found by.
  Id id;
  /// The worker.
  Handle worker;
  /// Whether it was told to leave because it was idle, or there were too many.
  bool leaving;
};

template <class Id, class Worker, class Value>
using gen_core_of
  = detail::worker_core<Id, typename detail::worker_signature<Worker>::args,
                        Value>;

/// A reference to a `gen_registry`, for actors and threads: cheap to copy,
/// never keeps workers alive, usable after the registry is gone (every
/// operation then says `errc::closed`, or finds nothing).
///
/// All operations may be called from any thread and any actor, at any time.
/// Lookups take no lock. A start runs the factory in the calling thread,
/// outside every lock; it may use this and any other registry, block, or throw.
/// Only `stop` and `close` wait for workers, and in a thread that runs actors
/// they do not. Callbacks run in the calling thread.
template <registry_key Id, worker_type Worker = caf::actor,
          registry_value Value = unit>
class gen_registry_ref
  : public registry_base<gen_core_of<Id, Worker, Value>, Id, Value,
                         detail::worker_handle<Worker>> {
public:
  /// @cond
  using super = registry_base<gen_core_of<Id, Worker, Value>, Id, Value,
                              detail::worker_handle<Worker>>;

  /// @endcond

  /// What workers are found by.
  using id_type = Id;

  using typename super::entry_type;

  using typename super::handle_type;

  using typename super::key_arg;

  using typename super::view_type;

  using super::closed;
  using super::system;

  // -- starting ---------------------------------------------------------------

  /// Returns the worker of an id, and starts it if there is none: one, however
  /// many threads want it at once. Who comes while a start is under way waits
  /// for it and shares its outcome; starts of other ids wait for nothing.
  /// Like `GenRegistry.lookup_or_start/4`. Complexity: that of a lookup if
  /// there is a worker, else constant and what the factory takes.
  /// @returns the worker, or an error: `factory_failed` (the text says why),
  ///          `backing_off`, `would_deadlock` (the start is under way in this
  ///          very thread, or in one that waits for it), `key_too_large`,
  ///          `closed`.
  /// @throws std::bad_alloc if there is no memory for an error, and what
  /// copying
  ///         id or arguments throws, without effect
  template <class... Ts>
    requires starts_with<Worker, Ts...> caf::expected<handle_type>
    lookup_or_start(key_arg id, Ts&&... xs)
  const {
    if (auto found = whereis(id)) [[likely]]
      return std::move(*found);
    return started(core_->start_worker(id, std::forward<Ts>(xs)...));
  }

  /// Like `lookup_or_start`, but waits no longer than `limit` for a start,
  /// which goes on nevertheless: it is made in a thread of its own, or by
  /// whoever has begun it before. A limit of 0 begins it and does not wait.
  /// Complexity: that of a lookup if there is a worker, else that of a thread.
  /// @returns the worker, or an error: `timeout`, and those of
  ///          `lookup_or_start`.
  /// @throws see `lookup_or_start`
  template <class... Ts>
    requires starts_with<Worker, Ts...> caf::expected<handle_type>
    lookup_or_start_for(time_span limit, key_arg id, Ts&&... xs)
  const {
    if (auto found = whereis(id)) [[likely]]
      return std::move(*found);
    return started(core_->start_worker_aside(super::deadline_after(limit), id,
                                             std::forward<Ts>(xs)...));
  }

  /// Starts the worker of an id. Of all who do so one succeeds. Like
  /// `GenRegistry.start/4`. Complexity: see `lookup_or_start`.
  /// @returns the new worker, or an error: `already_started`, which holds the
  ///          worker (see `started_worker`), and those of `lookup_or_start`.
  /// @throws see `lookup_or_start`
  template <class... Ts>
    requires starts_with<Worker, Ts...> caf::expected<handle_type>
    start(key_arg id, Ts&&... xs)
  const {
    if (auto found = whereis(id))
      return detail::failure(already_started(id, control_block(*found)));
    auto landed = core_->start_worker(id, std::forward<Ts>(xs)...);
    if (landed.worker && !landed.fresh)
      return detail::failure(already_started(id, landed.worker.get()));
    return started(std::move(landed));
  }

  /// Returns the worker that an `already_started` error tells of, or null.
  static handle_type started_worker(const caf::error& err) {
    return caf::actor_cast<handle_type>(detail::actor_of(err));
  }

  /// Calls `lookup_or_start` for each id, all with the same arguments.
  /// @returns the workers or errors, in the order of the ids.
  template <class... Ts>
    requires starts_with < Worker, const std::decay_t<Ts>
  &... > std::vector<caf::expected<handle_type>>
    lookup_or_start_all(const std::vector<Id>& ids, const Ts&... xs) const {
    std::vector<caf::expected<handle_type>> result;
    result.reserve(ids.size());
    for (const auto& id : ids)
      result.push_back(lookup_or_start(id, xs...));
    return result;
  }

  // -- reading ----------------------------------------------------------------

  /// Returns the entry of an id. The worker had not terminated when the call
  /// began. Like `GenRegistry.lookup/2`. Complexity: constant, lock-free.
  /// @returns `no_such_name` or `closed` when there is none.
  lookup_result<entry_type> lookup(key_arg id) const {
    using result = lookup_result<entry_type>;
    return look(id, [&] {
      return table().lookup(
        id,
        [this](const node_type& x) {
          x.value.touch(core_->clock());
          return result{std::in_place, x.key.get(), x.value.value, adopt(x)};
        },
        [this] { return result{missing()}; });
    });
  }

  /// Returns the worker of an id, as `lookup` does.
  lookup_result<handle_type> whereis(key_arg id) const {
    using result = lookup_result<handle_type>;
    return look(id, [&] {
      return table().lookup(
        id,
        [this](const node_type& x) {
          x.value.touch(core_->clock());
          return result{std::in_place, adopt(x)};
        },
        [this] { return result{missing()}; });
    });
  }

  /// Calls `fn(const view_type&)` with the entry of an id, borrowed: nothing is
  /// copied, and this is no use in the sense of `idle_after`. The worker may
  /// have died a moment ago. Complexity: constant, wait-free.
  /// @returns whether there is an entry.
  template <std::invocable<const view_type&> Fn>
  bool visit(key_arg id, Fn&& fn) const {
    return look(id, [&] {
      return table().visit(id, [&](const node_type& x) {
        const auto borrowed = view(x);
        fn(borrowed);
      });
    });
  }

  /// Returns the ids of a worker: one, unless the factory returns the same
  /// actor for several. Complexity: linear in their number.
  std::vector<Id> ids(const handle_type& who) const;

  /// Number of workers, including those whose death was not noticed yet. Like
  /// `GenRegistry.count/1`. Complexity: constant.
  size_t count() const {
    core_->await_landings();
    return table().size();
  }

  /// Calls `fn(const view_type&)` for each living worker: for each one that
  /// lives from begin to end of the call exactly once. Complexity: linear.
  template <std::invocable<const view_type&> Fn>
  void for_each(Fn&& fn) const {
    core_->await_landings();
    table().for_each([&](const node_type& x) {
      if (detail::actors::dead(x.actor))
        return;
      const auto borrowed = view(x);
      fn(borrowed);
    });
  }

  /// Returns `fn(...fn(fn(acc, first), second)..., last)` over all living
  /// workers as `const view_type&`, in no order. Like `GenRegistry.reduce/3`.
  /// Complexity: linear.
  template <class T, class Fn>
    requires std::convertible_to<std::invoke_result_t<Fn&, T, const view_type&>,
                                 T>
      T reduce(T acc, Fn&& fn)
  const {
    for_each([&](const view_type& x) { acc = fn(std::move(acc), x); });
    return acc;
  }

  /// Returns the entries of all living workers, in no order. Like
  /// `GenRegistry.to_list/1`. Complexity: linear.
  std::vector<entry_type> to_list() const;

  /// Returns one of the living workers, each as likely as any other. Like
  /// `GenRegistry.sample/1`, but uniform. Complexity: linear.
  /// @returns `no_such_name` or `closed` when there is none.
  lookup_result<entry_type> sample() const;

  /// Returns all living workers, in no order. Like Elixir's
  /// `DynamicSupervisor.which_children/1`. Complexity: linear.
  std::vector<child<Id, handle_type>> which_children() const;

  /// Returns how many workers there are. Complexity: constant.
  children_count count_children() const {
    return {count(), core_->leaving(), core_->starting()};
  }

  // -- values -----------------------------------------------------------------

  /// Replaces the value of a worker's entry by `fn(const Value&)`. Atomic
  /// against lookups and other updates; `fn` is called again if one of these
  /// was faster. Complexity: constant.
  /// @returns the new value, or an error: `no_such_name`, `closed`,
  ///          `would_deadlock` (called from within `fn` for the same id).
  /// @throws what `fn` or copying a value throws, without effect
  template <class Fn>
    requires std::convertible_to<std::invoke_result_t<Fn&, const Value&>, Value>
      caf::expected<Value> update_value(key_arg id, Fn&& fn)
  const {
    while (auto who = whereis(id)) {
      std::optional<Value> updated;
      auto outcome
        = table().update(control_block(*who), id, [&](const node_type& x) {
            updated.emplace(fn(std::as_const(x.value.value)));
            return slot_type{x.value.record, *updated};
          });
      if (outcome == detail::write_result::done)
        return std::move(*updated);
      if (outcome == detail::write_result::busy)
        return detail::failure(
          error(errc::would_deadlock, id, "this thread is changing the entry"));
    }
    return detail::failure(core_->missing(id));
  }

  // -- sending ----------------------------------------------------------------

  /// Sends an anonymous message to the worker of an id. A worker that needs no
  /// arguments is started if there is none. If the worker has been told to
  /// leave because it was idle, or there were too many, its successor gets the
  /// message: none is lost, and what one sender sends that way stays in order.
  /// Never waits for a worker. Complexity: that of a lookup, or a start.
  /// @returns an error: `no_such_name` if there is no worker and a start takes
  ///          arguments, and those of `lookup_or_start`.
  template <class... Ts>
  attempt send(key_arg id, Ts&&... xs) const {
    auto content = caf::make_message(std::forward<Ts>(xs)...);
    // The other copy keeps what it holds from being destroyed by the receiver's
    // end under a lock.
    auto what = detail::envelope(content);
    return core_->deliver(id, what);
  }

  /// Sends a request from `self` to the worker of an id, like `send`; with a
  /// time limit it never waits for a factory: a start then is made in a thread
  /// of its own, or by whoever has begun it before, and the limit holds for the
  /// start and the answer together.
  /// @returns a response handle of CAF; the response is an error of `send` if
  ///          there is one.
  template <class Self, class... Ts>
  auto request(Self* self, key_arg id, time_span timeout, Ts&&... xs) const {
    using response = decltype(detail::request(self, handle_type{}, timeout,
                                              std::forward<Ts>(xs)...));
    std::optional<response> result;
    core_->with_worker(id, [&](caf::actor_control_block* who) {
      result.emplace(detail::request(
        self, caf::actor_cast<handle_type>(detail::add_reference(who)), timeout,
        std::forward<Ts>(xs)...));
    });
    if (!result)
      result.emplace(
        detail::request(self,
                        caf::actor_cast<handle_type>(
                          core_->courier(Id{id}, timeout.infinite())),
                        timeout, std::forward<Ts>(xs)...));
    return std::move(*result);
  }

  /// The same for a scoped actor, or whatever else has a `ptr()`.
  template <class Self, class... Ts>
    requires requires(Self& self) {
      self.ptr();
    }
  auto request(Self& self, key_arg id, time_span timeout, Ts&&... xs) const {
    return request(self.ptr(), id, timeout, std::forward<Ts>(xs)...);
  }

  /// Notes that a worker is in use, for one that gets messages by its handle.
  /// @returns whether there is a worker.
  bool touch(key_arg id) const {
    return look(id, [&] {
      return table().visit(id, [this](const node_type& x) {
        x.value.touch(core_->clock());
      });
    });
  }

  // -- stopping ---------------------------------------------------------------

  /// Tells a worker to exit and waits until it is gone: a later start does not
  /// overlap it. What was sent to it by its handle and not handled yet is lost.
  /// A worker that has not exited in time is killed; what it does in one
  /// message is waited for in any case. For threads: in one that runs actors,
  /// or within a factory, it does nothing but refuse, see `begin_stop`. Like
  /// `GenRegistry.stop/2`. Complexity: constant, and what the worker takes.
  /// @returns an error: `no_such_name`, `closed`, `would_block`.
  attempt stop(key_arg id) const;

  /// Like the above, with the worker's exit reason; `exit_reason::normal`
  /// stands for `user_shutdown`.
  attempt stop(key_arg id, const caf::error& reason) const;

  /// Like the above, with the time that the worker has.
  attempt stop(key_arg id, const caf::error& reason, time_span timeout) const;

  /// Tells a worker to exit, and has it killed if it has not done so in time.
  /// Never waits. Complexity: constant.
  /// @returns an error: `no_such_name`, `closed`.
  attempt begin_stop(key_arg id) const;

  /// Like the above; when the worker is gone, `who` gets the `unregistered`
  /// message that a listener gets.
  attempt begin_stop(key_arg id, const caf::actor& who) const;

  /// Like the above, with the worker's exit reason and the time that it has.
  /// @returns an error: `no_such_name`, `closed`, `null_handle`.
  attempt begin_stop(key_arg id, const caf::actor& who,
                     const caf::error& reason, time_span timeout) const;

  // -- the registry -----------------------------------------------------------

  /// Shuts down: no lookup finds and no start makes a worker from here on.
  /// Tells all workers to exit, the youngest first, has those killed that have
  /// not done so after `stop_timeout`, and returns when every one is really
  /// gone, those included that were just being started. Any thread, any number
  /// of times, beside any other call. In a thread that runs actors, or within a
  /// factory, it does not wait: the workers end soon after. Complexity: linear,
  /// and what the slowest worker takes.
  /// @returns `would_block` if it did not wait although workers are left or
  ///          being started, as in a factory.
  attempt close() const;

  /// Returns an actor that answers the messages of `cafreg::ask`, for remote
  /// nodes and plain message flows. A start by message runs its factory in an
  /// actor of its own. It is hidden, and ends with the registry.
  caf::actor actor() const requires
    detail::usable_by_message<Id, Value, detail::worker_handle<Worker>>;

  /// The options that the registry was created with.
  const gen_registry_options& options() const noexcept {
    return core_->limits();
  }

  /// The registry in numbers. Complexity: constant.
  gen_registry_stats stats() const {
    return core_->stats();
  }

  /// The error that a failed lookup stands for.
  caf::error lookup_error(errc why, key_arg id) const;

  /// @cond
protected:
  using typename super::core_type;

  using super::super;

  using super::core_;

  static std::shared_ptr<core_type>
  make_core(caf::actor_system& sys, gen_registry_options options,
            typename core_type::factory_type factory);
  /// @endcond

private:
  template <class, class>
  friend class detail::gen_front;

  using super::control_block;
  using super::error;

  using table_type = typename core_type::table_type;

  using node_type = typename core_type::node;

  using slot_type = typename core_type::slot;

  table_type& table() const noexcept {
    return core_->table();
  }

  // What `read()` returns, once more if the worker was just being started.
  template <class Read>
  auto look(key_arg id, Read read) const {
    auto early = core_->early_starts();
    auto result = read();
    if (result || !early) [[likely]]
      return result;
    core_->await_landing(id);
    return read();
  }

  // Takes over the reference that a lookup has acquired.
  static handle_type adopt(const node_type& x) noexcept {
    return detail::adopt_handle<handle_type>(x.actor);
  }

  static view_type view(const node_type& x) noexcept {
    return {x.key.get(), x.value.value, x.actor, true};
  }

  errc missing() const noexcept {
    return closed() ? errc::closed : errc::no_such_name;
  }

  static caf::error default_reason() {
    return detail::make_exit_error(caf::exit_reason::user_shutdown);
  }

  static caf::expected<handle_type>
  started(typename core_type::landing landed) {
    if (!landed.worker)
      return detail::failure(std::move(landed.error));
    return caf::actor_cast<handle_type>(std::move(landed.worker));
  }

  caf::error already_started(key_arg id, caf::actor_control_block* who) const;

  using when_gone = std::function<void(const caf::error&)>;

  // The caller keeps the worker's memory.
  void stop_found(caf::actor_control_block* who, key_arg id,
                  const caf::error& reason, time_span timeout,
                  when_gone fn) const;
};

// -- not inline: compiled once for common types ------------------------------

/// @cond

template <registry_key Id, worker_type Worker, registry_value Value>
std::vector<Id>
gen_registry_ref<Id, Worker, Value>::ids(const handle_type& who) const {
  std::vector<Id> result;
  core_->await_landings();
  table().for_each_of(control_block(who), [&result](const node_type& x) {
    result.push_back(x.key.copy());
  });
  return result;
}

template <registry_key Id, worker_type Worker, registry_value Value>
auto gen_registry_ref<Id, Worker, Value>::to_list() const
  -> std::vector<entry_type> {
  std::vector<entry_type> result;
  for_each([&](const view_type& x) { result.push_back(x.to_entry()); });
  return result;
}

template <registry_key Id, worker_type Worker, registry_value Value>
auto gen_registry_ref<Id, Worker, Value>::sample() const
  -> lookup_result<entry_type> {
  lookup_result<entry_type> result{missing()};
  size_t seen = 0;
  for_each([&](const view_type& x) {
    if (seam::random_below(++seen) == 0)
      result.emplace(x.to_entry());
  });
  return result;
}

template <registry_key Id, worker_type Worker, registry_value Value>
auto gen_registry_ref<Id, Worker, Value>::which_children() const
  -> std::vector<child<Id, handle_type>> {
  std::vector<child<Id, handle_type>> result;
  core_->await_landings();
  table().for_each([&](const node_type& x) {
    if (detail::actors::dead(x.actor))
      return;
    result.push_back({x.key.copy(), view(x).handle(),
                      x.value.record && x.value.record->way.leaving()});
  });
  return result;
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::stop(key_arg id,
                                                  const caf::error& reason,
                                                  time_span timeout) const {
  auto found = whereis(id);
  if (!found)
    return core_->missing(id);
  if (detail::must_not_wait())
    return error(errc::would_block, id,
                 "waiting would block a thread that runs actors, or a "
                 "factory");
  auto gone = std::make_shared<detail::countdown>();
  gone->add();
  stop_found(control_block(*found), id, reason, timeout,
             [gone](const caf::error&) { gone->drop(); });
  if (gone->wait(core_->driver()) != seam::waited::done)
    return error(errc::would_block, id,
                 "told to exit, but nothing runs that could end the wait");
  return {};
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::stop(key_arg id) const {
  return stop(id, default_reason(), options().stop_timeout);
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::stop(
  key_arg id, const caf::error& reason) const {
  return stop(id, reason, options().stop_timeout);
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::begin_stop(key_arg id) const {
  auto who = whereis(id);
  if (!who)
    return core_->missing(id);
  stop_found(control_block(*who), id, default_reason(), options().stop_timeout,
             [](const caf::error&) {});
  return {};
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::begin_stop(
  key_arg id, const caf::actor& who) const {
  return begin_stop(id, who, default_reason(), options().stop_timeout);
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::begin_stop(
  key_arg id, const caf::actor& who, const caf::error& reason,
  time_span timeout) const {
  if (!who)
    return error(errc::null_handle, id, "the handle is null");
  auto found = lookup(id);
  if (!found)
    return core_->missing(id);
  auto content = std::make_shared<const detail::event_data_of<Id, Value>>(
    found->key(), found->value());
  // This very worker, whoever comes after it.
  auto* ptr = control_block(found->handle());
  stop_found(ptr, id, reason, timeout,
             [name = core_->name(), content, ptr,
              to = caf::actor_cast<caf::strong_actor_ptr>(who)](
               const caf::error& why) noexcept {
               // It may be in the middle of its destruction.
               auto worker = detail::actors::lock(ptr, false);
               detail::post(to.get(), detail::to_message(cafreg::unregistered{
                                        event{name, content, std::move(worker)},
                                        departure::down, why}));
             });
  return {};
}

template <registry_key Id, worker_type Worker, registry_value Value>
attempt gen_registry_ref<Id, Worker, Value>::close() const {
  core_->close();
  if (!detail::must_not_wait() && core_->wait_closed())
    return {};
  if (core_->ended())
    return {};
  return core_->error(errc::would_block, {},
                      "closed, but waiting for the workers would block a "
                      "thread that runs actors, or a factory");
}

template <registry_key Id, worker_type Worker, registry_value Value>
caf::actor gen_registry_ref<Id, Worker, Value>::actor() const requires
  detail::usable_by_message<Id, Value, detail::worker_handle<Worker>> {
  using args = typename detail::worker_signature<Worker>::args;
  return core_->front(
    [this] { return detail::gen_front<gen_registry_ref, args>::spawn(*this); });
}

template <registry_key Id, worker_type Worker, registry_value Value>
caf::error gen_registry_ref<Id, Worker, Value>::lookup_error(errc why,
                                                             key_arg id) const {
  return error(why, id,
               why == errc::closed ? "the registry is closed"
                                   : "it has no worker");
}

template <registry_key Id, worker_type Worker, registry_value Value>
caf::error gen_registry_ref<Id, Worker, Value>::already_started(
  key_arg id, caf::actor_control_block* who) const {
  auto worker = detail::add_reference(who);
  auto text = error(errc::already_started, id,
                    "it has " + detail::actor_text(worker));
  return detail::with_actor(text, std::move(worker));
}

template <registry_key Id, worker_type Worker, registry_value Value>
void gen_registry_ref<Id, Worker, Value>::stop_found(
  caf::actor_control_block* who, key_arg id, const caf::error& reason,
  time_span timeout, when_gone fn) const {
  // CAF's actors ignore an exit whose reason is no error.
  core_->stop_worker(detail::add_reference(who), Id{id},
                     detail::failed(reason) ? reason : default_reason(),
                     super::deadline_after(timeout), std::move(fn));
}

template <registry_key Id, worker_type Worker, registry_value Value>
auto gen_registry_ref<Id, Worker, Value>::make_core(
  caf::actor_system& sys, gen_registry_options options,
  typename core_type::factory_type factory) -> std::shared_ptr<core_type> {
  auto core = std::make_shared<core_type>(sys, std::move(options),
                                          std::move(factory));
  core->start();
  return core;
}

/// @endcond

/// One worker for each id, started when somebody first asks for it, supervised,
/// gone when it dies. The equivalent of Elixir's gen_registry.
///
/// ```
/// gen_registry<std::string, denylist_actor> lists{
///   sys, {.name = "denylists"},
///   [](caf::actor_system& sys, const std::string& number) {
///     return sys.spawn<denylist>(number);
///   }};
/// auto list = lists.lookup_or_start(callee);
/// ```
///
/// `Worker` is a handle type, or such a type and what a start takes beside the
/// id: `gen_registry<int, caf::actor(std::string)>`. See `worker_source` for
/// what workers can be made with. `Value` is what an entry says of its worker.
///
/// The registry keeps its workers alive, and ends them when it goes. Create it
/// from an actor system after `cafreg::prepare(cfg)`, destroy it before the
/// system; give actors a `ref()`. Several registries can have workers of one
/// type, each with its own. See `gen_registry_ref` for the operations.
///
/// What can go stale: between a lookup and the use of its result the worker may
/// terminate, as always with actors; a message to it is then dropped, a request
/// answered with an error.
template <registry_key Id, worker_type Worker = caf::actor,
          registry_value Value = unit>
class gen_registry : public gen_registry_ref<Id, Worker, Value> {
public:
  /// What `ref` returns.
  using super = gen_registry_ref<Id, Worker, Value>;

  /// Starts with no worker. Many threads will use `source` at a time.
  /// @throws std::invalid_argument if an option makes no sense, or
  ///         `cafreg::prepare` was not called for the configuration of `sys`
  template <class Source>
    requires worker_source<Source, Id, Worker, Value> gen_registry(
      caf::actor_system& sys, gen_registry_options options, Source source)
      : super(super::make_core(
        sys, std::move(options),
        detail::make_factory<Id, Worker, Value>(std::move(source)))) {
      // nop
    }

    gen_registry(const gen_registry&) = delete;

    gen_registry& operator=(const gen_registry&) = delete;

    /// Closes the registry, see `close`.
    ~gen_registry();

    /// Returns a reference that may be copied into actors.
    super ref() const {
      return *this;
    }
};

template <registry_key Id, worker_type Worker, registry_value Value>
gen_registry<Id, Worker, Value>::~gen_registry() {
  static_cast<void>(this->close());
}

// What most programs use is compiled with the library.

extern template class detail::gen_core<std::string, std::tuple<>, unit>;
extern template class detail::worker_core<std::string, std::tuple<>, unit>;
extern template class detail::unique_table<
  std::string, detail::worker_slot<std::string, std::tuple<>, unit>,
  detail::actors, detail::gen_core<std::string, std::tuple<>, unit>>;
extern template class registry_base<gen_core_of<std::string, caf::actor, unit>,
                                    std::string, unit, caf::actor>;
extern template class gen_registry_ref<std::string>;
extern template class gen_registry<std::string>;

} // namespace cafreg
