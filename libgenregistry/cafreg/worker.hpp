// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <caf/infer_handle.hpp>

#include "cafreg/caf.hpp"
#include "cafreg/concepts.hpp"

namespace cafreg {

/// What a factory returns that gives its worker a value from the beginning.
template <class Handle, class Value>
struct valued_worker {
  /// The worker.
  Handle worker;
  /// The first value of its entry.
  Value value;
};

namespace detail {

/// Takes `Handle` or `Handle(Args...)` apart.
template <class Worker>
struct worker_signature {
  using handle_type = Worker;

  using args = std::tuple<>;

  template <class... Ts>
  static constexpr bool takes = sizeof...(Ts) == 0;
};

template <class Handle, class... Args>
struct worker_signature<Handle(Args...)> {
  using handle_type = Handle;

  using args = std::tuple<std::decay_t<Args>...>;

  template <class... Ts>
  static constexpr bool takes = [] {
    if constexpr (sizeof...(Ts) == sizeof...(Args))
      return (std::convertible_to<Ts, std::decay_t<Args>> && ...);
    else
      return false;
  }();
};

template <class Worker>
using worker_handle = typename worker_signature<Worker>::handle_type;

/// What came out of a factory.
template <class Value>
struct product {
  caf::strong_actor_ptr worker;
  Value value;
  caf::error error;
};

template <class Handle, class Value>
struct product_maker {
  using type = product<Value>;

  static type make(Handle x) {
    return {caf::actor_cast<caf::strong_actor_ptr>(std::move(x)), Value{}, {}};
  }

  static type make(valued_worker<Handle, Value> x) {
    return {caf::actor_cast<caf::strong_actor_ptr>(std::move(x.worker)),
            std::move(x.value),
            {}};
  }

  static type make(caf::expected<Handle> x) {
    return unpack(std::move(x));
  }

  static type make(caf::expected<valued_worker<Handle, Value>> x) {
    return unpack(std::move(x));
  }

private:
  template <class T>
  static type unpack(caf::expected<T> x) {
    if (x)
      return make(std::move(*x));
    return {nullptr, Value{}, std::move(x.error())};
  }
};

/// Whether a factory may return this.
template <class T, class Handle, class Value>
concept factory_result = requires(T x) {
  product_maker<Handle, Value>::make(std::move(x));
};

/// Whether `F` is a factory for workers with these arguments.
template <class F, class Id, class Handle, class Value, class... Args>
concept calls_factory
  = std::invocable<const F&, caf::actor_system&, const Id&, Args...> //
  && factory_result<
    std::invoke_result_t<const F&, caf::actor_system&, const Id&, Args...>,
    Handle, Value>;

template <class Args>
struct tail_of;

template <class First, class... Rest>
struct tail_of<std::tuple<First, Rest...>> {
  template <class... Ts>
  static constexpr bool takes = [] {
    if constexpr (sizeof...(Ts) == sizeof...(Rest))
      return (std::convertible_to<Ts, std::decay_t<Rest>> && ...);
    else
      return false;
  }();
};

/// Whether `F` implements an actor and takes, after the actor itself, `Ts`.
template <class F, class... Ts>
concept spawns_with
  = actor_function<F> && signature_t<F>::takes_self && tail_of<
    typename signature_t<F>::args>::template takes<Ts...>;

template <class F, class Id, class Handle, class Value, class Args>
struct source_traits;

template <class F, class Handle>
concept implements = std::same_as<caf::infer_handle_from_fun_t<F>, Handle>;

template <class F, class Id, class Handle, class Value, class... Args>
struct source_traits<F, Id, Handle, Value, std::tuple<Args...>> {
  static constexpr bool factory = calls_factory<F, Id, Handle, Value, Args...>;

