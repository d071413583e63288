#include "base/request_context.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

TEST(RequestContext, WithoutADeadlineItNeverExpires) {
  ManualClock clock;
  RequestContext context;
  context.clock = &clock;
  clock.advance_ms(1'000'000'000);
  EXPECT_FALSE(context.expired());
  EXPECT_TRUE(context.check_deadline("waiting"));
}

TEST(RequestContext, ExpiresAtItsDeadlineAndSaysDuringWhat) {
  ManualClock clock;
  RequestContext context;
  context.clock = &clock;
  context.deadline_ns = clock.monotonic_ns() + 5'000'000;
  clock.advance_ms(4);
  EXPECT_TRUE(context.check_deadline("scanning"));
  clock.advance_ms(1);
  EXPECT_TRUE(context.expired());
  const Status status = context.check_deadline("scanning");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(status.error().message, "deadline exceeded while scanning");
}

}  // namespace
}  // namespace sextant
