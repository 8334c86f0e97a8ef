// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

// The one header that knows versions of CAF: what differs between 0.17.6, 1.x
// and the coming 2.0, and the few places where cafreg goes below CAF's public
// interface.

#include <caf/abstract_actor.hpp>
#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/attachable.hpp>
#include <caf/behavior.hpp>
#include <caf/config.hpp>
#include <caf/config_value.hpp>
#include <caf/error.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/message_priority.hpp>
#include <caf/ref_counted.hpp>
#include <caf/result.hpp>
#include <caf/system_messages.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>
#include <caf/unit.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#if __has_include(<caf/actor_launcher.hpp>)
// What will be 2.0 still calls itself 1.1.0, but only it has this header.
#  define CAFREG_CAF_VERSION 20000
#else
// CAF_VERSION itself is an octal number in some versions of 1.x.
#  define CAFREG_CAF_VERSION                                                   \
    (CAF_MAJOR_VERSION * 10000 + CAF_MINOR_VERSION * 100)
#endif

#if CAFREG_CAF_VERSION >= 20000
#  include <caf/actor_launcher.hpp>
#  include <caf/add_ref.hpp>
#  include <caf/adopt_ref.hpp>
#  include <caf/error_code_enum.hpp>
#  include <caf/make_actor.hpp>
#elif CAFREG_CAF_VERSION >= 10000
#  include <caf/is_error_code_enum.hpp>
#endif

#if CAFREG_CAF_VERSION >= 10000
#  include <caf/actor_clock.hpp>
#  include <caf/detail/init_fun_factory.hpp>
#  include <caf/init_global_meta_objects.hpp>
#  include <caf/mailbox_element.hpp>
#  include <caf/scheduler.hpp>

// Makes an enumeration with a type id an error code.
#  define CAFREG_ERROR_CODE_ENUM(type) CAF_ERROR_CODE_ENUM(type)
#else
#  include <caf/actor_clock.hpp>
#  include <caf/allowed_unsafe_message_type.hpp>
#  include <caf/mailbox_element.hpp>
#  include <caf/make_message.hpp>
#  include <caf/meta/load_callback.hpp>
#  include <caf/meta/type_name.hpp>
#  include <caf/replies_to.hpp>
#  include <caf/scheduler/abstract_coordinator.hpp>

// Here make_error, found beside the enumeration, is enough.
#  define CAFREG_ERROR_CODE_ENUM(type)
#endif

namespace cafreg {

/// A value that says nothing: for entries that need no value.
using unit = caf::unit_t;

} // namespace cafreg

