// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/sys_front.hpp"

#include "cafreg/detail/front.hpp"
#include "cafreg/sys_ask.hpp"
#include "cafreg/system_registry.hpp"

namespace cafreg::detail {

namespace {

caf::result<uint64_t> version_of(caf::expected<delta> what) {
  if (!what)
    return std::move(what.error());
  return what->version;
}

} // namespace

caf::strong_actor_ptr spawn_sys_front(const system_registry_ref& registry) {
  return spawn_front(registry, [ref = registry](caf::event_based_actor*,
                                                promises&) {
    return caf::message_handler{
      [ref](ask::update, const caf::actor& who, const std::string& where,
            const caf::config_value& what) {
        return version_of(ref.update(who, where, what));
      },
      [ref](ask::remove, const caf::actor& who, const std::string& where) {
        return version_of(ref.remove(who, where));
      },
      [ref](ask::remove_all, const caf::actor& who) {
        return version_of(ref.remove_all(who));
      },
      [ref](ask::move, const caf::actor& who, const std::string& from,
            const std::string& to) {
        return version_of(ref.move(who, from, to));
      },
      [ref](ask::get,
            const std::string& where) -> caf::result<caf::config_value> {
        auto result = ref.get<caf::config_value>(where);
        if (!result)
          return std::move(result.error());
        return std::move(*result);
      },
      [ref](ask::snapshot, const std::string& scope) {
        return system_state{ref.name(), scope, ref.snapshot(scope)};
      },
      [ref](ask::subscribe, const caf::actor& who, const std::string& scope,
            caf::timespan min_interval, caf::timespan hysteresis,
            bool acknowledged) -> caf::result<uint64_t> {
        auto result
          = ref.subscribe(who, {scope, min_interval, hysteresis, acknowledged});
        if (!result)
          return std::move(result.error());
        return result->id();
      },
      [ref](ask::unsubscribe, const caf::actor& who, const std::string& scope) {
        return ref.unsubscribe(who, scope);
      },
      [ref](ask::acknowledge, const caf::actor& who, const std::string& scope) {
        ref.acknowledge(who, scope);
      },
    };
  });
}

} // namespace cafreg::detail
