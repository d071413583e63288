// The immutable pieces that snapshots are made of: persistent map, vector store, tombstones, published
// pointer.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "base/published.h"
#include "engine/persistent_map.h"
#include "engine/state.h"
#include "engine/tombstones.h"
#include "engine/vector_store.h"

namespace sextant {
namespace {

// Few distinct hashes, so that leaves collide.
struct PoorHash {
  std::uint64_t operator()(std::uint64_t key) const { return key % 37 * 0x100000001ULL; }
};

template <typename Hash>
void check_against_std_map() {
  SeededRandom random(3);
  PersistentMap<std::uint64_t, int, Hash> map;
  std::map<std::uint64_t, int> model;
  std::vector<std::pair<PersistentMap<std::uint64_t, int, Hash>, std::map<std::uint64_t, int>>> kept;
  for (int step = 0; step < 3000; ++step) {
    const std::uint64_t key = random.below(200);
    if (random.below(3) == 0) {
      map = map.without(key);
      model.erase(key);
    } else {
      map = map.with(key, step);
      model[key] = step;
    }
    if (step % 500 == 0) kept.emplace_back(map, model);
  }
  kept.emplace_back(map, model);
  for (const auto& [version, expected] : kept) {
    ASSERT_EQ(version.size(), expected.size());
    std::map<std::uint64_t, int> seen;
    version.for_each([&](std::uint64_t key, int value) { seen[key] = value; });
    EXPECT_EQ(seen, expected);
    for (std::uint64_t key = 0; key < 200; ++key) {
      const int* found = version.find(key);
      ASSERT_EQ(found != nullptr, expected.contains(key));
      if (found != nullptr) {
        EXPECT_EQ(*found, expected.at(key));
      }
    }
  }
}

TEST(PersistentMap, EveryVersionStaysWhatItWas) { check_against_std_map<IntegerHash>(); }
TEST(PersistentMap, SurvivesCollidingHashes) { check_against_std_map<PoorHash>(); }

TEST(VectorStore, RowsNeverMoveAndOldViewsStayValid) {
  VectorStore store(5);
  std::vector<const float*> addresses;
  std::vector<VectorStoreView> views;
  for (int i = 0; i < 10'000; ++i) {
    const std::vector<float> row(5, static_cast<float>(i));
    store.append(row, {});
    const VectorStoreView view = store.view();
    addresses.push_back(view.vector(view.size() - 1));
    if (i % 777 == 0) views.push_back(view);
  }
  const VectorStoreView last = store.view();
  ASSERT_EQ(last.size(), 10'000U);
  for (std::size_t i = 0; i < last.size(); ++i) {
    ASSERT_EQ(last.vector(i), addresses[i]);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(addresses[i]) % 64, 0U);
    ASSERT_EQ(addresses[i][4], static_cast<float>(i));
  }
  for (const VectorStoreView& view : views) {
    for (std::size_t i = 0; i < view.size(); i += 101) EXPECT_EQ(view.vector(i), addresses[i]);
  }
}

TEST(VectorStore, BlocksCoverEveryRowOnceInOrder) {
  VectorStore store(3);
  for (std::size_t rows = 0; rows < 9000; ++rows) {
    if (rows % 97 == 0 || rows < 70) {
      const VectorStoreView view = store.view();
      std::size_t next = 0;
      for (std::size_t b = 0; b < view.block_count(); ++b) {
        ASSERT_EQ(VectorStoreView::first_slot(b), next);
        const VectorView block = view.block(b);
        for (std::size_t i = 0; i < block.count; ++i)
          ASSERT_EQ(block.base + i * block.stride, view.vector(next++));
      }
      ASSERT_EQ(next, rows);
    }
    store.append(std::vector<float>(3, 0.0F), {});
  }
}

TEST(VectorStore, MemoryIsTheBlocksAndSmallForSmallStores) {
  VectorStore store(384);
  store.append(std::vector<float>(384, 1.0F), {});
  EXPECT_EQ(store.view().vector_bytes(), std::size_t{16} * 384 * sizeof(float));
  for (int i = 1; i < 100'000; ++i) store.append(std::vector<float>(384, 1.0F), {});
  EXPECT_LE(static_cast<double>(store.view().vector_bytes()), 1.1 * 100'000 * 384 * sizeof(float));
}

TEST(Tombstones, AgreeWithASetInEveryVersion) {
  SeededRandom random(11);
  Tombstones dead;
  std::set<RowId> model;
  const Tombstones before = dead.with({});
  for (int step = 0; step < 300; ++step) {
    std::vector<RowId> rows;
    for (std::uint64_t i = random.below(5); i > 0; --i) rows.push_back(random.below(200'000));
    dead = dead.with(rows);
    model.insert(rows.begin(), rows.end());
  }
  EXPECT_EQ(dead.count(), model.size());
  EXPECT_EQ(before.count(), 0U);
  for (int check = 0; check < 300; ++check) {
    const RowId first = random.below(199'000);
    const std::size_t count = 1 + random.below(1000);
    std::vector<std::uint64_t> live((count + 63) / 64, 0);
    dead.live_bits(first, count, live.data());
    for (std::size_t i = 0; i < live.size() * 64; ++i) {
      const bool alive = (live[i / 64] >> (i % 64) & 1) != 0;
      ASSERT_EQ(alive, i < count && !model.contains(first + i)) << first << "+" << i;
    }
  }
}

TEST(Published, ReadersSeeWholeValuesAndNothingLeaks) {
  struct Pair {
    explicit Pair(int v, std::atomic<int>& l) : a(v), b(v), live(l) { ++live; }
    ~Pair() { --live; }
    int a;
    int b;
    std::atomic<int>& live;
  };
  std::atomic<int> live{0};
  {
    Published<Pair> published(std::make_shared<Pair>(0, live));
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    std::atomic<int> torn{0};
    for (int t = 0; t < 4; ++t) {
      readers.emplace_back([&] {
        int last = 0;
        while (!stop) {
          const auto seen = published.load();
          if (seen->a != seen->b || seen->a < last) ++torn;
          last = seen->a;
        }
      });
    }
    for (int i = 1; i <= 20'000; ++i) published.store(std::make_shared<Pair>(i, live));
    stop = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

}  // namespace
}  // namespace sextant
