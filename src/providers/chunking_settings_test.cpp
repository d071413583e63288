#include "providers/chunking_settings.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

Error error_of(std::string_view json) {
  const auto parsed = parse_chunking(parse_json(json).value());
  return parsed ? Error{} : parsed.error();
}

TEST(ChunkingSettings, DefaultsAreTheChunkersOwn) {
  for (const Json& settings : {Json(), Json::object()}) {
    const auto parsed = parse_chunking(settings);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_TRUE(parsed->markdown);
    EXPECT_EQ(parsed->sizes.max_bytes, ChunkingOptions().max_bytes);
    EXPECT_EQ(parsed->sizes.min_bytes, ChunkingOptions().min_bytes);
  }
}

TEST(ChunkingSettings, TakeWhatIsGiven) {
  const auto parsed =
      parse_chunking(parse_json(R"({"format": "plain", "max_bytes": 500, "min_bytes": 500})").value());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_FALSE(parsed->markdown);
  EXPECT_EQ(parsed->sizes.max_bytes, 500U);
  EXPECT_EQ(parsed->sizes.min_bytes, 500U);
}

TEST(ChunkingSettings, ASmallMaximumLowersTheDefaultMinimum) {
  const auto parsed = parse_chunking(parse_json(R"({"max_bytes": 64})").value());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->sizes.min_bytes, 64U);
}

TEST(ChunkingSettings, NameWhatIsWrong) {
  EXPECT_EQ(error_of("[]").field, "chunking");
  EXPECT_EQ(error_of(R"({"size": 3})").field, "chunking.size");
  EXPECT_EQ(error_of(R"({"format": "html"})").field, "chunking.format");
  EXPECT_EQ(error_of(R"({"format": 1})").field, "chunking.format");
  EXPECT_EQ(error_of(R"({"max_bytes": 100.5})").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of(R"({"max_bytes": 63})").code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error_of(R"({"max_bytes": 1048577})").message, "is 1048577, allowed are 64 to 1048576 bytes");
  EXPECT_EQ(error_of(R"({"min_bytes": -1})").code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error_of(R"({"max_bytes": 100, "min_bytes": 101})").field, "chunking.min_bytes");
}

}  // namespace
}  // namespace sextant
