// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/closing.hpp"

#include <algorithm>
#include <utility>

#include "cafreg/detail/countdown.hpp"

namespace cafreg::detail {

/// What the last worker has to find, whenever it goes.
struct closing::ending {
  // One more until `begin` has told all of them, and set the function.
  countdown living;
  std::function<void()> over;

  void drop() {
    living.drop([this] { over(); });
  }
};

closing::closing() : ending_(std::make_shared<ending>()) {
  ending_->living.add();
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
  ending_->living.add();
  on_death(who, [ending = ending_](const caf::error&) { ending->drop(); });
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
  ending_->over = std::move(over);
  for (auto& who : workers) {
    watch(who.get());
    post(who.get(),
         exit_message(make_exit_error(caf::exit_reason::user_shutdown)));
  }
  ending_->drop();
}

seam::waited closing::wait(seam::driver* by) const {
  return ending_->living.wait(by);
}

bool closing::over() const {
  return ending_->living.ended();
}

} // namespace cafreg::detail
