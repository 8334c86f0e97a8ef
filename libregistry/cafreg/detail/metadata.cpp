// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/metadata.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

namespace cafreg::detail {

struct metadata::state {
  mutable std::shared_mutex mutex;
  bool closed = false;
  // Shared, for a copy may run foreign code and needs no lock.
  std::map<std::string, std::shared_ptr<const std::any>, std::less<>> values;
};

metadata::metadata() : state_(std::make_unique<state>()) {
  // nop
}

metadata::~metadata() {
  // nop
}

std::shared_ptr<const std::any> metadata::get(std::string_view key) const {
  std::shared_lock guard{state_->mutex};
  auto pos = state_->values.find(key);
  return pos != state_->values.end() ? pos->second : nullptr;
}

bool metadata::put(std::string_view key, std::any value) {
  // What it holds in the end is destroyed without the lock.
  auto fresh = std::make_shared<const std::any>(std::move(value));
  std::unique_lock guard{state_->mutex};
  if (state_->closed)
    return false;
  state_->values[std::string{key}].swap(fresh);
  guard.unlock();
  return true;
}

bool metadata::erase(std::string_view key) {
  std::unique_lock guard{state_->mutex};
  auto pos = state_->values.find(key);
  if (pos == state_->values.end())
    return false;
  auto node = state_->values.extract(pos);
  guard.unlock();
  return true;
}

void metadata::close() noexcept {
  decltype(state_->values) dropped;
  std::unique_lock guard{state_->mutex};
  state_->closed = true;
  dropped.swap(state_->values);
  guard.unlock();
}

} // namespace cafreg::detail
