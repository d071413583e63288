#include "server/problem.h"

#include <gtest/gtest.h>

#include <map>

namespace sextant {
namespace {

TEST(Problem, EveryCodeHasItsStatus) {
  const std::map<ErrorCode, int> expected = {
      {ErrorCode::kInvalidArgument, 400},
      {ErrorCode::kUnsupportedMediaType, 415},
      {ErrorCode::kMethodNotAllowed, 405},
      {ErrorCode::kNotSupportedYet, 422},
      {ErrorCode::kRouteNotFound, 404},
      {ErrorCode::kLibraryNotFound, 404},
      {ErrorCode::kLibraryExists, 409},
      {ErrorCode::kDocumentNotFound, 404},
      {ErrorCode::kDocumentExists, 409},
      {ErrorCode::kChunkNotFound, 404},
      {ErrorCode::kChunkIdTaken, 409},
      {ErrorCode::kEmbeddingContractViolation, 422},
      {ErrorCode::kInvalidVector, 422},
      {ErrorCode::kEmbeddingUnavailable, 503},
      {ErrorCode::kPreconditionFailed, 412},
      {ErrorCode::kTransactionConflict, 409},
      {ErrorCode::kTransactionTooOld, 409},
      {ErrorCode::kIdempotencyKeyReused, 422},
      {ErrorCode::kCommitNotVisible, 409},
      {ErrorCode::kPayloadTooLarge, 413},
      {ErrorCode::kLimitExceeded, 422},
      {ErrorCode::kDeadlineExceeded, 504},
      {ErrorCode::kBackpressure, 429},
      {ErrorCode::kUnauthenticated, 401},
      {ErrorCode::kPermissionDenied, 403},
      {ErrorCode::kOwnerLockHeld, 500},
      {ErrorCode::kDamaged, 500},
      {ErrorCode::kFormatTooNew, 500},
      {ErrorCode::kOutOfSpace, 507},
      {ErrorCode::kIo, 500},
      {ErrorCode::kOutcomeUnknown, 500},
      {ErrorCode::kStorePoisoned, 503},
      {ErrorCode::kShuttingDown, 503},
      {ErrorCode::kUnavailable, 503},
      {ErrorCode::kInternal, 500},
  };
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const auto known = expected.find(static_cast<ErrorCode>(code));
    ASSERT_NE(known, expected.end()) << error_name(static_cast<ErrorCode>(code));
    EXPECT_EQ(status_of(make_error(known->first, "")), known->second) << error_name(known->first);
    EXPECT_NE(reason_phrase(known->second), "Unknown") << known->second;
  }
  EXPECT_EQ(status_of(field_error(ErrorCode::kInvalidArgument, "k", "")), 422);
}

TEST(Problem, SaysAllThatIsKnown) {
  const HttpResponse response =
      problem_response(field_error(ErrorCode::kLimitExceeded, "documents[3].text", "too \"long\""), "abc");
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(
      response.body,
      R"({"type":"urn:sextant:problem:limit_exceeded","title":"Limit exceeded","status":422,)"
      R"("detail":"too \"long\"","code":"limit_exceeded","field":"documents[3].text","trace_id":"abc"})");
}

TEST(Problem, TellsWhenToComeBackAndHowToIntroduceOneself) {
  const auto header = [](ErrorCode code) {
    const auto headers = problem_response(make_error(code, ""), "").headers;
    return headers.empty() ? std::string() : headers[0].first + ": " + headers[0].second;
  };
  EXPECT_EQ(header(ErrorCode::kBackpressure), "Retry-After: 1");
  for (const ErrorCode code : {ErrorCode::kOutOfSpace, ErrorCode::kShuttingDown, ErrorCode::kStorePoisoned,
                               ErrorCode::kUnavailable}) {
    EXPECT_EQ(header(code), "Retry-After: 5");
  }
  EXPECT_EQ(header(ErrorCode::kUnauthenticated), "WWW-Authenticate: Bearer");
  EXPECT_EQ(header(ErrorCode::kInternal), "");
}

}  // namespace
}  // namespace sextant
