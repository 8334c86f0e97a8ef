#pragma once

#include "registry/caf_helpers.hpp"
#include "registry/heap.hpp"
#include "registry/public_functions.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

/// Cycles: what begins and ends, again and again, leaves nothing behind.

namespace cycling {

/// How often each cycle runs: `CAFREG_CYCLES`, as tools/test --cycles sets it.
inline size_t count() {
  auto* wanted = std::getenv("CAFREG_CYCLES");
  return wanted != nullptr ? std::strtoul(wanted, nullptr, 10)
                           : effort(20'000, 300);
}

/// For how long each half of them runs at least, however fast they are.
inline std::chrono::milliseconds least_half() {
  return std::chrono::milliseconds{effort(1000, 0)};
}

/// Returns when less than a few dozen threads are left: those that end must not
/// pile up, for a process may have so many and no more.
inline void await_threads() {
  namespace fs = std::filesystem;
  caf_test::wait_until([] {
    std::error_code none; // or it is no Linux
    auto all = fs::directory_iterator{"/proc/self/task", none};
    return none || std::distance(begin(all), end(all)) < 50;
  });
}

/// Runs `cycle()` so often. Returns whether less than a byte for each stays in
/// use over the second half. What threads and tables keep for the next time is
/// a few kilobytes once: the question is put again for twice as many before the
/// answer is no.
/// @param settle Returns when nothing is under way any more.
template <class Cycle, class Settle>
bool leaves_nothing(size_t times, Cycle&& cycle, Settle&& settle) {
  auto half = times / 2;
  // Returns how many there were, and what is in use after them.
  auto run = [&] {
    ptrdiff_t count = 0;
    auto begin = std::chrono::steady_clock::now();
    do
      for (size_t i = 0; i < half; ++i, ++count)
        cycle();
    while (std::chrono::steady_clock::now() - begin < least_half());
    settle();
    return std::pair{count, static_cast<ptrdiff_t>(heap::in_use())};
  };
  auto before = run().second;
  for (auto attempt = 0; attempt < 4; ++attempt) {
    auto [count, after] = run();
    if (after - before < count)
      return true;
    before = after;
    half *= 2;
  }
  return !heap::measurable;
}

/// What a cycle returns is of no interest but for whether it succeeded.
template <class T>
void must(const T& x) {
  if (!x)
    throw std::logic_error{"a cycle failed"};
}

inline void must_not(const caf::error& x) {
  if (cafreg::detail::failed(x))
    throw std::logic_error{"a cycle failed: " + cafreg::to_text(x)};
}

/// An actor that takes no notice of what registries say.
inline caf::actor spawn_silent(caf::actor_system& sys) {
  return sys.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](const cafreg::name_state&) {}, [](const cafreg::awaited&) {},
            [](const cafreg::registered&) {},
            [](const cafreg::unregistered&) {}, [](int x) { return x; }};
  });
}

/// Until an actor has handled what it was sent.
inline void drain(caf::actor_system& sys, const caf::actor& who) {
  caf::scoped_actor self{sys};
  cafreg::detail::request(self.ptr(), who, caf_test::patience, 1)
    .receive([](int) {}, [](const caf::error&) {});
}

/// Functions of the public API, and the cycles that they are part of.
class list {
public:
  /// @param functions Those that the cycle is about, separated by blanks.
  void add(const std::string& functions, std::function<void()> cycle) {
    cover(functions);
    cycles_.emplace_back(functions, std::move(cycle));
  }

  /// Notes those that begin nothing.
  void none(const std::string& functions) {
    cover(functions);
  }

  /// Checks that no function of a class is missing, and none too many.
  void
  compare(const std::vector<std::pair<std::string, std::string>>& classes) {
    std::set<std::string> all;
    for (auto& [header, name] : classes) {
      auto found = public_functions::of(header, name);
      CHECK_FALSE(found.empty());
      all.insert(found.begin(), found.end());
    }
    all.erase("decltype");
    std::set<std::string> covered;
    for (auto& x : covered_)
      covered.insert(x);
    CHECK(covered == all);
  }

  template <class Settle>
  void run(size_t times, Settle settle) {
    for (auto& [functions, cycle] : cycles_) {
      INFO(functions);
      CHECK(leaves_nothing(times, cycle, settle));
    }
  }

private:
  void cover(const std::string& functions) {
    std::istringstream in{functions};
    for (std::string name; in >> name;)
      covered_.insert(name);
  }

  std::vector<std::pair<std::string, std::function<void()>>> cycles_;
  std::set<std::string> covered_;
};

} // namespace cycling