/// What cafreg does with CAF below its public interface.
namespace cafreg::detail {

/// What a value can be in some versions of CAF only.
struct rare_value {
  /// "none" (1.x) or "atom" (0.17).
  std::string_view kind;
  std::string text;
};

// -- errors -------------------------------------------------------------------

/// Whether this is an error, and not the absence of one.
inline bool failed(const caf::error& err) noexcept {
  return err != caf::none;
}

/// Makes an error what a function returns that gives a `caf::expected`.
#if CAFREG_CAF_VERSION >= 20000
inline caf::unexpected<caf::error> failure(caf::error err) {
  return caf::unexpected<caf::error>{std::move(err)};
}
#else
inline caf::error failure(caf::error err) {
  return err;
}
#endif

// -- messages -----------------------------------------------------------------

#if CAFREG_CAF_VERSION >= 10000

/// `std::string(int)`, say, as a signature of a statically typed actor.
template <class T>
struct message_signature;

template <class Result, class... Ts>
struct message_signature<Result(Ts...)> {
  using type = caf::result<Result>(Ts...);
};

using execution_context = caf::scheduler;

inline caf::mailbox_element_ptr envelope(caf::message content) {
  return caf::make_mailbox_element(nullptr, caf::make_message_id(),
                                   std::move(content));
}

template <class T>
constexpr bool sendable = caf::detail::is_complete<caf::type_id<T>>;

/// A statically typed handle of an actor with one operation.
template <class Out, class... In>
using typed_handle = caf::typed_actor<caf::result<Out>(In...)>;

template <class IdBlock>
void add_types(caf::actor_system_config&) {
  caf::core::init_global_meta_objects(); // doing so twice is fine
  caf::init_global_meta_objects<IdBlock>();
}

template <class T>
const T* message_element(const caf::message& msg, size_t index) {
  if constexpr (sendable<T>)
    if (index < msg.size() && msg.match_element<T>(index))
      return &msg.get_as<T>(index);
  return nullptr;
}

template <class Enum>
caf::error pack_error(Enum code, caf::message context) {
  return caf::error{code, std::move(context)};
}

template <class Enum>
bool is_our_error(const caf::error& err) noexcept {
  return err.category() == caf::type_id_v<Enum>;
}

template <class Enum>
void add_error_category(caf::actor_system_config&) {
  // The type id of the enumeration says all that CAF needs.
}

/// One field of a message type.
template <class T>
struct field {
  const char* name;
  T& value;
};

/// Lets CAF inspect an object field by field.
/// @param load Called with no argument after the fields were loaded.
template <class Inspector, class T, class Load, class... Ts>
auto inspect_fields(Inspector& f, T& x, const char*, Load& load,
                    field<Ts>... xs) {
  if constexpr (Inspector::is_loading)
    return f.object(x)
      .on_load([&load] {
        load();
        return true;
      })
      .fields(f.field(xs.name, xs.value)...);
  else
    return f.object(x).fields(f.field(xs.name, xs.value)...);
}

/// Whether CAF wants an `inspect` for enumerations.
constexpr bool inspects_enums = true;

template <class Inspector, class Enum>
auto inspect_enum(Inspector& f, Enum& x) {
  using number = std::underlying_type_t<Enum>;
  auto get = [&x] { return static_cast<number>(x); };
  auto set = [&x](number value) {
    x = static_cast<Enum>(value);
    return true;
  };
  return f.apply(get, set);
}

inline rare_value to_rare_value(caf::none_t) {
  return {"none", {}};
}

#else

template <class T>
struct message_signature;

template <class Result, class... Ts>
struct message_signature<Result(Ts...)> {
  using type = typename caf::replies_to<Ts...>::template with<Result>;
};

using execution_context = caf::execution_unit;

inline caf::mailbox_element_ptr envelope(caf::message content) {
  return caf::make_mailbox_element(nullptr, caf::make_message_id(), {},
                                   std::move(content));
}

template <class T>
constexpr bool sendable = caf::has_type_id<T>::value
                          && !caf::allowed_unsafe_message_type<T>::value;

template <class Out, class... In>
using typed_handle
  = caf::typed_actor<typename caf::replies_to<In...>::template with<Out>>;

template <class IdBlock>
void add_types(caf::actor_system_config& cfg) {
  cfg.add_message_types<IdBlock>();
}

template <class T>
const T* message_element(const caf::message& msg, size_t index) {
  if constexpr (sendable<T>)
    if (index < msg.size() && msg.match_element<T>(index))
      return &msg.get_as<T>(index);
  return nullptr;
}

constexpr auto error_category = caf::atom("cafreg");

template <class Enum>
caf::error pack_error(Enum code, caf::message context) {
  return {static_cast<uint8_t>(code), error_category, std::move(context)};
}

template <class Enum>
bool is_our_error(const caf::error& err) noexcept {
  return err.category() == error_category;
}

template <class Enum>
void add_error_category(caf::actor_system_config& cfg) {
  cfg.add_error_category(error_category, [](uint8_t code, caf::atom_value,
                                            const caf::message& context) {
    auto result = to_string(static_cast<Enum>(code));
    if (!context.empty())
      result += to_string(context);
    return result;
  });
}

template <class T>
struct field {
  const char* name;
  T& value;
};

template <class Inspector, class T, class Load, class... Ts>
auto inspect_fields(Inspector& f, T&, const char* name, Load& load,
                    field<Ts>... xs) {
  auto callback = [&load]() -> caf::error {
    load();
    return caf::none;
  };
  return f(caf::meta::type_name(name), xs.value...,
           caf::meta::load_callback(callback));
}

constexpr bool inspects_enums = false;

template <class Inspector, class Enum>
void inspect_enum(Inspector&, Enum&) = delete;

inline rare_value to_rare_value(caf::atom_value x) {
  return {"atom", to_string(x)};
}

#endif

/// Returns nothing if this version of CAF has no such value.
std::optional<caf::config_value> from_rare_value(const rare_value& x);

/// Calls `fn` with what a value holds: an int64_t, bool, double, timespan, uri,
/// string, list or dictionary, or a `rare_value`.
template <class Fn>
auto visit_value(const caf::config_value& x, Fn&& fn) {
  return caf::visit(
    [&fn](const auto& y) {
      if constexpr (requires { to_rare_value(y); })
        return fn(to_rare_value(y));
      else
        return fn(y);
    },
    x);
}

/// Sends a message without a sender. Never waits; a message to an actor that
/// has terminated is dropped.
void post(caf::actor_control_block* to, caf::message content);

/// Sends a message without a sender, ahead of those that wait already.
void post_urgent(caf::actor_control_block* to, caf::message content);

/// Passes a message on that somebody else has sent.
void post_element(caf::actor_control_block* to, caf::mailbox_element_ptr what);

/// Answers a message that will not be handled, if its sender wants an answer.
void bounce(const caf::mailbox_element& what, caf::error reason);

/// Sends a message after a while, a year at most, ahead of those that wait
/// then.
void post_later(caf::actor_system& sys, const caf::strong_actor_ptr& to,
                std::chrono::nanoseconds delay, caf::message content);

/// Returns the message that tells an actor to end.
caf::message exit_message(caf::error reason);

/// Ends an actor, whatever it does, as soon as it has handled what was sent to
/// it before.
void kill(caf::actor_control_block* who);

/// Ends an actor, whatever it does, before it handles another message.
void kill_now(caf::actor_control_block* who);

caf::error make_exit_error(caf::exit_reason why);

// -- references ---------------------------------------------------------------

#if CAFREG_CAF_VERSION >= 20000

inline void add_strong(caf::actor_control_block* ptr) noexcept {
  ptr->ref();
}

inline void add_weak(caf::actor_control_block* ptr) noexcept {
  ptr->ref_weak();
}

inline void drop_strong(caf::actor_control_block* ptr) noexcept {
  ptr->deref();
}

inline void drop_weak(caf::actor_control_block* ptr) noexcept {
  ptr->deref_weak();
}

/// Adds a strong reference to a weak one, unless it is too late.
inline bool upgrade_weak(caf::actor_control_block* ptr) noexcept {
  return ptr->upgrade_weak();
}

constexpr auto adopt_reference = caf::adopt_ref;

#else

inline void add_strong(caf::actor_control_block* ptr) noexcept {
  caf::intrusive_ptr_add_ref(ptr);
}

inline void add_weak(caf::actor_control_block* ptr) noexcept {
  caf::intrusive_ptr_add_weak_ref(ptr);
}

inline void drop_strong(caf::actor_control_block* ptr) noexcept {
  caf::intrusive_ptr_release(ptr);
}

inline void drop_weak(caf::actor_control_block* ptr) noexcept {
  caf::intrusive_ptr_release_weak(ptr);
}

inline bool upgrade_weak(caf::actor_control_block* ptr) noexcept {
  return caf::intrusive_ptr_upgrade_weak(ptr);
}

constexpr auto adopt_reference = false; // do not add one

#endif

/// Keeps the memory of an actor, so that no other one gets its address, but not
/// the actor alive. `lock()` returns null if it is too late. (An address is to
/// become a plain value in CAF.)
using weak_actor = caf::weak_actor_ptr;

/// Returns a new strong reference.
inline caf::strong_actor_ptr add_reference(caf::actor_control_block* ptr) {
  add_strong(ptr);
  return {ptr, adopt_reference};
}

/// Turns a reference that was acquired before into a handle.
template <class Handle>
Handle adopt_handle(caf::actor_control_block* ptr) noexcept {
  // What actor_cast does, but for counting the reference twice more.
  return Handle{ptr, adopt_reference};
}

/// Returns a new reference to an object that counts its references.
template <std::derived_from<caf::ref_counted> T>
caf::intrusive_ptr<T> share(T& x) noexcept {
  x.ref();
  return {&x, adopt_reference};
}

// -- lives --------------------------------------------------------------------

/// How the tables hold actors.
struct actors {
  using type = caf::actor_control_block;

