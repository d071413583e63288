#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace sextant {
namespace {

/// Returns the given words in turn.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  std::uint64_t next() override { return words_.at(at_++); }
  std::size_t used() const { return at_; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t at_ = 0;
};

TEST(Random, SeededSequencesAreThePublishedOnes) {
  // splitmix64's first output for seed 0, and xoshiro256**'s when seeded by its first four.
  EXPECT_EQ(mix64(0x9E3779B97F4A7C15ULL), 0xE220A8397B1DCDAFULL);
  SeededRandom random(0);
  EXPECT_EQ(random.next(), 0x99EC5F36CB75F2B4ULL);
  EXPECT_EQ(random.next(), 0xBF6E1F784956452AULL);
  EXPECT_EQ(random.next(), 0x1A5F849D4933E6E0ULL);
}

TEST(Random, TheSameSeedGivesTheSameSequence) {
  SeededRandom a(42);
  SeededRandom b(42);
  SeededRandom other(43);
  int equal_to_other = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t word = a.next();
    ASSERT_EQ(word, b.next());
    equal_to_other += word == other.next() ? 1 : 0;
  }
  EXPECT_EQ(equal_to_other, 0);
}

TEST(Random, BelowCoversItsRangeEvenly) {
  SeededRandom random(4);
  constexpr int kDraws = 70'000;
  std::array<int, 7> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts.at(random.below(counts.size()));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 7.0, 5 * std::sqrt(kDraws / 7.0));
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, BelowRejectsTheWordsThatWouldFavourSomeResults) {
  ScriptedRandom random({0, ~std::uint64_t{0}});
  EXPECT_EQ(random.below(3), 2U);
  EXPECT_EQ(random.used(), 2U);
}

TEST(Random, UnitStaysBelowOne) {
  ScriptedRandom extremes({0, ~std::uint64_t{0}});
  EXPECT_EQ(extremes.unit(), 0.0);
  EXPECT_LT(extremes.unit(), 1.0);
  SeededRandom random(5);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) sum += random.unit();
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(Random, TheSystemsWordsDiffer) {
  std::set<std::uint64_t> words;
  for (int i = 0; i < 100; ++i) words.insert(system_random().next());
  EXPECT_EQ(words.size(), 100U);
}

TEST(Random, UuidHasTimeVersionAndVariantWhereRfc9562PutsThem) {
  ManualClock clock(0x017F22E279B0);
  ScriptedRandom zeros({0, 0});
  EXPECT_EQ(uuid_v7(clock, zeros), "017f22e2-79b0-7000-8000-000000000000");
  ScriptedRandom ones({~std::uint64_t{0}, ~std::uint64_t{0}});
  EXPECT_EQ(uuid_v7(clock, ones), "017f22e2-79b0-7fff-bfff-ffffffffffff");
}

TEST(Random, LaterUuidsSortAfterEarlierOnes) {
  ManualClock clock;
  SeededRandom random(6);
  std::string previous;
  for (int i = 0; i < 100; ++i) {
    std::string uuid = uuid_v7(clock, random);
    EXPECT_LT(previous, uuid);
    previous = std::move(uuid);
    clock.advance_ms(1);
  }
}

}  // namespace
}  // namespace sextant
