// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/topic.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <ranges>
#include <set>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

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

void fix(token& x, uint32_t pos) {
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

ids iota(uint64_t first, uint64_t last) {
  ids result;
  for (auto i = first; i <= last; ++i)
    result.push_back(i);
  return result;
}

} // namespace

TEST_CASE("a new topic is empty and needs no memory") {
  fixture f;
  CHECK(f.uut.empty());
  CHECK(f.uut.vacant());
  CHECK(f.uut.size() == 0);
  CHECK(f.uut.capacity_end() == 0);
  snapshot s;
  f.open(s);
  CHECK(s.empty());
  CHECK(f.walk(s) == ids{});
  CHECK(f.range(s) == ids{});
  CHECK(f.uut.range(s).empty());
  CHECK(f.uut.range(s).begin() == f.uut.range(s).end());
  CHECK_FALSE(f.uut.vacant());
  CHECK_FALSE(f.close(s));
  CHECK(f.uut.vacant());
  f.add();
  CHECK(memory::blocks == 0);
  f.uut.clear(f.trash);
}

TEST_CASE("entries are found at their positions and in snapshots") {
  fixture f;
  // Past the borders of several segments.
  f.add(100);
  CHECK(f.uut.size() == 100);
  CHECK(f.uut.capacity_end() == 100);
  for (auto& x : f.records)
    CHECK(f.uut.at(x.pos).id() == x.id);
  snapshot s;
  f.open(s);
  CHECK(s.size() == 100);
  CHECK(f.walk(s) == iota(1, 100));
  CHECK(f.range(s) == iota(1, 100));
  CHECK(f.uut.range(s).size() == 100);
  CHECK(std::ranges::distance(f.uut.range(s)) == 100);
  // Multi-pass: a copy goes its own way.
  auto view = f.uut.range(s);
  auto i = view.begin();
  auto j = i++;
  CHECK(i != j);
  CHECK(++j == i);
  CHECK(i->id() == (*j).id());
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(1, 100));
  CHECK(f.uut.vacant());
  CHECK(token::copies == 0);
  CHECK(token::dropped == 0);
}

TEST_CASE("a removed entry is handed over at once when nobody can see it") {
  fixture f;
  f.add(3);
  f.remove(f.records[1]);
  CHECK(f.handed() == ids{2});
  CHECK(f.uut.size() == 2);
  SECTION("and its slot is used again") {
    auto end = f.uut.capacity_end();
    f.add();
    CHECK(f.uut.capacity_end() == end);
    CHECK(f.uut.size() == 3);
  }
  SECTION("also beside a snapshot that was opened before it was added") {
    snapshot s;
    f.open(s);
    auto end = f.uut.capacity_end();
    for (auto i = 0; i < 1000; ++i)
      f.remove(f.add());
    CHECK(f.handed() == iota(4, 1003));
    CHECK(f.uut.capacity_end() <= end + 1);
    CHECK(f.walk(s) == ids{1, 3});
    CHECK_FALSE(f.close(s));
  }
  f.uut.clear(f.trash);
}

TEST_CASE("a snapshot neither loses nor gains entries") {
  fixture f;
  f.add(10);
  snapshot s;
  f.open(s);
  f.remove(f.records[3]);
  f.remove(f.records[9]);
  f.add(5);
  CHECK(f.handed() == ids{});
  CHECK(f.walk(s) == iota(1, 10));
  CHECK(f.range(s) == iota(1, 10));
  CHECK(s.size() == 10);
  CHECK(f.uut.size() == 13);
  CHECK_FALSE(f.uut.vacant());
  snapshot t;
  f.open(t);
  CHECK(f.walk(t) == ids{1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15});
  CHECK_FALSE(f.close(t));
  CHECK(f.handed() == ids{});
  CHECK_FALSE(f.close(s));
  CHECK(f.handed() == ids{4, 10});
  f.uut.clear(f.trash);
}

TEST_CASE("a slot is not used again while a snapshot has its entry") {
  fixture f;
  f.add(4);
  snapshot s;
  f.open(s);
  for (auto i = 0u; i < 4; ++i)
    f.remove(f.records[i]);
  CHECK(f.uut.empty());
  f.add(4);
  CHECK(f.uut.capacity_end() == 8);
  CHECK(f.walk(s) == iota(1, 4));
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(1, 8));
}