  static void acquire(type* ptr, bool strong) noexcept {
    if (strong)
      add_strong(ptr);
    else
      add_weak(ptr);
  }

  static void release(type* ptr, bool strong) noexcept {
    if (strong)
      drop_strong(ptr);
    else
      drop_weak(ptr);
  }

  static bool borrow(type* ptr, bool strong) noexcept {
    if (!strong)
      return upgrade_weak(ptr);
    add_strong(ptr);
    return true;
  }

  /// Returns null if it is too late.
  static caf::strong_actor_ptr lock(type* ptr, bool strong) noexcept {
    if (borrow(ptr, strong))
      return {ptr, adopt_reference};
    return nullptr;
  }

  /// Asks for the memory that `dead` and `borrow` are about to touch: two
  /// cache lines, fetched at once rather than one after the other.
  [[gnu::always_inline]] static void prefetch(const type* ptr) noexcept {
    __builtin_prefetch(ptr, 1);
    // As numbers, for there may be no actor.
    auto address = reinterpret_cast<uintptr_t>(ptr) + CAF_CACHE_LINE_SIZE;
    __builtin_prefetch(reinterpret_cast<const char*>(address), 0);
  }

  /// All versions set this flag before they tell anyone of an actor's end. The
  /// memory of an actor outlives it as long as there is a weak reference, but
  /// no longer looks like an actor to a sanitizer.
  __attribute__((no_sanitize("vptr"))) static bool
  dead(const type* ptr) noexcept {
    return const_cast<type*>(ptr)->get()->getf(
      caf::abstract_actor::is_terminated_flag);
  }
};

/// The actor system that an actor runs in, or whose proxy it is.
inline caf::actor_system& system_of(const caf::actor_control_block* ptr) {
  return const_cast<caf::actor_control_block*>(ptr)->get()->home_system();
}

/// Renders an actor: by its id, and its node if that is another one.
std::string actor_text(caf::actor_control_block* who);

template <class Handle>
std::string actor_text(const Handle& who) {
  return actor_text(caf::actor_cast<caf::actor_control_block*>(who));
}

/// Number of actors that must end before their system can.
size_t running_actors(const caf::actor_system& sys);

/// What an actor owns and tells of its end.
class life_watch : public caf::attachable {
public:
  ~life_watch() override;

