#pragma once

#include "cafreg/detail/topic.hpp"

#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <new>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

// What the tests of topics have in common: payloads and memory that notice what
// is done to them.

namespace topics {

using cafreg::detail::topic;

// -- an allocator that counts and fails on demand -----------------------------

struct memory {
  static inline size_t blocks = 0;
  static inline size_t bytes = 0;
  // Allocations that still succeed, negative: all.
  static inline int budget = -1;
};

template <class T>
struct test_allocator {
  using value_type = T;
  using is_always_equal = std::true_type;

  test_allocator() = default;

  template <class U>
  explicit test_allocator(const test_allocator<U>&) noexcept {
    // nop
  }

  T* allocate(size_t n) {
    if (memory::budget == 0)
      throw std::bad_alloc{};
    if (memory::budget > 0)
      --memory::budget;
    ++memory::blocks;
    memory::bytes += n * sizeof(T);
    return std::allocator<T>{}.allocate(n);
  }

  void deallocate(T* ptr, size_t n) noexcept {
    --memory::blocks;
    memory::bytes -= n * sizeof(T);
    std::allocator<T>{}.deallocate(ptr, n);
  }
};

// -- a payload that notices what is done to it --------------------------------

struct record {
  uint32_t pos = 0;
  uint64_t id = 0;
};

// Stands for an entry with an actor handle: `id` is 0 when there is none.
class token {
public:
  static inline std::atomic<int64_t> copies{0};
  // Destroyed while still holding something, wherever that happened.
  static inline std::atomic<int64_t> dropped{0};
  // Copies that still succeed, negative: all.
  static inline std::atomic<int64_t> copy_budget{-1};

  static constexpr uint64_t poison = 0xDEADDEADDEADDEAD;

  static void reset() {
    copies = 0;
    dropped = 0;
    copy_budget = -1;
  }

  explicit token(record* owner) : owner_(owner), id_(owner->id) {
    // nop
  }

  token(const token& other) : owner_(other.owner_), id_(other.id_) {
    if (copy_budget == 0)
      throw std::runtime_error("copy");
    if (copy_budget > 0)
      --copy_budget;
    ++copies;
  }

  token(token&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      id_(std::exchange(other.id_, 0)) {
    // nop
  }

  token& operator=(token other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(id_, other.id_);
    return *this;
  }

  ~token() {
    if (id_ != 0)
      ++dropped;
    id_ = poison;
  }

  uint64_t id() const noexcept {
    return id_;
  }

  record* owner() const noexcept {
    return owner_;
  }

  // Ends the token in an orderly way.
  uint64_t consume() noexcept {
    return std::exchange(id_, 0);
  }

private:
  record* owner_;
  uint64_t id_;
};

using token_topic = topic<token, test_allocator<token>>;

using snapshot = token_topic::snapshot;

inline void fix(token& x, uint32_t pos) {
  x.owner()->pos = pos;
}

struct small_entry {
  void* handle;
  int64_t value;
  void* owner;
};

static_assert(sizeof(topic<small_entry>) <= 152);
static_assert(std::forward_iterator<token_topic::iterator>);
static_assert(std::sentinel_for<std::default_sentinel_t, //
                                token_topic::iterator>);
static_assert(std::ranges::forward_range<token_topic::view>);

// A topic, its trash and the records of all entries.
struct fixture {
  fixture() {
    token::reset();
    REQUIRE(memory::blocks == 0);
    memory::budget = -1;
  }

  ~fixture() {
    for (auto& x : trash)
      x.consume();
  }

  record& add() {
    auto& x = records.emplace_back();
    x.id = records.size();
    x.pos = uut.add(token{&x});
    return x;
  }

  void add(size_t n) {
    for (size_t i = 0; i < n; ++i)
      add();
  }

  void remove(record& x) {
    uut.remove(x.pos, trash, fix);
  }

  void open(snapshot& x) {
    uut.open(x);
  }

  // Closes and does not reclaim.
  bool close(snapshot& x) {
    return uut.close(x, trash, fix);
  }

  void reclaim() {
    while (uut.reclaim(trash, fix, 16)) {
      // nop
    }
  }

  std::vector<uint64_t> walk(const snapshot& x) const {
    std::vector<uint64_t> result;
    uut.for_each(x, [&](const token& y) { result.push_back(y.id()); });
    std::sort(result.begin(), result.end());
    return result;
  }

  std::vector<uint64_t> range(const snapshot& x) const {
    std::vector<uint64_t> result;
    for (auto& y : uut.range(x))
      result.push_back(y.id());
    std::sort(result.begin(), result.end());
    return result;
  }

  // Empties the trash.
  std::vector<uint64_t> handed() {
    std::vector<uint64_t> result;
    for (auto& x : trash)
      result.push_back(x.consume());
    trash.clear();
    std::sort(result.begin(), result.end());
    return result;
  }

  // Addresses of records stay.
  std::deque<record> records;
  std::vector<token> trash;
  token_topic uut;
};

using ids = std::vector<uint64_t>;

inline ids iota(uint64_t first, uint64_t last) {
  ids result;
  for (auto i = first; i <= last; ++i)
    result.push_back(i);
  return result;
}

} // namespace topics
