// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/front.hpp"

#include <atomic>
#include <utility>

#include "cafreg/seam/driving.hpp"
#include "cafreg/seam/threads.hpp"

namespace cafreg::detail {

namespace {

class front_actor final : public looped_actor {
public:
  front_actor(caf::actor_config& cfg, seam::actor_thread thread,
              std::string name, front_operations operations)
    : looped_actor(cfg, thread.loop()),
      thread_(std::move(thread)),
      name_(std::move(name)),
      closed_(make_error(errc::closed, name_, {}, "the registry is closed")),
      last_(envelope(caf::make_message(close_request{}))),
      operations_(std::move(operations)) {
    attach_functor([this] {
      thread_.leave();
      let_go();
    });
  }

  const char* name() const override {
    return "cafreg.front";
  }

  void close() {
    if (state_.fetch_or(closing) == 0)
      end();
  }

protected:
  // CAF answers what is sent to an actor that has ended, but not what is wrong.
  // So nothing comes behind the message that ends this one: it is sent by
  // whoever is the last of those that were let in before.
  bool receive(caf::mailbox_element_ptr& what,
               cafreg::detail::execution_context* ctx) override {
    auto state = state_.load();
    do {
      if ((state & closing) != 0) {
        detail::bounce(*what, closed_);
        return false;
      }
    } while (!state_.compare_exchange_weak(state, state + sender));
    auto kept = looped_actor::receive(what, ctx);
    if (state_.fetch_sub(sender) == (sender | closing))
      end();
    return kept;
  }

  caf::behavior make_behavior() override {
    on_any_message(this, make_error(errc::bad_request, name_, {},
                                    "no operation takes such a message"));
    // They hold a reference to the registry, which must go with the behavior.
    auto operations = std::exchange(operations_, nullptr);
    return ignoring_exits(
      this, operations(this, open_).or_else([this](close_request) {
        answer_all(closed_);
        quit();
      }));
  }

  // CAF 0.17 tells nobody that a promise will not be kept.
  void on_exit() override {
    answer_all(caf::make_error(caf::sec::request_receiver_down));
  }

private:
  void answer_all(const caf::error& what) {
    for (auto& [id, promise] : std::exchange(open_, {}))
      promise.deliver(what);
  }

  void end() {
    hold();
    looped_actor::receive(last_, nullptr);
  }

  static constexpr uint64_t closing = 1;
  static constexpr uint64_t sender = 2;

  seam::actor_thread thread_;
  const std::string name_;
  const caf::error closed_;
  caf::mailbox_element_ptr last_;
  front_operations operations_;
  promises open_;
  // Whether it is closed, and how many senders are just putting a message into
  // the mailbox.
  std::atomic<uint64_t> state_{0};
};

} // namespace

caf::strong_actor_ptr spawn_front(caf::actor_system& sys, std::string name,
                                  front_operations operations) {
  return caf::actor_cast<caf::strong_actor_ptr>(
    sys.spawn<front_actor, caf::hidden + caf::lazy_init>(
      seam::actor_thread::of(sys, seam::driver_of(sys).get(),
                             seam::duty::answer),
      std::move(name), std::move(operations)));
}

void close_front(const caf::strong_actor_ptr& front) {
  static_cast<front_actor*>(front->get())->close();
}

} // namespace cafreg::detail