TEST_CASE("an entry outlives a snapshot only when an older one has it") {
  fixture f;
  f.add(1);
  snapshot old;
  f.open(old);
  f.add(1);
  snapshot young;
  f.open(young);
  f.remove(f.records[0]);
  f.remove(f.records[1]);
  CHECK(f.walk(old) == ids{1});
  CHECK(f.walk(young) == ids{1, 2});
  SECTION("closing the younger first") {
    std::ignore = f.close(young);
    f.reclaim();
    CHECK(f.handed() == ids{2});
    CHECK(f.walk(old) == ids{1});
    std::ignore = f.close(old);
    f.reclaim();
    CHECK(f.handed() == ids{1});
  }
  SECTION("closing the older first") {
    std::ignore = f.close(old);
    f.reclaim();
    CHECK(f.handed() == ids{});
    CHECK(f.walk(young) == ids{1, 2});
    std::ignore = f.close(young);
    f.reclaim();
    CHECK(f.handed() == ids{1, 2});
  }
  CHECK(f.uut.vacant());
}

TEST_CASE("churn beside a snapshot that is never closed needs no memory") {
  fixture f;
  f.add(100);
  snapshot old;
  f.open(old);
  // The second snapshot has every entry that is removed, the first has none.
  for (auto i = 0; i < 10000; ++i) {
    auto& x = f.add();
    snapshot young;
    f.open(young);
    f.remove(x);
    std::ignore = f.close(young);
  }
  f.reclaim();
  CHECK(f.handed().size() == 10000);
  CHECK(f.uut.capacity_end() < 110);
  CHECK(f.walk(old) == iota(1, 100));
  CHECK_FALSE(f.close(old));
  f.uut.clear(f.trash);
}

