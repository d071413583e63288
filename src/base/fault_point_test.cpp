#include "base/fault_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace sextant {
namespace {

Status pass_first() {
  FAULT_POINT("test.first");
  return {};
}

Result<int> pass_second() {
  FAULT_POINT("test.second");
  return 2;
}

Status pass_never() {
  FAULT_POINT("test.never_passed");
  return {};
}

bool is_known(std::string_view point) {
  const std::vector<std::string> known = known_fault_points();
  EXPECT_TRUE(std::is_sorted(known.begin(), known.end()));
  return std::find(known.begin(), known.end(), point) != known.end();
}

class FaultPoint : public testing::Test {
 protected:
  ~FaultPoint() override {
    unsetenv("SEXTANT_FAULT");
    disarm_faults();
  }
  static Status arm_from(const char* value) {
    setenv("SEXTANT_FAULT", value, 1);
    return arm_faults_from_environment();
  }
};
using FaultPointDeathTest = FaultPoint;

TEST_F(FaultPoint, UnarmedItIsPassed) {
  EXPECT_TRUE(pass_first());
  EXPECT_EQ(pass_second().value(), 2);
}

TEST_F(FaultPoint, FiresAtTheNthPassingAndOnce) {
  arm_fault("test.first", 3, FaultAction::kFail);
  EXPECT_TRUE(pass_first());
  EXPECT_TRUE(pass_first());
  const Status third = pass_first();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kIo);
  EXPECT_EQ(third.error().message, "fault injected at test.first");
  EXPECT_TRUE(pass_first());
}

TEST_F(FaultPoint, PointsAreArmedEachOnTheirOwn) {
  arm_fault("test.second", 1, FaultAction::kFail);
  EXPECT_TRUE(pass_first());
  EXPECT_FALSE(pass_second());
  arm_fault("test.second", 1, FaultAction::kFail);
  disarm_faults();
  EXPECT_TRUE(pass_second());
}

TEST_F(FaultPointDeathTest, KillLeavesWithoutFlushing) {
  arm_fault("test.first", 1, FaultAction::kKill);
  EXPECT_EXIT(
      {
        std::atexit([] { std::fputs("exit handlers ran", stderr); });
        static_cast<void>(pass_first());
      },
      testing::ExitedWithCode(137), "^$");
}

TEST_F(FaultPoint, IsKnownOncePassed) {
  EXPECT_FALSE(is_known("test.never_passed"));
  EXPECT_TRUE(pass_second());
  EXPECT_TRUE(is_known("test.second"));
  EXPECT_TRUE(pass_never());
  EXPECT_TRUE(is_known("test.never_passed"));
}

TEST_F(FaultPoint, TheEnvironmentArmsSeveral) {
  ASSERT_TRUE(arm_from("test.first:2:fail,test.second:1:fail"));
  EXPECT_TRUE(pass_first());
  EXPECT_FALSE(pass_first());
  EXPECT_FALSE(pass_second());
}

TEST_F(FaultPointDeathTest, TheEnvironmentsDefaultIsToDieAtTheFirstPassing) {
  ASSERT_TRUE(arm_from("test.first"));
  EXPECT_EXIT(static_cast<void>(pass_first()), testing::ExitedWithCode(137), "");
}

TEST_F(FaultPoint, AMalformedEnvironmentIsRefusedWhole) {
  for (const char* value : {":1", "test.first:0", "test.first:-1", "test.first:x",
                            "test.first:", "test.first:1x", "test.first:1:stop", "test.first:1:fail:2",
                            "test.first:1:fail,", ",", "test.first:1:fail,test.second:99999999999"}) {
    const Status status = arm_from(value);
    ASSERT_FALSE(status) << value;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message.find("SEXTANT_FAULT"), std::string::npos);
    EXPECT_TRUE(pass_first()) << "nothing of a malformed value is armed";
  }
  EXPECT_TRUE(arm_from(""));
  unsetenv("SEXTANT_FAULT");
  EXPECT_TRUE(arm_faults_from_environment());
}

}  // namespace
}  // namespace sextant
