#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace sextant {
namespace {

constexpr int kCodes = static_cast<int>(ErrorCode::kInternal) + 1;

TEST(Error, EveryCodeHasANameOfItsOwnThatLeadsBackToIt) {
  std::set<std::string_view> names;
  for (int i = 0; i < kCodes; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_TRUE(names.insert(error_name(code)).second);
    EXPECT_EQ(error_code_from_name(error_name(code)), code);
  }
  EXPECT_EQ(error_name(ErrorCode::kChunkIdTaken), "chunk_id_taken");
  EXPECT_EQ(error_code_from_name("no_such_code"), ErrorCode::kInternal);
}

TEST(Error, ItsTextNamesCodeMessageFieldAndCauses) {
  EXPECT_EQ(make_error(ErrorCode::kLibraryNotFound, "no library 'x'").to_string(),
            "library_not_found: no library 'x'");
  EXPECT_EQ(field_error(ErrorCode::kInvalidArgument, "k", "k is 0").to_string(),
            "invalid_argument: k is 0 (k)");
  const Error caused =
      caused_by(ErrorCode::kStorePoisoned, "the log is closed",
                caused_by(ErrorCode::kIo, "sync failed", make_error(ErrorCode::kOutOfSpace, "full")));
  EXPECT_EQ(caused.to_string(),
            "store_poisoned: the log is closed; caused by io: sync failed; caused by out_of_space: full");
}

TEST(Error, FieldPathsGrowFromTheInsideOut) {
  Error error = field_error(ErrorCode::kInvalidVector, "vector", "NaN at 3");
  error = in_field("chunks[0]", std::move(error));
  error = in_field("documents[3]", std::move(error));
  EXPECT_EQ(error.field, "documents[3].chunks[0].vector");
  EXPECT_EQ(error.message, "NaN at 3");
  EXPECT_EQ(in_field("ids", field_error(ErrorCode::kInvalidArgument, "[2]", "")).field, "ids[2]");
  EXPECT_EQ(in_field("where", make_error(ErrorCode::kInvalidArgument, "")).field, "where");
  EXPECT_EQ(in_field("", field_error(ErrorCode::kInvalidArgument, "k", "")).field, "k");
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> quarter(int number, int& reached) {
  TRY_ASSIGN(const int once, half(number));
  ++reached;
  TRY(half(once));
  ++reached;
  return half(once);
}

TEST(Result, TryLeavesAtTheFirstErrorAndNotBefore) {
  int reached = 0;
  EXPECT_EQ(quarter(8, reached).value(), 2);
  EXPECT_EQ(reached, 2);
  reached = 0;
  EXPECT_EQ(quarter(6, reached).error().message, "odd");
  EXPECT_EQ(reached, 1);
  reached = 0;
  EXPECT_FALSE(quarter(7, reached));
  EXPECT_EQ(reached, 0);
}

}  // namespace
}  // namespace sextant