  /// Called when the actor has terminated, or at once if it had before this was
  /// attached.
  /// @param ctx Runs this thread's actors, or is null.
  virtual void ended(const caf::error& reason, execution_context* ctx) = 0;

  /// Whether this belongs to `owner`, who wants it no more: then it is going to
  /// be destroyed. Called under a lock of the actor.
  virtual bool given_up_by(const void* owner) noexcept;

#if CAFREG_CAF_VERSION >= 20000
  void actor_exited(caf::abstract_actor*, const caf::error& reason,
                    execution_context* ctx) final;
#else
  void actor_exited(const caf::error& reason, execution_context* ctx) final;

  bool matches(const caf::attachable::token& what) final;
#endif
};

/// Destroys the watches over an actor's life that belong to `owner`.
/// @returns how many there were.
size_t detach_watches(caf::actor_control_block* from, const void* owner);

/// Returns a behavior for `self` that takes no notice of exit messages, but for
/// one that kills, and else does what `others` does.
caf::behavior ignoring_exits(caf::event_based_actor* self,
                             caf::behavior others);

/// Makes a system wait at its end until `let_end` is called.
void hold_end(caf::actor_system& sys);

void let_end(caf::actor_system& sys);

/// Calls `fn` when a system ends and waits for its actors no longer; in an
/// arbitrary thread. It must not throw.
void on_end(caf::actor_system& sys, std::function<void()> fn);

/// Returns a function that lets one thing happen in a system whose scheduler
/// does nothing by itself, see `seam::driver`; null for any other system.
std::function<bool()> step_of(caf::actor_system& sys);

/// An actor that gets each message first in the thread of its sender.
class receiving_actor : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;

  using caf::event_based_actor::enqueue;

#if CAFREG_CAF_VERSION >= 10000
  bool enqueue(caf::mailbox_element_ptr what,
               cafreg::detail::execution_context* ctx) final {
    return receive(what, ctx);
  }
#else
  void enqueue(caf::mailbox_element_ptr what,
               cafreg::detail::execution_context* ctx) final {
    receive(what, ctx);
  }
#endif

  /// Ends this actor, which was spawned with `caf::lazy_init` and has kept no
  /// message.
  void end_unused();

protected:
  /// Called with each message. Thread-safe.
  /// @param ctx Runs this thread's actors, or is null.
  /// @returns false if the actor takes no messages any more.
  virtual bool receive(caf::mailbox_element_ptr& what,
                       cafreg::detail::execution_context* ctx)
    = 0;

  /// Puts a message into the mailbox.
  bool keep(caf::mailbox_element_ptr& what,
            cafreg::detail::execution_context* ctx) {
#if CAFREG_CAF_VERSION >= 10000
    return caf::event_based_actor::enqueue(std::move(what), ctx);
#else
    caf::event_based_actor::enqueue(std::move(what), ctx);
    return true;
#endif
  }
};

