#include "index/flat/flat_scan.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "kernels/distance.h"

namespace sextant {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot, Metric::kL2};

struct Rows {
  std::vector<float> floats;
  VectorView view;
};

/// Rows of a few distinct values: ties are common, and so are equal roots of different squares.
Rows make_rows(std::size_t count, std::size_t dimension, std::size_t padding, std::uint64_t seed) {
  SeededRandom random(seed);
  Rows rows;
  const std::size_t stride = dimension + padding;
  rows.floats.assign(count * stride,
                     std::numeric_limits<float>::quiet_NaN());  // padding must not be looked at
  for (std::size_t r = 0; r < count; ++r) {
    const bool coarse = random.below(2) == 0;
    for (std::size_t i = 0; i < dimension; ++i) {
      const double value = coarse ? static_cast<double>(random.below(3)) - 1 : random.unit() * 2 - 1;
      rows.floats[r * stride + i] = static_cast<float>(value);
    }
  }
  rows.view = {.base = rows.floats.data(), .stride = stride, .count = count, .dimension = dimension};
  return rows;
}

bool is_allowed(SlotBitmap allowed, std::size_t slot) {
  return allowed.empty() || (allowed[slot / 64] >> (slot % 64) & 1) != 0;
}

/// Every allowed row sorted by (distance, row), cut at k.
std::vector<Neighbor> brute_force(const FlatScan& scan, const float* query, std::size_t k) {
  const DistanceKernels& kernels = distance_kernels();
  std::vector<Neighbor> all;
  for (std::size_t slot = 0; slot < scan.view.count; ++slot) {
    if (!is_allowed(scan.allowed, slot)) continue;
    const auto kernel = scan.metric == Metric::kL2 ? kernels.l2_squared : kernels.dot;
    const float value = kernel(query, scan.view.row(slot), scan.view.dimension);
    all.push_back({distance_from_kernel(scan.metric, value), scan.first_row + slot});
  }
  std::sort(all.begin(), all.end());
  if (all.size() > k) all.resize(k);
  return all;
}

std::vector<Neighbor> scan_one(const FlatScan& scan, const float* query, std::size_t k) {
  std::vector<TopK> results(1, TopK(k));
  EXPECT_TRUE(flat_scan(RequestContext{}, scan, std::span(&query, 1), results).has_value());
  return results[0].take_sorted();
}

enum class Share { kNone, kFew, kHalf, kMost, kAll, kRuns };

std::vector<std::uint64_t> make_bitmap(std::size_t count, Share share, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::uint64_t> words((count + 63) / 64 + 1);
  for (std::uint64_t& word : words) {
    switch (share) {
      case Share::kNone:
        word = 0;
        break;
      case Share::kFew:
        word = random.below(8) == 0 ? std::uint64_t{1} << random.below(64) : 0;
        break;
      case Share::kHalf:
        word = random.next();
        break;
      case Share::kMost:
        word = random.next() | random.next() | random.next();
        break;
      case Share::kAll:
        word = ~std::uint64_t{0};
        break;
      case Share::kRuns:
        word = random.below(2) == 0 ? 0 : ~std::uint64_t{0} << random.below(64);
        break;
    }
  }
  return words;
}

TEST(FlatScan, EqualsBruteForceForAllMetricsDimensionsAndFilters) {
  EXPECT_TRUE(rc::check([] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto count = *rc::gen::inRange<std::size_t>(0, 400);
    const auto dimension = *rc::gen::element<std::size_t>(1, 2, 3, 8, 31, 32, 33, 100, 128);
    const auto share =
        *rc::gen::element(Share::kNone, Share::kFew, Share::kHalf, Share::kMost, Share::kAll, Share::kRuns);
    const auto k = *rc::gen::element<std::size_t>(0, 1, 2, 10, 100, 500);
    const Rows rows = make_rows(count, dimension, seed % 3, seed);
    const Rows query = make_rows(1, dimension, 0, seed + 1);
    const auto bitmap = make_bitmap(count, share, seed + 2);
    for (const Metric metric : kMetrics) {
      for (const SlotBitmap allowed : {SlotBitmap(), SlotBitmap(bitmap)}) {
        const FlatScan scan{
            .metric = metric, .view = rows.view, .first_row = seed % 1000, .allowed = allowed};
        RC_ASSERT(scan_one(scan, query.floats.data(), k) == brute_force(scan, query.floats.data(), k));
      }
    }
  }));
}

