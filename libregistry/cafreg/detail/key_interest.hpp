// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#pragma once

#include <optional>
#include <string>
#include <utility>

#include "cafreg/caf.hpp"
#include "cafreg/detail/interests.hpp"
#include "cafreg/detail/key_text.hpp"
#include "cafreg/events.hpp"

namespace cafreg::detail {

/// An interest in a key of a certain type.
template <class Key, class Value>
class key_interest final : public interest {
public:
  key_interest(kind what, size_t shard, uint64_t hash,
               caf::strong_actor_ptr who, Key key)
    : interest(what, shard, hash, std::move(who)), key(std::move(key)) {
    // nop
  }

  bool about(const void* other) const noexcept override {
    return key == *static_cast<const Key*>(other);
  }

  event_data_ptr nobody() const override {
    return std::make_shared<event_data_of<Key, Value>>(key);
  }

  std::string text() const override {
    return key_text(key);
  }

  const Key key;
  /// With which value a standby takes over.
  std::optional<Value> value;
};

} // namespace cafreg::detail
