#pragma once

#include "registry/caf_helpers.hpp"

#include <memory>
#include <vector>

// What the tests of wishes have in common: a registry, a recorder that may be
// told of them, and three actors that may hold names.

namespace interests_test {

using namespace caf_test;

struct fixture : world {
  explicit fixture(size_t workers = 0) : world(workers) {
    // nop
  }

  names_type names{sys, {.name = "app"}};
  journal_ptr log = std::make_shared<journal>();
  caf::actor recorder = spawn_recorder(sys, log);
  caf::actor a = sys.spawn(idle);
  caf::actor b = sys.spawn(idle);
  caf::actor c = sys.spawn(idle);

  ~fixture() {
    names.close();
    for (auto& x : {recorder, a, b, c})
      kill(x);
  }

  // The holders that a watcher was told of, 0 for nobody.
  std::vector<caf::actor_id> states(size_t count) {
    std::vector<caf::actor_id> result;
    for (auto& x : log->wait_for(count))
      if (x.what == event::kind::state)
        result.push_back(x.holder);
    return result;
  }

  // Comes back when the recorder has handled all that was sent to it before.
  void settle() {
    caf::scoped_actor self{sys};
    cafreg::detail::request(self.ptr(), recorder, patience, 1)
      .receive([](int) {}, [](const caf::error&) {});
  }
};

using ids = std::vector<caf::actor_id>;

} // namespace interests_test