TEST(FlatScan, EqualsBruteForceOverManyBlocks) {
  const Rows rows = make_rows(9001, 24, 8, 11);
  const Rows query = make_rows(1, 24, 0, 12);
  for (const Share share :
       {Share::kNone, Share::kFew, Share::kHalf, Share::kMost, Share::kAll, Share::kRuns}) {
    const auto bitmap = make_bitmap(rows.view.count, share, 13);
    for (const Metric metric : kMetrics) {
      for (const std::size_t k : {1U, 10U, 1500U, 10000U}) {
        const FlatScan scan{.metric = metric, .view = rows.view, .first_row = 1'000'000, .allowed = bitmap};
        EXPECT_EQ(scan_one(scan, query.floats.data(), k), brute_force(scan, query.floats.data(), k));
      }
    }
  }
}

TEST(FlatScan, BreaksTiesOfEqualRootsByRowThoughTheirSquaresDiffer) {
  // Neighbouring floats above 4 whose roots round to one float: the farther square has the lower row.
  const float near = 4.0F;
  const float far = std::nextafter(near, 5.0F);
  ASSERT_EQ(std::sqrt(near), std::sqrt(far));
  // A point at squared distance `far` from the origin in two coordinates: 2^2 + (2^-11 * sqrt 2)^2 rounds to
  // it.
  const float small = std::sqrt(far - near);
  const std::vector<float> points = {2.0F, small, 2.0F, 0.0F};
  const float query[] = {0.0F, 0.0F};
  ASSERT_GT(distance_kernels().l2_squared(query, points.data(), 2),
            distance_kernels().l2_squared(query, &points[2], 2));
  const FlatScan scan{.metric = Metric::kL2,
                      .view = {.base = points.data(), .stride = 2, .count = 2, .dimension = 2}};
  EXPECT_EQ(scan_one(scan, query, 1), (std::vector<Neighbor>{{2.0F, 0}}));
  // The same when the lower row comes later, from another segment.
  std::vector<TopK> results(1, TopK(1));
  const float* queries[] = {query};
  FlatScan later = scan;
  later.first_row = 7;
  later.view.base = &points[2];
  later.view.count = 1;
  ASSERT_TRUE(flat_scan(RequestContext{}, later, queries, results).has_value());
  later.first_row = 3;
  later.view.base = points.data();
  ASSERT_TRUE(flat_scan(RequestContext{}, later, queries, results).has_value());
  EXPECT_EQ(results[0].take_sorted(), (std::vector<Neighbor>{{2.0F, 3}}));
}

TEST(FlatScan, AnswersSeveralQueriesAsItAnswersEach) {
  const Rows rows = make_rows(5000, 130, 14, 21);
  const Rows queries = make_rows(7, 130, 0, 22);
  const auto bitmap = make_bitmap(rows.view.count, Share::kHalf, 23);
  std::vector<const float*> pointers(queries.view.count);
  for (std::size_t q = 0; q < pointers.size(); ++q) pointers[q] = queries.view.row(q);
  for (const Metric metric : kMetrics) {
    for (const SlotBitmap allowed : {SlotBitmap(), SlotBitmap(bitmap)}) {
      const FlatScan scan{.metric = metric, .view = rows.view, .first_row = 5, .allowed = allowed};
      std::vector<TopK> results;
      results.reserve(pointers.size());
      for (std::size_t q = 0; q < pointers.size(); ++q) results.emplace_back(3 * q);
      ASSERT_TRUE(flat_scan(RequestContext{}, scan, pointers, results).has_value());
      for (std::size_t q = 0; q < pointers.size(); ++q) {
        EXPECT_EQ(results[q].take_sorted(), scan_one(scan, pointers[q], 3 * q));
      }
    }
  }
}

TEST(FlatScan, IgnoresBitsBeyondTheLastSlot) {
  const Rows rows = make_rows(70, 4, 0, 31);
  const std::vector<std::uint64_t> all = {~std::uint64_t{0}, ~std::uint64_t{0}};
  const FlatScan scan{.metric = Metric::kL2, .view = rows.view, .allowed = all};
  const auto found = scan_one(scan, rows.floats.data(), 200);
  ASSERT_EQ(found.size(), 70U);
  for (const Neighbor& neighbor : found) EXPECT_LT(neighbor.row, 70U);
}