TEST_CASE("closing is constant work and says when there is more") {
  fixture f;
  f.add(1000);
  snapshot s;
  f.open(s);
  for (auto& x : f.records)
    f.remove(x);
  CHECK(f.trash.empty());
  CHECK(f.close(s));
  CHECK(f.trash.size() < 10);
  CHECK_FALSE(f.uut.vacant());
  auto before = f.trash.size();
  CHECK(f.uut.reclaim(f.trash, fix, 50));
  CHECK(f.trash.size() == before + 50);
  SECTION("which a loop finishes") {
    f.reclaim();
  }
  SECTION("which later changes finish") {
    for (auto i = 0; i < 1000 && !f.uut.vacant(); ++i)
      f.remove(f.add());
    for (auto& x : f.trash)
      if (x.id() > 1000)
        x.consume();
    std::erase_if(f.trash, [](auto& x) { return x.id() == 0; });
  }
  SECTION("which clear finishes") {
    f.uut.clear(f.trash);
  }
  CHECK(f.handed() == iota(1, 1000));
  CHECK(f.uut.vacant());
  CHECK(f.uut.capacity_end() == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("clear leaves to snapshots what they have") {
  fixture f;
  f.add(20);
  snapshot s;
  f.open(s);
  f.add(20);
  f.uut.clear(f.trash);
  CHECK(f.handed() == iota(21, 40));
  CHECK(f.uut.empty());
  CHECK(f.walk(s) == iota(1, 20));
  f.add(1);
  CHECK(f.walk(s) == iota(1, 20));
  std::ignore = f.close(s);
  f.reclaim();
  CHECK(f.handed() == iota(1, 20));
  f.uut.clear(f.trash);
  CHECK(f.handed() == ids{41});
  CHECK(memory::blocks == 0);
}

TEST_CASE("the destructor destroys what is left") {
  token::reset();
  std::deque<record> records;
  std::vector<token> trash;
  {
    token_topic uut;
    for (auto i = 0u; i < 40; ++i) {
      auto& x = records.emplace_back();
      x.id = i + 1;
      x.pos = uut.add(token{&x});
    }
    snapshot s;
    uut.open(s);
    for (auto i = 0u; i < 20; ++i)
      uut.remove(records[i].pos, trash, fix);
    // Some of the dead wait for a trash, some are alive.
    CHECK(uut.close(s, trash, fix));
  }
  CHECK(token::dropped + static_cast<int64_t>(trash.size())
        == 40 + token::copies);
  CHECK(memory::blocks == 0);
  for (auto& x : trash)
    x.consume();
}

TEST_CASE("an exception of a visitor leaves the snapshot usable") {
  fixture f;
  f.add(50);
  snapshot s;
  f.open(s);
  auto n = 0;
  auto visit = [&](const token&) {
    if (++n == 30)
      throw std::runtime_error("visitor");
  };
  CHECK_THROWS_AS(f.uut.for_each(s, visit), std::runtime_error);
  CHECK(n == 30);
  f.remove(f.records[0]);
  CHECK(f.walk(s) == iota(1, 50));
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
}

TEST_CASE("an entry is replaced without a gap") {
  fixture f;
  f.add(10);
  snapshot before;
  f.open(before);
  auto& fresh = f.add();
  f.remove(f.records[4]);
  snapshot after;
  f.open(after);
  CHECK(f.walk(before) == iota(1, 10));
  CHECK(f.walk(after) == ids{1, 2, 3, 4, 6, 7, 8, 9, 10, fresh.id});
  std::ignore = f.close(before);
  std::ignore = f.close(after);
  f.uut.clear(f.trash);
}

// -- compaction ---------------------------------------------------------------

TEST_CASE("slots stay proportional to entries without snapshots") {
  fixture f;
  f.add(20000);
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  auto peak = memory::bytes;
  SECTION("removing at random") {
    std::shuffle(order.begin(), order.end(), std::mt19937{1});
  }
  SECTION("removing the oldest first") {
    // nop
  }
  SECTION("removing the newest first") {
    std::reverse(order.begin(), order.end());
  }
  while (order.size() > 200) {
    f.remove(*order.back());
    order.pop_back();
    if (f.uut.capacity_end() > 3 * f.uut.size() + 16)
      FAIL(f.uut.capacity_end() << " slots for " << f.uut.size());
  }
  CHECK(token::copies == 0);
  CHECK(memory::bytes < peak / 25);
  for (auto* x : order)
    REQUIRE(f.uut.at(x->pos).id() == x->id);
  while (!order.empty()) {
    f.remove(*order.back());
    order.pop_back();
  }
  CHECK(f.handed() == iota(1, 20000));
  CHECK(f.uut.capacity_end() == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("slots become proportional to entries after a long snapshot") {
  fixture f;
  f.add(10000);
  snapshot s;
  f.open(s);
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  std::shuffle(order.begin(), order.end(), std::mt19937{2});
  while (order.size() > 100) {
    f.remove(*order.back());
    order.pop_back();
  }
  CHECK(f.walk(s) == iota(1, 10000));
  CHECK(f.uut.capacity_end() == 10000);
  std::ignore = f.close(s);
  SECTION("by reclaiming") {
    f.reclaim();
  }
  SECTION("by later changes") {
    for (auto i = 0; i < 10000; ++i)
      f.remove(f.add());
  }
  CHECK(f.uut.size() == 100);
  CHECK(f.uut.capacity_end() <= 3 * 100 + 16);
  CHECK(memory::bytes < 300 * 2 * 64);
  for (auto* x : order)
    REQUIRE(f.uut.at(x->pos).id() == x->id);
  f.uut.clear(f.trash);
}

TEST_CASE("compaction makes progress though some snapshot is always open") {
  fixture f;
  f.add(4096);
  std::array<snapshot, 2> s;
  f.open(s[0]);
  auto n = 0u;
  std::mt19937 rng{3};
  std::vector<record*> order;
  for (auto& x : f.records)
    order.push_back(&x);
  std::shuffle(order.begin(), order.end(), rng);
  while (order.size() > 50) {
    f.remove(*order.back());
    order.pop_back();
    if (rng() % 64 == 0) {
      f.open(s[++n % 2]);
      std::ignore = f.close(s[(n + 1) % 2]);
    }
  }
  for (auto i = 0; i < 40; ++i) {
    f.open(s[++n % 2]);
    std::ignore = f.close(s[(n + 1) % 2]);
    f.reclaim();
    CHECK(f.walk(s[n % 2]).size() == 50);
  }
  CHECK(f.uut.capacity_end() <= 3 * 50 + 16);
  // Entries that a snapshot had were copied, and all copies were handed over.
  CHECK(token::copies > 0);
  CHECK_FALSE(f.close(s[n % 2]));
  f.uut.clear(f.trash);
  CHECK(f.handed().size() == 4096u + static_cast<size_t>(token::copies));
  CHECK(token::dropped == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("entries go back and forth over a border without allocating") {
  fixture f;
  f.add(127);
  std::ignore = f.add();
  auto bytes = memory::bytes;
  memory::budget = 0;
  for (auto i = 0; i < 100; ++i) {
    f.remove(f.records.back());
    CHECK(f.uut.capacity_end() == 127);
    std::ignore = f.add();
    CHECK(memory::bytes == bytes);
  }
  memory::budget = -1;
  f.uut.clear(f.trash);
}

// -- failures -----------------------------------------------------------------

TEST_CASE("add changes nothing when there is no memory") {
  fixture f;
  for (size_t n = 1; n < 200; ++n) {
    record r;
    r.id = 1'000'000;
    token x{&r};
    memory::budget = 0;
    auto failed = false;
    auto size = f.uut.size();
    auto end = f.uut.capacity_end();
    try {
      // Not `std::move`, after which tools forbid a look at `x`.
      r.pos = f.uut.add(static_cast<token&&>(x));
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    memory::budget = -1;
    if (failed) {
      CHECK(f.uut.size() == size);
      CHECK(f.uut.capacity_end() == end);
      CHECK(x.consume() == 1'000'000);
      // Exactly when a segment is full.
      CHECK(((size + 1) & size) == 0);
      f.uut.reserve_next();
      memory::budget = 0;
    } else {
      f.remove(r);
      f.trash.back().consume();
      f.trash.pop_back();
    }
    f.add();
    memory::budget = -1;
    snapshot s;
    f.open(s);
    CHECK(f.walk(s) == iota(1, n));
    CHECK_FALSE(f.close(s));
  }
  f.uut.clear(f.trash);
}

TEST_CASE("compaction does not happen while copies fail") {
  fixture f;
  f.add(1000);
  // Dead ones in front, live ones at the end that a snapshot has.
  for (auto i = 0u; i < 499; ++i)
    f.remove(f.records[i]);
  auto end = f.uut.capacity_end();
  REQUIRE(end == 1000);
  snapshot s;
  f.open(s);
  token::copy_budget = 0;
  for (auto i = 499u; i < 900; ++i)
    f.remove(f.records[i]);
  // Not an endless loop either.
  f.reclaim();
  CHECK(f.uut.capacity_end() == end);
  CHECK(f.walk(s) == iota(500, 1000));
  snapshot t;
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  token::copy_budget = 7;
  f.reclaim();
  CHECK(token::copies == 7);
  CHECK(f.walk(s) == iota(500, 1000));
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  // Without a snapshot entries are moved, not copied.
  std::ignore = f.close(s);
  f.reclaim();
  CHECK(token::copies == 7);
  CHECK(f.uut.capacity_end() <= 3 * 100 + 16);
  f.open(t);
  CHECK(f.walk(t) == iota(901, 1000));
  std::ignore = f.close(t);
  f.uut.clear(f.trash);
  CHECK(f.handed().size() == 1007);
  CHECK(token::dropped == 0);
}

TEST_CASE("no payload is lost when the trash has no memory") {
  struct failing_trash {
    void push_back(token&& x) {
      if (budget == 0)
        throw std::bad_alloc{};
      --budget;
      items.push_back(std::move(x));
    }
    size_t budget;
    std::vector<token> items;
  };
  fixture f;
  f.add(100);
  failing_trash trash{0, {}};
  for (auto i = 0u; i < 50; ++i)
    f.uut.remove(f.records[i].pos, trash, fix);
  CHECK(f.uut.size() == 50);
  CHECK_FALSE(f.uut.reclaim(trash, fix, 10));
  snapshot s;
  f.open(s);
  CHECK(f.walk(s) == iota(51, 100));
  CHECK_FALSE(f.uut.close(s, trash, fix));
  trash.budget = 30;
  while (f.uut.reclaim(trash, fix, 10)) {
    // nop
  }
  CHECK(trash.items.size() == 30);
  f.uut.clear(trash);
  CHECK(f.uut.empty());
  CHECK_FALSE(f.uut.vacant());
  trash.budget = 1000;
  while (f.uut.reclaim(trash, fix, 10)) {
    // nop
  }
  CHECK(f.uut.vacant());
  std::set<uint64_t> seen;
  for (auto& x : trash.items)
    seen.insert(x.consume());
  CHECK(trash.items.size() == 100);
  CHECK(seen.size() == 100);
  CHECK(token::dropped == 0);
}

// -- against a model ----------------------------------------------------------

namespace {

// Does random things to a topic and to a set of ids.
struct model : fixture {
  explicit model(uint32_t seed) : rng(seed) {
    // nop
  }

  struct reader {
    snapshot cut;
    ids expected;
  };

  size_t pick(size_t n) {
    return std::uniform_int_distribution<size_t>{0, n - 1}(rng);
  }

  bool chance(unsigned percent) {
    return pick(100) < percent;
  }

  void add_one() {
    auto& x = add();
    live.push_back(&x);
  }

  void remove_one() {
    auto i = pick(live.size());
    // Mostly at random, sometimes the newest or the oldest.
    if (chance(10))
      i = chance(50) ? 0 : live.size() - 1;
    auto* x = live[i];
    live[i] = live.back();
    live.pop_back();
    remove(*x);
  }

  void open_one() {
    auto& x = *readers.emplace_back(std::make_unique<reader>());
    for (auto* y : live)
      x.expected.push_back(y->id);
    std::sort(x.expected.begin(), x.expected.end());
    open(x.cut);
  }

  void close_one() {
    auto i = pick(readers.size());
    std::swap(readers[i], readers.back());
    check(*readers.back());
    std::ignore = close(readers.back()->cut);
    readers.pop_back();
  }

  void check(const reader& x) {
    REQUIRE(x.cut.size() == x.expected.size());
    REQUIRE(walk(x.cut) == x.expected);
    REQUIRE(range(x.cut) == x.expected);
  }

  void check() {
    REQUIRE(uut.size() == live.size());
    for (auto* x : live) {
      REQUIRE(x->pos < uut.capacity_end());
      REQUIRE(uut.at(x->pos).id() == x->id);
      REQUIRE(uut.at(x->pos).owner() == x);
    }
    for (auto& x : readers)
      check(*x);
    for (auto id : handed())
      ++given[id];
  }

  void finish() {
    while (!readers.empty())
      close_one();
    reclaim();
    check();
    REQUIRE(uut.capacity_end() <= 3 * live.size() + 16);
    uut.clear(trash);
    for (auto id : handed())
      ++given[id];
    int64_t total = 0;
    for (auto& x : records) {
      REQUIRE(given[x.id] >= 1);
      total += given[x.id];
    }
    // Each payload and each copy exactly once.
    REQUIRE(given.size() == records.size());
    REQUIRE(total == static_cast<int64_t>(records.size()) + token::copies);
    REQUIRE(token::dropped == 0);
    REQUIRE(uut.vacant());
    REQUIRE(memory::blocks == 0);
  }

  std::mt19937 rng;
  std::vector<record*> live;
  std::vector<std::unique_ptr<reader>> readers;
  std::unordered_map<uint64_t, int64_t> given;
};

} // namespace

TEST_CASE("snapshots agree with a model") {
  int64_t copies = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    model m{seed};
    size_t peak = seed % 3 == 0 ? 8 : (seed % 3 == 1 ? 60 : 400);
    size_t max_readers = seed % 4 == 0 ? 1 : (seed % 4 == 1 ? 3 : 12);
    auto failing = seed % 5 == 0;
    // Grows and shrinks in turns, so that compaction has work.
    for (auto round = 0; round < 8; ++round) {
      auto grow = round % 2 == 0;
      auto target = grow ? peak : peak / 20;
      for (size_t i = 0; i < 3 * peak; ++i) {
        if (failing)
          token::copy_budget = static_cast<int64_t>(m.pick(3));
        auto up = m.live.size() < target;
        if (m.live.empty() || m.chance(up ? 75 : 25))
          m.add_one();
        else
          m.remove_one();
        if (m.chance(10)) {
          if (m.readers.size() < max_readers && m.chance(50))
            m.open_one();
          else if (!m.readers.empty())
            m.close_one();
        }
        if (m.chance(5))
          std::ignore = m.uut.reclaim(m.trash, fix,
                                      static_cast<uint32_t>(m.pick(20)));
        if (m.chance(2))
          m.check();
      }
      m.check();
    }
    token::copy_budget = -1;
    m.finish();
    copies += token::copies;
  }
  // Otherwise the seeds have missed what they are there for.
  CHECK(copies > 100);
}

TEST_CASE("a model without snapshots never copies and stays dense") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    model m{seed};
    for (auto i = 0; i < 3000; ++i) {
      auto up = (i / 500) % 2 == 0;
      if (m.live.empty() || m.chance(up ? 80 : 20))
        m.add_one();
      else
        m.remove_one();
      REQUIRE(m.uut.capacity_end() <= 3 * m.live.size() + 16);
    }
    CHECK(token::copies == 0);
    m.finish();
  }
}

// -- concurrently -------------------------------------------------------------

namespace {

// Shared by the threads below.
struct arena {
  static constexpr size_t num_stable = 300;

  arena() {
    token::reset();
    for (size_t i = 0; i < num_stable; ++i) {
      auto& x = stable[i];
      x.id = i + 1;
      x.pos = uut.add(token{&x});
    }
  }

  static void empty(std::vector<token>& trash, std::atomic<int64_t>& handed) {
    for (auto& x : trash) {
      // A payload that was handed over twice would be empty here.
      if (x.consume() == 0)
        abort_test();
      ++handed;
    }
    trash.clear();
  }

  // Catch2's assertions belong to the main thread.
  [[noreturn]] static void abort_test() {
    std::terminate();
  }

  void write(uint32_t seed, uint32_t rounds) {
    std::mt19937 rng{seed};
    std::vector<token> trash;
    std::vector<std::unique_ptr<record>> mine;
    uint64_t next_id = uint64_t{seed} << 32;
    for (uint32_t round = 0; round < rounds; ++round) {
      auto burst = 1 + rng() % 400;
      for (size_t i = 0; i < burst; ++i) {
        auto& x = *mine.emplace_back(std::make_unique<record>());
        x.id = ++next_id;
        token y{&x};
        std::lock_guard guard{mutex};
        x.pos = uut.add(std::move(y));
        ++added;
      }
      std::shuffle(mine.begin(), mine.end(), rng);
      auto rest = rng() % 20;
      while (mine.size() > rest) {
        {
          std::lock_guard guard{mutex};
          uut.remove(mine.back()->pos, trash, fix);
        }
        // The record dies only when nobody can come across it: payloads of
        // open snapshots refer to it but do not look at it.
        mine.pop_back();
        empty(trash, handed);
      }
    }
    for (auto& x : mine) {
      std::lock_guard guard{mutex};
      uut.remove(x->pos, trash, fix);
    }
    empty(trash, handed);
  }

  void visit(const token& x, std::vector<uint64_t>& seen) {
    auto id = x.id();
    if (id == 0 || id == token::poison)
      ++failures;
    seen.push_back(id);
  }

  void walk(const token_topic::snapshot& cut, bool as_range,
            std::vector<uint64_t>& seen) {
    seen.clear();
    if (as_range) {
      for (auto& x : uut.range(cut))
        visit(x, seen);
    } else {
      uut.for_each(cut, [&](const token& x) { visit(x, seen); });
    }
    if (seen.size() != cut.size())
      ++failures;
    std::sort(seen.begin(), seen.end());
    if (std::adjacent_find(seen.begin(), seen.end()) != seen.end())
      ++failures;
    // The stable ones have the lowest ids.
    if (seen.size() < num_stable || seen[0] != 1
        || seen[num_stable - 1] != num_stable)
      ++failures;
  }

  void read(uint32_t seed, size_t at_least) {
    std::mt19937 rng{seed};
    std::vector<token> trash;
    std::vector<uint64_t> first;
    std::vector<uint64_t> again;
    while (writers != 0 || at_least > 0) {
      if (at_least > 0)
        --at_least;
      token_topic::snapshot cut;
      {
        std::lock_guard guard{mutex};
        uut.open(cut);
      }
      walk(cut, rng() % 2 == 0, first);
      // Some snapshots stay long, and always tell the same.
      for (auto n = rng() % 8 == 0 ? 30 : rng() % 2; n > 0; --n) {
        walk(cut, rng() % 2 == 0, again);
        if (first != again)
          ++failures;
      }
      auto more = false;
      {
        std::lock_guard guard{mutex};
        more = uut.close(cut, trash, fix);
      }
      empty(trash, handed);
      while (more && rng() % 16 != 0) {
        {
          std::lock_guard guard{mutex};
          more = uut.reclaim(trash, fix, 16);
        }
        empty(trash, handed);
      }
    }
  }

  std::mutex mutex;
  std::array<record, num_stable> stable;
  topic<token, test_allocator<token>> uut;
  std::atomic<int64_t> added{num_stable};
  std::atomic<int64_t> handed{0};
  std::atomic<int> writers{0};
  std::atomic<int> failures{0};
};

} // namespace

TEST_CASE("readers walk snapshots beside writers") {
  arena x;
  x.writers = 2;
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= 2; ++seed)
    threads.emplace_back([&x, seed] {
      x.write(seed, 60);
      --x.writers;
    });
  for (uint32_t seed = 3; seed <= 5; ++seed)
    threads.emplace_back([&x, seed] { x.read(seed, 50); });
  for (auto& t : threads)
    t.join();
  CHECK(x.failures == 0);
  std::vector<token> trash;
  while (x.uut.reclaim(trash, fix, 100)) {
    // nop
  }
  CHECK(x.uut.size() == arena::num_stable);
  CHECK(x.uut.capacity_end() <= 3 * arena::num_stable + 16);
  for (auto& y : x.stable)
    CHECK(x.uut.at(y.pos).id() == y.id);
  x.uut.clear(trash);
  arena::empty(trash, x.handed);
  CHECK(x.uut.vacant());
  CHECK(x.handed == x.added + token::copies);
  CHECK(token::dropped == 0);
  CHECK(memory::blocks == 0);
}

TEST_CASE("a walk passes slots that are filled again under its feet") {
  fixture f;
  f.add(7);
  // Holes in front of one live entry: the first of them is filled and vacated
  // all the time, for the snapshot never has what is in it.
  for (auto i = 0u; i < 6; ++i)
    f.remove(f.records[i]);
  CHECK(f.handed() == iota(1, 6));
  REQUIRE(f.uut.capacity_end() == 7);
  snapshot s;
  f.open(s);
  std::atomic<bool> done{false};
  std::atomic<int> walks{0};
  std::atomic<int> failures{0};
  std::thread reader{[&] {
    while (!done) {
      auto n = 0;
      f.uut.for_each(s, [&](const token& x) {
        ++n;
        if (x.id() != 7)
          ++failures;
      });
      if (n != 1)
        ++failures;
      ++walks;
    }
  }};
  record r;
  r.id = 8;
  auto rounds = 0;
  for (; rounds < 200'000 || walks < 1000; ++rounds) {
    r.pos = f.uut.add(token{&r});
    f.remove(r);
    if (f.trash.size() != 1 || f.trash.back().consume() != 8)
      ++failures;
    f.trash.clear();
  }
  done = true;
  reader.join();
  CHECK(failures == 0);
  CHECK(f.uut.capacity_end() == 7);
  CHECK_FALSE(f.close(s));
  f.uut.clear(f.trash);
  CHECK(f.handed() == ids{7});
  CHECK(token::dropped == 0);
}
