#include "base/clock.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

TEST(Clock, TheSystemsMonotonicClockNeverGoesBack) {
  std::int64_t previous = system_clock().monotonic_ns();
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t now = system_clock().monotonic_ns();
    ASSERT_GE(now, previous);
    previous = now;
  }
}

TEST(Clock, TheSystemsTimeIsInMillisecondsSince1970) {
  constexpr std::int64_t kStartOf2025 = 1'735'689'600'000;
  constexpr std::int64_t kStartOf2100 = 4'102'444'800'000;
  EXPECT_GT(system_clock().unix_ms(), kStartOf2025);
  EXPECT_LT(system_clock().unix_ms(), kStartOf2100);
}

TEST(Clock, AManualClockMovesOnlyWhenTold) {
  ManualClock clock(5000);
  const std::int64_t start_ns = clock.monotonic_ns();
  EXPECT_EQ(clock.unix_ms(), 5000);
  clock.advance_ms(7);
  EXPECT_EQ(clock.unix_ms(), 5007);
  EXPECT_EQ(clock.monotonic_ns() - start_ns, 7'000'000);
}

}  // namespace
}  // namespace sextant
