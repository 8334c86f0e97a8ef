// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/keeper.hpp"

#include <chrono>
#include <cstddef>
#include <utility>

#include "cafreg/types.hpp"

namespace cafreg::detail {

namespace {

// After the registry was closed: how often to look whether the last reader of
// an entry has gone.
constexpr auto retry_delay = std::chrono::milliseconds{1};

// A crowd of deaths must not keep its thread from the keepers of other
// registries.
class keeper_actor : public looped_actor {
public:
  keeper_actor(caf::actor_config& cfg, std::shared_ptr<core_base> core)
    : looped_actor(cfg, core->watch_thread().loop()),
      thread_(core->watch_thread()),
      core_(std::move(core)) {
    // The core holds this actor, which therefore must not hold the core. Not in
    // on_exit: an actor that still has messages when its system ends is ended
    // without that.
    attach_functor([this] {
      core_.reset();
      if (held_)
        let_end(system());
      thread_.leave();
    });
  }

  const char* name() const override {
    return "cafreg.keeper";
  }

protected:
  caf::behavior make_behavior() override {
    caf::behavior others{
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
          held_ = core_->driver() == nullptr;
          closing_ = std::exchange(core_, nullptr);
        }
        if (auto core = closing_.lock(); core && core->flush_closed())
          post_later(system(), add_reference(ctrl()), retry_delay,
                     caf::make_message(close_request{}));
        else
          quit();
      },
    };
    // Whoever gets hold of a keeper cannot end it.
    return with_down_handler(
      this, [this](const caf::down_msg& msg) { clean_up(msg); },
      ignoring_exits(this, std::move(others)));
  }

private:
  void clean_up(const caf::down_msg& msg) {
    if (!core_)
      return;
    try {
      core_->actor_down(caf::actor_cast<caf::actor_control_block*>(msg.source),
                        msg.reason);
    } catch (...) {
      // Out of memory, or a key that cannot be copied: a keeper must not end,
      // the next time may be better.
      try_again(msg);
    }
  }

  void try_again(const caf::down_msg& msg) {
    try {
      post_later(system(), add_reference(ctrl()), again_delay,
                 caf::make_message(msg));
    } catch (...) {
      // Not even memory for that: this one actor stays, the keeper goes on.
    }
  }

  seam::watch_thread thread_;
  std::shared_ptr<core_base> core_;
  std::weak_ptr<core_base> closing_;
  // Whether the system waits for this actor.
  bool held_ = false;
};

} // namespace

caf::strong_actor_ptr spawn_keeper(std::shared_ptr<core_base> core) {
  auto& sys = core->system();
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<keeper_actor, caf::hidden + caf::lazy_init>(std::move(core)));
}

} // namespace cafreg::detail