  static constexpr bool spawns = [] {
    if constexpr (spawns_with<F, const Id&, Args...> || spawns_with<F, Args...>)
      return implements<F, Handle>;
    else
      return false;
  }();
};

template <class F, class Id, class Worker, class Value>
using source_traits_of = source_traits<F, Id, worker_handle<Worker>, Value,
                                       typename worker_signature<Worker>::args>;

} // namespace detail

/// What can stand for the workers of a registry: `caf::actor` or a statically
/// typed handle; or, like `caf::actor(int, std::string)`, such a handle and
/// what a start takes beside the id.
template <class T>
concept worker_type = actor_handle<detail::worker_handle<T>> && std::
  default_initializable<detail::worker_handle<T>> && std::copyable<
    typename detail::worker_signature<T>::args>;

/// Whether `Ts` are what a start of these workers takes beside the id.
template <class Worker, class... Ts>
concept starts_with = detail::worker_signature<Worker>::template takes<Ts...>;

/// What a registry can make its workers with, each with the arguments of a
/// start in the end:
/// - a callable `(actor_system&, const Id&, arguments...)` that returns a
///   handle, a `valued_worker`, or a `caf::expected` of one of these;
/// - a function-based actor `(self*, const Id&, arguments...)`, or without the
///   id;
/// - an actor class, by means of `cafreg::worker`.
template <class F, class Id, class Worker, class Value>
concept worker_source = detail::source_traits_of<F, Id, Worker, Value>::
  factory || detail::source_traits_of<F, Id, Worker, Value>::spawns;

/// A factory that spawns an actor class, whose constructor takes the id and the
/// arguments of a start, or the latter alone.
template <class Actor, caf::spawn_options Os>
struct worker_class {
  /// Spawns a worker whose constructor takes the id.
  template <class Id, class... Ts>
    requires std::constructible_from<Actor, caf::actor_config&, const Id&,
                                     Ts...>
  auto operator()(caf::actor_system& sys, const Id& id, Ts... xs) const {
    return sys.spawn<Actor, Os>(id, std::move(xs)...);
  }

  /// Spawns a worker whose constructor takes no id.
  template <class Id, class... Ts>
    requires(
      !std::constructible_from<
        Actor, caf::actor_config&, const Id&,
        Ts...> && std::constructible_from<Actor, caf::actor_config&, Ts...>)
  auto operator()(caf::actor_system& sys, const Id&, Ts... xs) const {
    return sys.spawn<Actor, Os>(std::move(xs)...);
  }
};

/// A factory that spawns an actor class:
/// `gen_registry<int> r{sys, {}, cafreg::worker<counter>};`
template <class Actor, caf::spawn_options Os = caf::no_spawn_options>
inline constexpr worker_class<Actor, Os> worker{};

/// A factory that spawns a function-based actor with CAF's options.
template <caf::spawn_options Os, detail::actor_function F>
struct function_worker {
  /// Spawns a worker.
  template <class Id, class... Ts>
    requires(
      detail::spawns_with<F, const Id&, Ts...> || detail::spawns_with<F, Ts...>)
  auto operator()(caf::actor_system& sys, const Id& id, Ts... xs) const {
    if constexpr (detail::spawns_with<F, const Id&, Ts...>)
      return sys.spawn<Os>(fun, id, std::move(xs)...);
    else
      return sys.spawn<Os>(fun, std::move(xs)...);
  }

  /// What it does.
  F fun;
};

/// A factory that spawns a function-based actor, for those that need options:
/// `cafreg::worker_function<caf::detached>(fn)`.
template <caf::spawn_options Os = caf::no_spawn_options,
          detail::actor_function F>
function_worker<Os, F> worker_function(F fun) {
  return {std::move(fun)};
}

namespace detail {

/// Makes one kind of factory of whatever a registry's workers are made with.
template <class Id, class Worker, class Value, class F>
auto make_factory(F source) {
  if constexpr (source_traits_of<F, Id, Worker, Value>::factory)
    return [source = std::move(source)](caf::actor_system& sys, const Id& id,
                                        auto&&... xs) {
      return product_maker<worker_handle<Worker>, Value>::make(
        source(sys, id, std::forward<decltype(xs)>(xs)...));
    };
  else
    return make_factory<Id, Worker, Value>(
      function_worker<caf::no_spawn_options, F>{std::move(source)});
}

} // namespace detail

} // namespace cafreg
