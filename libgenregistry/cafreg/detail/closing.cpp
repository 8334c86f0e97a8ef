// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/closing.hpp"

#include <algorithm>
#include <utility>

namespace cafreg::detail {

closing::closing() : living_(std::make_shared<countdown>()) {
  living_->add();
}

closing::~closing() {
  // nop
}

void closing::collect(caf::actor_control_block* who) noexcept {
  try {
    std::lock_guard guard{mutex_};
    workers_.push_back(add_reference(who));
  } catch (...) {
    kill_now(who); // no memory for more than that
  }
}

void closing::watch(caf::actor_control_block* who) {
  living_->add();
  on_death(who, [living = living_](const caf::error&) { living->drop(); });
}

void closing::begin(
  const std::function<void(const std::vector<caf::strong_actor_ptr>&)>& prepare,
  std::function<void()> over) {
  if (begun_.exchange(true))
    return;
  std::vector<caf::strong_actor_ptr> workers;
  {
    std::lock_guard guard{mutex_};
    workers.swap(workers_);
  }
  std::sort(workers.begin(), workers.end(),
            [](auto& x, auto& y) { return x->id() > y->id(); });
  prepare(workers);
  auto finish = std::make_shared<std::function<void()>>(std::move(over));
  living_->add(workers.size());
  for (auto& who : workers) {
    on_death(who.get(), [living = living_, finish](const caf::error&) {
      if (living->drop())
        (*finish)();
    });
    post(who.get(), caf::make_message(caf::exit_msg{
                      caf::actor_addr{},
                      make_exit_error(caf::exit_reason::user_shutdown)}));
  }
  if (living_->drop())
    (*finish)();
}

void closing::wait() const {
  living_->wait();
}

bool closing::over() const {
  return living_->ended();
}

} // namespace cafreg::detail
