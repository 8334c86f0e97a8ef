// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/seam/driving.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace cafreg::seam {

namespace {

using step_function = std::function<bool()>;

class stepper final : public driver {
public:
  stepper(caf::actor_system& sys, step_function fn)
    : system_(sys), step_(std::move(fn)) {
    // nop
  }

  bool step() override {
    return step_();
  }

  time_point now() override {
    return system_.clock().now();
  }

private:
  caf::actor_system& system_;
  const step_function step_;
};

// The systems of a process whose tests have set a step: few.
class steps {
public:
  static steps& get() {
    static auto* instance = std::make_unique<steps>().release();
    return *instance;
  }

  void set(caf::actor_system& sys, step_function fn) {
    step_function old; // destroyed without the lock
    std::lock_guard guard{mutex_};
    auto pos = steps_.find(&sys);
    if (pos != steps_.end())
      old.swap(pos->second);
    if (fn)
      steps_.insert_or_assign(&sys, std::move(fn));
    else if (pos != steps_.end())
      steps_.erase(pos);
  }

  step_function of(caf::actor_system& sys) {
    std::lock_guard guard{mutex_};
    auto pos = steps_.find(&sys);
    return pos != steps_.end() ? pos->second : nullptr;
  }

private:
  std::mutex mutex_;
  std::map<caf::actor_system*, step_function> steps_;
};

} // namespace

std::shared_ptr<driver> driver_of(caf::actor_system& sys) {
  auto fn = steps::get().of(sys);
  if (!fn)
    fn = detail::step_of(sys);
  return fn ? std::make_shared<stepper>(sys, std::move(fn)) : nullptr;
}

void set_step(caf::actor_system& sys, std::function<bool()> step) {
  steps::get().set(sys, std::move(step));
}

} // namespace cafreg::seam
