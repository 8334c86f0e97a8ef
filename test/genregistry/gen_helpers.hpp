#pragma once

#include "cafreg/genregistry.hpp"

#include "registry/caf_helpers.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What the tests of the registry of workers have in common.

namespace gen_test {

using namespace caf_test;

using workers_type = cafreg::gen_registry<std::string>;

using workers_ref = cafreg::gen_registry_ref<std::string>;

/// A statically typed actor that answers a number with a text.
using greeter
  = caf::typed_actor<cafreg::detail::message_signature<std::string(int)>::type>;

/// Counts the workers of a test.
struct census {
  std::atomic<int> born{0};
  std::atomic<int> gone{0};

  int living() const {
    return born - gone;
  }
};

using census_ptr = std::shared_ptr<census>;

/// Is counted as long as it exists.
class citizen {
public:
  explicit citizen(census_ptr in) : in_(std::move(in)) {
    ++in_->born;
  }

  citizen(const citizen&) = delete;

  citizen& operator=(const citizen&) = delete;

  ~citizen() {
    ++in_->gone;
  }

private:
  census_ptr in_;
};

/// One id's workers, seen from inside: whether two are there at a time.
class place {
public:
  /// A factory's part: spawns a worker that is there from its first message to
  /// the end of its last one.
  caf::actor settle(caf::actor_system& sys, census_ptr in) {
    return sys.spawn([this, in](caf::event_based_actor*) -> caf::behavior {
      auto here = std::make_shared<stay>(*this, in);
      return {[here](int x) { return x; }};
    });
  }

  bool crowded() const {
    return crowded_;
  }

private:
  class stay {
  public:
    stay(place& at, census_ptr in) : at_(at), counted_(std::move(in)) {
      if (++at_.inside_ > 1)
        at_.crowded_ = true;
    }

    stay(const stay&) = delete;

    stay& operator=(const stay&) = delete;

    ~stay() {
      --at_.inside_;
    }

  private:
    place& at_;
    citizen counted_;
  };

  std::atomic<int> inside_{0};
  std::atomic<bool> crowded_{false};
};

/// A factory for workers that are counted and answer a number with the number.
inline auto counted(census_ptr in) {
  return [in](caf::actor_system& sys, const auto&) {
    return spawn_holding(sys, std::make_shared<citizen>(in));
  };
}

inline std::string code_of(const cafreg::attempt& x) {
  return caf_test::code_of(x.error());
}

using caf_test::code_of;

/// Sends a number to a worker and waits for its answer.
template <class Ref>
int ask_number(Ref& workers, const typename Ref::id_type& id, int number) {
  caf::scoped_actor self{workers.system()};
  auto result = -1;
  workers.request(self, id, patience, number)
    .receive([&](int x) { result = x; }, [](const caf::error&) {});
  return result;
}

/// Takes no notice of exit messages, but for one that kills.
inline caf::behavior stubborn(caf::event_based_actor* self) {
  return cafreg::detail::ignoring_exits(self, idle(self));
}

} // namespace gen_test
