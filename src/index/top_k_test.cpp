#include "index/top_k.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace sextant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(TopK, EqualsTheFirstKOfTheSortedStream) {
  EXPECT_TRUE(rc::check([] {
    const auto k = *rc::gen::inRange<std::size_t>(0, 20);
    // Few distinct distances, so that ties decide often.
    const auto distances = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-3, 4));
    TopK top(k);
    std::vector<Neighbor> all;
    for (std::size_t i = 0; i < distances.size(); ++i) {
      const std::uint64_t row = i * 7919 % 1009;  // not in rising order
      all.push_back({static_cast<float>(distances[i]), row});
      top.offer(all.back().distance, row);
    }
    std::sort(all.begin(), all.end());
    if (all.size() > k) all.resize(k);
    RC_ASSERT(top.size() == all.size());
    RC_ASSERT(top.take_sorted() == all);
    RC_ASSERT(top.size() == 0U);
  }));
}

TEST(TopK, MergedPartsEqualTheWhole) {
  EXPECT_TRUE(rc::check([] {
    const auto k = *rc::gen::inRange<std::size_t>(1, 12);
    const auto distances = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
    TopK whole(k);
    std::vector<TopK> parts(3, TopK(k));
    for (std::size_t row = 0; row < distances.size(); ++row) {
      whole.offer(static_cast<float>(distances[row]), row);
      parts[row % parts.size()].offer(static_cast<float>(distances[row]), row);
    }
    parts[2].merge(parts[0]);
    parts[2].merge(parts[1]);
    RC_ASSERT(parts[2].take_sorted() == whole.take_sorted());
  }));
}

TEST(TopK, BoundIsTheFarthestOnceFullAndInfinityBefore) {
  TopK top(2);
  EXPECT_EQ(top.bound(), kInfinity);
  top.offer(5, 1);
  EXPECT_EQ(top.bound(), kInfinity);
  top.offer(3, 2);
  EXPECT_EQ(top.bound(), 5);
  top.offer(4, 3);
  EXPECT_EQ(top.bound(), 4);
  top.take_sorted();
  EXPECT_EQ(top.bound(), kInfinity);
}

TEST(TopK, OfNothingTakesNothing) {
  TopK none(0);
  EXPECT_EQ(none.bound(), -kInfinity);
  none.offer(-kInfinity, 1);
  EXPECT_TRUE(none.take_sorted().empty());
  none.offer(1, 1);
  EXPECT_EQ(none.size(), 0U);
}

TEST(TopK, KeepsInfiniteDistancesWhileThereIsRoom) {
  TopK top(3);
  top.offer(kInfinity, 9);
  top.offer(kInfinity, 4);
  top.offer(-kInfinity, 7);
  top.offer(kInfinity, 2);
  EXPECT_EQ(top.take_sorted(), (std::vector<Neighbor>{{-kInfinity, 7}, {kInfinity, 2}, {kInfinity, 4}}));
}

TEST(TopK, HoldsMoreThanItReserves) {
  TopK top(5000);
  for (std::uint64_t i = 0; i < 9000; ++i) top.offer(static_cast<float>((i * 4001) % 9000), i);
  const auto found = top.take_sorted();
  ASSERT_EQ(found.size(), 5000U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].distance, static_cast<float>(i));
}

}  // namespace
}  // namespace sextant
