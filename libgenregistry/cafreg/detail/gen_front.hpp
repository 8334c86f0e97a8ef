// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cafreg/ask.hpp"
#include "cafreg/caf.hpp"
#include "cafreg/detail/front.hpp"
#include "cafreg/detail/unique_front.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/events.hpp"
#include "cafreg/types.hpp"

namespace cafreg::detail {

/// Offers the operations of a registry of workers by message.
/// @tparam Args What a start takes beside the id, as a tuple.
template <class Ref, class Args>
class gen_front;

template <class Ref, class... Args>
class gen_front<Ref, std::tuple<Args...>> {
public:
  using id_type = typename Ref::id_type;

  using value_type = typename Ref::value_type;

  static caf::strong_actor_ptr spawn(Ref ref) {
    return spawn_front(ref,
                       [ref](caf::event_based_actor* self, promises& open) {
                         return operations(self, ref, open);
                       });
  }

private:
  static caf::message_handler operations(caf::event_based_actor* self, Ref ref,
                                         promises& open) {
    auto last = std::make_shared<uint64_t>(0);
    return {
      [ref, self](ask::lookup_or_start, const id_type& id, const Args&... xs) {
        auto promise = self->make_response_promise();
        if (auto present = ref.lookup(id))
          deliver(promise, *present);
        else
          promise.delegate(spawn_starter(ref), ask::lookup_or_start{}, id,
                           xs...);
        return promise;
      },
      [ref, self](ask::start, const id_type& id, const Args&... xs) {
        auto promise = self->make_response_promise();
        promise.delegate(spawn_starter(ref), ask::start{}, id, xs...);
        return promise;
      },
      [ref](ask::lookup, const id_type& id) -> found_answer<value_type> {
        auto present = ref.lookup(id);
        if (!present)
          return ref.lookup_error(present.error(), id);
        return make_found_answer(present->handle(), present->value());
      },
      [ref, self, &open, last](ask::stop, const id_type& id) {
        auto promise = self->make_response_promise();
        auto found = ref.whereis(id);
        if (!found) {
          promise.deliver(ref.lookup_error(found.error(), id));
          return promise;
        }
        auto number = ++*last;
        open.emplace(number, promise);
        ref.stop_found(Ref::control_block(*found), id, Ref::default_reason(),
                       ref.options().stop_timeout,
                       [number, to = add_reference(self->ctrl())](
                         const caf::error&) noexcept {
                         post(to.get(),
                              caf::make_message(worker_gone{}, number));
                       });
        return promise;
      },
      [&open](worker_gone, uint64_t number) {
        if (auto promise = open.extract(number))
          promise.mapped().deliver(true);
      },
      [ref](ask::count) { return static_cast<uint64_t>(ref.count()); },
      [ref](ask::count, const id_type& id) {
        return static_cast<uint64_t>(ref.whereis(id) ? 1 : 0);
      },
    };
  }

  static void deliver(caf::response_promise& to,
                      const typename Ref::entry_type& what) {
    if constexpr (std::is_same_v<value_type, unit>)
      to.deliver(what.handle());
    else
      to.deliver(what.handle(), what.value());
  }

  // A factory may block: each start by message has an actor of its own.
  static caf::actor spawn_starter(Ref ref) {
    auto answer
      = [ref](caf::event_based_actor* self, const id_type& id,
              caf::expected<caf::actor> who) -> found_answer<value_type> {
      self->quit();
      if (!who)
        return std::move(who.error());
      auto present = ref.lookup(id);
      return make_found_answer(std::move(*who),
                               present ? present->value() : value_type{});
    };
    return ref.system().template spawn<caf::hidden>(
      [ref, answer](caf::event_based_actor* self) -> caf::behavior {
        return {
          [=](ask::lookup_or_start, const id_type& id, const Args&... xs) {
            return answer(self, id, ref.lookup_or_start(id, xs...));
          },
          [=](ask::start, const id_type& id, const Args&... xs) {
            return answer(self, id, ref.start(id, xs...));
          },
        };
      });
  }
};

} // namespace cafreg::detail
