#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Stand-ins for actors, so that the tables can be tested, and run under
// ThreadSanitizer, without an actor library.

namespace fake {

struct actor {
  std::atomic<bool> terminated{false};
  // References from nodes and borrowers; the tests own the actors, so that a
  // count that is not zero in the end is a leak and a negative one a bug.
  std::atomic<int64_t> strong{0};
  std::atomic<int64_t> weak{0};
  int id = 0;
};

struct actors {
  using type = actor;

  static void acquire(actor* ptr, bool strong) {
    (strong ? ptr->strong : ptr->weak).fetch_add(1);
  }

  static void release(actor* ptr, bool strong) {
    (strong ? ptr->strong : ptr->weak).fetch_sub(1);
  }

  static bool borrow(actor* ptr, bool strong) {
    if (!strong && ptr->terminated)
      return false;
    ptr->strong.fetch_add(1);
    return true;
  }

  static void prefetch(const actor*) {
    // nop
  }

  static bool dead(const actor* ptr) {
    return ptr->terminated.load();
  }
};

// Records what the table tells its observer.
struct observer {
  struct cause {
    std::string why;
  };

  struct event {
    bool registered;
    size_t shard;
    std::string key;
    actor* who;
    int value;
    std::string why;
  };

  struct monitor {
    observer* self;
    actor* watched;

    void start() noexcept {
      std::lock_guard guard{self->mutex};
      self->monitored.push_back(watched);
    }

    void stop() noexcept {
      std::lock_guard guard{self->mutex};
      std::erase(self->monitored, watched);
    }
  };

  struct inheritance {
    fake::actor* actor;
    int value;
  };

  bool recording = false;
  std::mutex mutex;
  std::vector<event> events;
  std::vector<actor*> monitored;
  std::vector<inheritance> heirs;
  std::atomic<bool> any_heirs{false};
  std::atomic<int> garbage_calls{0};

  monitor monitor_for(actor* ptr) {
    return {this, ptr};
  }

  static cause cause_of_death(actor*) {
    return {"down"};
  }

  bool has_heirs() const {
    return any_heirs;
  }

  template <class Key>
  std::optional<inheritance> heir(size_t, const Key&) {
    std::lock_guard guard{mutex};
    if (heirs.empty())
      return std::nullopt;
    auto result = heirs.front();
    heirs.erase(heirs.begin());
    return result;
  }

  template <class Key>
  void add(bool registered, size_t shard, const Key& key, actor* who, int value,
           const cause& why) {
    if (!recording)
      return;
    std::lock_guard guard{mutex};
    if constexpr (std::is_convertible_v<const Key&, std::string_view>)
      events.push_back(
        {registered, shard, std::string{key}, who, value, why.why});
    else
      events.push_back(
        {registered, shard, std::to_string(key), who, value, why.why});
  }

  template <class Key>
  void registered(size_t shard, const Key& key, actor* who, int value,
                  const cause& why) {
    add(true, shard, key, who, value, why);
  }

  template <class Key>
  void unregistered(size_t shard, const Key& key, actor* who, int value,
                    const cause& why, bool = false) {
    add(false, shard, key, who, value, why);
  }

  void garbage() {
    ++garbage_calls;
  }
};

} // namespace fake