class actor_loop;

/// An actor that runs in a thread of ours. It takes a few messages at a time,
/// whatever the configuration says, and lets others run in between. It must not
/// skip messages.
class looped_actor : public receiving_actor {
public:
  /// @param loop Where it runs; null for the scheduler. To be spawned with
  ///             `caf::lazy_init`, which has it run there from the beginning.
  looped_actor(caf::actor_config& cfg, std::shared_ptr<actor_loop> loop);

  ~looped_actor() override;

  /// Has the system wait at its end until this actor has ended, once. To be
  /// called before the actor is told to: who ends in a thread of ours when the
  /// timers of CAF 0.17 have stopped may wait for them for ever. Does nothing
  /// without a loop: a system that is driven would wait for a thread that waits
  /// for it.
  void hold();

#if CAFREG_CAF_VERSION >= 20000
  void resume(cafreg::detail::execution_context* ctx, uint64_t event) override;

  caf::scheduler* pinned_scheduler() const noexcept override;
#else
  resume_result resume(cafreg::detail::execution_context* ctx,
                       size_t max_throughput) override;
#endif

protected:
  bool receive(caf::mailbox_element_ptr& what,
               cafreg::detail::execution_context* ctx) override;

  /// To be called when this actor has ended, last of all.
  void let_go() noexcept;

private:
  friend class actor_loop;

  // Qualified: CAF 1.x has something else of this name in its actors.
  cafreg::detail::execution_context*
  choose(cafreg::detail::execution_context* ctx) const noexcept;

  static constexpr unsigned held = 1;
  static constexpr unsigned gone = 2;

  const std::shared_ptr<actor_loop> loop_;
  std::atomic<unsigned> end_{0};

  // For the loop, under its lock: who is next, and for what events.
  looped_actor* next_ = nullptr;
#if CAFREG_CAF_VERSION >= 20000
  uint64_t events_ = 0;
#endif
};

/// Makes what runs such actors, in the thread that calls `run_loop`. What other
/// actors want from this thread goes to the scheduler.
std::shared_ptr<actor_loop> make_loop(caf::actor_system& sys);

/// Runs actors until there is none left to run after `end_loop`.
void run_loop(actor_loop& what);

/// Any thread, also the one that runs it. Never waits.
void end_loop(actor_loop& what) noexcept;

// -- spawning -----------------------------------------------------------------

#if CAFREG_CAF_VERSION >= 20000

/// Spawns an actor of a class that gets a name after its construction and
/// before it can handle anything.
template <class Actor, class Binder>
struct named_spawn {
  using handle_type = caf::infer_handle_from_class_t<Actor>;

  template <class... Ts>
  static handle_type do_spawn(caf::actor_system& sys, caf::actor_config& cfg,
                              Binder& binder, Ts&&... xs) {
    cfg.flags |= static_cast<int>(Actor::forced_spawn_options);
    auto result = caf::make_actor<Actor>(sys.next_actor_id(), sys.node(), &sys,
                                         cfg,
                                         caf::detail::spawn_fwd<Ts>(xs)...);
    auto* made = caf::actor_cast<caf::actor_control_block*>(result);
    try {
      binder(made);
    } catch (...) {
      // It will never run, and CAF ends only those that have.
      made->get()->cleanup(make_exit_error(caf::exit_reason::kill), nullptr);
      throw;
    }
    caf::actor_launcher{caf::strong_actor_ptr{made, caf::add_ref}, cfg.sched,
                        static_cast<caf::spawn_options>(cfg.flags)}();
    return result;
  }
};

template <class Actor, caf::spawn_options Os, class Binder, class... Ts>
auto spawn_named(caf::actor_system& sys, Binder& binder, Ts&&... xs) {
  return sys.template spawn<Os>(named_spawn<Actor, Binder>{}, binder,
                                std::forward<Ts>(xs)...);
}

#else

/// An actor class whose objects get a name after their construction and before
/// they can handle anything.
template <class Actor, class Binder>
class named_actor final : public Actor {
public:
  static_assert(!std::is_final_v<Actor>,
                "spawn_as derives from the actor class, which must not be "
                "final");

  template <class... Ts>
  named_actor(caf::actor_config& cfg, Binder* binder, Ts&&... xs)
    : Actor(cfg, std::forward<Ts>(xs)...), binder_(binder) {
    // nop
  }

