#include "base/check.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

TEST(CheckDeathTest, AFailedCheckNamesItsPlaceAndConditionAndAborts) {
  const int answer = 41;
  EXPECT_EXIT(CHECK(answer == 42), testing::KilledBySignal(SIGABRT),
              "check_test.cpp:[0-9]+: CHECK failed: answer == 42");
}

TEST(Check, EvaluatesItsConditionOnce) {
  int evaluations = 0;
  CHECK(++evaluations == 1);
  EXPECT_EQ(evaluations, 1);
}

}  // namespace
}  // namespace sextant
