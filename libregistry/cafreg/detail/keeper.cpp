// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/keeper.hpp"

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "cafreg/types.hpp"

namespace cafreg::detail {

namespace {

// After the registry was closed: how often to look whether the last reader of
// an entry has gone.
constexpr auto retry_delay = std::chrono::milliseconds{1};

// How many deaths a keeper takes at a time: a crowd must not keep its thread
// from the keepers of other registries.
constexpr size_t share = 4;

class keeper_actor : public looped_actor {
public:
  keeper_actor(caf::actor_config& cfg, std::shared_ptr<core_base> core,
               deaths_ptr work)
    : looped_actor(cfg, core->watch_thread().loop()),
      thread_(core->watch_thread()),
      core_(std::move(core)),
      work_(std::move(work)) {
    // The core holds this actor, which therefore must not hold the core. Not in
    // on_exit: an actor that still has messages when its system ends is ended
    // without that.
    attach_functor([this] {
      core_.reset();
      thread_.leave();
      let_go();
    });
  }

  const char* name() const override {
    return "cafreg.keeper";
  }

protected:
  caf::behavior make_behavior() override {
    caf::behavior others{
      [this](deaths_noticed) { clean_up(); },
      [this](deaths_noticed, try_again) {
        work_->recall();
        clean_up();
      },
      [this](flush_request) {
        if (core_)
          core_->on_flush();
      },
      [this](deadline_passed, int64_t which) {
        if (core_)
          core_->on_deadline(which);
      },
      [this](close_request) {
        // The core must not live on because of us: then nothing is left to
        // free that its destructor would not.
        if (core_) {
          exported_ = core_->take_exported();
          closing_ = std::exchange(core_, nullptr);
        }
        if (auto core = closing_.lock(); core && core->flush_closed())
          post_later(system(), add_reference(ctrl()), retry_delay,
                     caf::make_message(close_request{}));
        else
          end();
      },
    };
    // Whoever gets hold of a keeper cannot end it.
    return ignoring_exits(this, std::move(others));
  }

private:
  void clean_up() {
    if (!core_)
      return;
    do
      for (size_t i = 0; i < share; ++i) {
        auto next = work_->take_or_sleep();
        if (!next)
          return;
        core_->clean_up(*work_, std::move(next));
      }
    while (!work_->go_on());
  }

  // Nothing of the registry keeps an actor any more.
  void end() {
    for (auto& who : std::exchange(exported_, {}))
      end_export(system(), who);
    quit();
  }

  seam::actor_thread thread_;
  std::shared_ptr<core_base> core_;
  const deaths_ptr work_;
  std::weak_ptr<core_base> closing_;
  std::vector<weak_actor> exported_;
};

} // namespace

void end_keeper(const caf::strong_actor_ptr& keeper) {
  static_cast<keeper_actor*>(keeper->get())->hold();
  post(keeper.get(), caf::make_message(close_request{}));
}

caf::strong_actor_ptr spawn_keeper(std::shared_ptr<core_base> core,
                                   deaths_ptr work) {
  auto& sys = core->system();
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<keeper_actor, caf::hidden + caf::lazy_init>(std::move(core),
                                                          std::move(work)));
}

} // namespace cafreg::detail