  void launch(execution_context* ctx, bool lazy, bool hide) override {
    (*binder_)(this->ctrl());
    Actor::launch(ctx, lazy, hide);
  }

private:
  // Lives until `spawn` returns, hence longer than the call of `launch`.
  Binder* binder_;
};

template <class Actor, caf::spawn_options Os, class Binder, class... Ts>
auto spawn_named(caf::actor_system& sys, Binder& binder, Ts&&... xs) {
  return sys.template spawn<named_actor<Actor, Binder>, Os>(
    &binder, std::forward<Ts>(xs)...);
}

#endif

template <class Result, class... Args>
struct signature {
  using result_type = Result;
  using args = std::tuple<Args...>;

  static constexpr bool takes_self = [] {
    if constexpr (sizeof...(Args) == 0)
      return false;
    else
      return std::is_pointer_v<std::tuple_element_t<0, args>>;
  }();
};

template <class Result, class... Args>
signature<Result, Args...> signature_of(const std::function<Result(Args...)>&);

/// A function or function object that can implement an actor.
template <class F>
concept actor_function = requires(F fun) {
  std::function{fun};
};

template <actor_function F>
using signature_t = decltype(signature_of(std::function{std::declval<F>()}));

/// Spawns a function-based actor that calls `bind` before all else.
template <caf::spawn_options Os, class Binder, class F, class... Ts>
auto spawn_named_function(caf::actor_system& sys, Binder bind, F fun,
                          Ts&&... xs) {
  using impl = caf::infer_impl_from_fun_t<F>;
  using result = typename signature_t<F>::result_type;
  auto body = [bind = std::move(bind), fun = std::move(fun),
               args = std::tuple<std::decay_t<Ts>...>{std::forward<Ts>(xs)...}](
                impl* self) mutable -> result {
    bind(self->ctrl());
    return std::apply(
      [&](auto&... ys) -> result {
        if constexpr (signature_t<F>::takes_self)
          return fun(self, std::move(ys)...);
        else
          return fun(std::move(ys)...);
      },
      args);
  };
  return sys.template spawn<Os>(std::move(body));
}

/// Sends a request. The result is what the installed CAF calls a response
/// handle: `.then(...)`, `.await(...)` or, for scoped actors, `.receive(...)`.
template <class Self, class Handle, class... Ts>
auto request(Self* self, const Handle& to, std::chrono::nanoseconds timeout,
             Ts&&... xs) {
  // CAF adds it to the time of now.
  constexpr std::chrono::nanoseconds longest = std::chrono::hours{24 * 36525};
#if CAFREG_CAF_VERSION >= 10000
  return self->mail(std::forward<Ts>(xs)...)
    .request(to, timeout > longest ? caf::infinite : caf::timespan{timeout});
#else
  return timeout > longest
           ? self->request(to, caf::infinite, std::forward<Ts>(xs)...)
           : self->request(to, caf::timespan{timeout}, std::forward<Ts>(xs)...);
#endif
}

// -- other nodes --------------------------------------------------------------

/// Whether CAF keeps a local actor because another node has got its handle: so
/// it does until the actor ends.
bool exported(caf::actor_system& sys, caf::actor_id id);

/// The same for any actor.
bool exported(caf::actor_control_block* who);

/// Has CAF let go of such an actor, if nobody else keeps it.
void end_export(caf::actor_system& sys, const weak_actor& who);

// -- asking -------------------------------------------------------------------

/// Calls `fn()` after an actor has handled all messages that it has got so far,
/// unless it terminates before. The question is one of CAF's own, which every
/// scheduled actor answers, whatever its behavior.
void ping(caf::event_based_actor* self, const caf::actor& whom,
          std::function<void()> fn);

/// Answers every message for which there is no handler with an error.
void on_any_message(caf::event_based_actor* self, caf::error reason);

/// Spawns an actor without a mailbox: `deliver` is called with each message in
/// the thread of its sender.
caf::strong_actor_ptr
spawn_interceptor(caf::actor_system& sys,
                  std::function<void(caf::mailbox_element_ptr)> deliver);

/// Calls `fn` once, with the reason, when an actor has terminated: in the
/// actor's last thread, or at once in this one. It must not throw.
void on_death(caf::actor_control_block* who,
              std::function<void(const caf::error&)> fn);

// -- threads ------------------------------------------------------------------

/// Marks the threads of actor systems that are made from a configuration. A
/// thread of one's own that uses a scoped actor is not marked, and may wait.
void mark_threads(caf::actor_system_config& cfg);

} // namespace cafreg::detail