TEST(FlatScan, NeverAnswersADisallowedRowWhateverItHolds) {
  Rows rows = make_rows(128, 4, 0, 32);
  const std::vector<float> query(rows.view.row(0), rows.view.row(1));
  const std::vector<std::uint64_t> mostly = {~std::uint64_t{0b1011}, ~std::uint64_t{0}};
  std::fill_n(rows.floats.begin(), 4, std::numeric_limits<float>::quiet_NaN());  // row 0
  std::copy_n(query.begin(), 4, rows.floats.begin() + 4);                        // row 1, at distance 0
  std::fill_n(rows.floats.begin() + 12, 4, 1e30F);                               // row 3
  for (const Metric metric : kMetrics) {
    const FlatScan scan{.metric = metric, .view = rows.view, .allowed = mostly};
    const auto found = scan_one(scan, query.data(), 128);
    ASSERT_EQ(found.size(), 125U);
    for (const Neighbor& neighbor : found) EXPECT_TRUE(is_allowed(mostly, neighbor.row)) << neighbor.row;
  }
}

TEST(FlatScan, FindsRowsWhoseSumsOverflowLast) {
  constexpr float kHuge = 3e38F;
  // Products that overflow to +infinity in one lane and to -infinity in another add up to NaN.
  const std::vector<float> points = {kHuge, -kHuge, 1.0F, 1.0F, -kHuge, -kHuge};
  const float query[] = {kHuge, kHuge};
  const VectorView view{.base = points.data(), .stride = 2, .count = 3, .dimension = 2};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(scan_one({.metric = Metric::kDot, .view = view}, query, 3),
            (std::vector<Neighbor>{{-kInfinity, 1}, {kInfinity, 0}, {kInfinity, 2}}));
  EXPECT_EQ(scan_one({.metric = Metric::kL2, .view = view}, query, 3),
            (std::vector<Neighbor>{{kInfinity, 0}, {kInfinity, 1}, {kInfinity, 2}}));
}

TEST(FlatScan, StopsAtTheDeadline) {
  /// Each look at the clock takes a millisecond.
  class TickingClock final : public Clock {
   public:
    std::int64_t unix_ms() override { return 0; }
    std::int64_t monotonic_ns() override { return ++looks_ * 1'000'000; }
    std::int64_t looks() const { return looks_; }

   private:
    std::int64_t looks_ = 0;
  };
  const Rows rows = make_rows(100'000, 2, 0, 41);
  const float* query = rows.floats.data();
  const FlatScan scan{.metric = Metric::kL2, .view = rows.view};

  TickingClock clock;
  RequestContext context;
  context.clock = &clock;
  context.deadline_ns = 5'500'000;
  std::vector<TopK> results(1, TopK(rows.view.count));
  const Status status = flat_scan(context, scan, std::span(&query, 1), results);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_GT(results[0].size(), 0U) << "what was compared before the deadline is kept";
  EXPECT_LT(results[0].size(), rows.view.count / 2) << "the scan went on after the deadline";

  TickingClock unhurried;
  context.clock = &unhurried;
  context.deadline_ns = 1'000'000'000'000;
  EXPECT_TRUE(flat_scan(context, scan, std::span(&query, 1), results).has_value());
  EXPECT_GE(unhurried.looks(), 100'000 / 8192) << "looked at the clock too seldom";
  EXPECT_LE(unhurried.looks(), 100'000 / 1024) << "looked at the clock too often";
}

TEST(FlatScan, RefusesToStartAfterTheDeadline) {
  ManualClock clock;
  RequestContext context;
  context.clock = &clock;
  context.deadline_ns = clock.monotonic_ns() + 10'000'000;
  const Rows rows = make_rows(10, 2, 0, 51);
  const float* query = rows.floats.data();
  std::vector<TopK> results(1, TopK(5));
  const FlatScan scan{.metric = Metric::kDot, .view = rows.view};
  EXPECT_TRUE(flat_scan(context, scan, std::span(&query, 1), results).has_value());
  EXPECT_EQ(results[0].take_sorted().size(), 5U);
  clock.advance_ms(10);
  const Status late = flat_scan(context, scan, std::span(&query, 1), results);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(results[0].size(), 0U);
}

TEST(Score, RisesAsTheDistanceFallsAndHasOneMeaning) {
  EXPECT_EQ(score_from_distance(Metric::kCosine, distance_from_kernel(Metric::kCosine, 0.25F)), 0.25F);
  EXPECT_EQ(score_from_distance(Metric::kDot, distance_from_kernel(Metric::kDot, 12.5F)), 12.5F);
  EXPECT_EQ(distance_from_kernel(Metric::kL2, 9.0F), 3.0F);
  EXPECT_EQ(score_from_distance(Metric::kL2, 3.0F), 0.25F);
  EXPECT_EQ(score_from_distance(Metric::kL2, 0.0F), 1.0F);
  EXPECT_FALSE(std::signbit(distance_from_kernel(Metric::kDot, 0.0F)));
  EXPECT_FALSE(std::signbit(score_from_distance(Metric::kDot, 0.0F)));
}

}  // namespace
}  // namespace sextant
