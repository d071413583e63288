#include "server/uri.h"

#include <gtest/gtest.h>

namespace sextant {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Uri, SplitsAPathIntoRawSegmentsAndAQuery) {
  const auto target = split_target("/v1/libraries/a%2Fb/documents?limit=3&x");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->segments, (std::vector<std::string_view>{"v1", "libraries", "a%2Fb", "documents"}));
  EXPECT_EQ(target->query, "limit=3&x");
  EXPECT_EQ(split_target("/")->segments, std::vector<std::string_view>{""});
  EXPECT_EQ(split_target("/v1/")->segments.size(), 2U);
  EXPECT_EQ(split_target("/?a=1")->segments, std::vector<std::string_view>{""});
}

TEST(Uri, RefusesTargetsThatAreNoPaths) {
  for (const char* target : {"", "*", "http://host/v1", "v1"}) {
    EXPECT_FALSE(split_target(target).has_value()) << target;
  }
}

TEST(Uri, DecodesPercentEncoding) {
  EXPECT_EQ(percent_decode("a%2Fb%20c%C3%A9+d").value(), "a/b c\xC3\xA9+d");
  EXPECT_EQ(percent_decode("%41").value(), "A");
  EXPECT_EQ(percent_decode("").value(), "");
}

TEST(Uri, RefusesWhatDoesNotDecodeToText) {
  for (const char* text : {"%", "%4", "a%zz", "%ff", "%C3", "%00"}) {
    const auto decoded = percent_decode(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Uri, ReadsQueryParametersAsFormsWriteThem) {
  EXPECT_EQ(parse_query("where=%7B%22a%22%3A+1%7D&count=true&&flag").value(),
            (Pairs{{"where", "{\"a\": 1}"}, {"count", "true"}, {"flag", ""}}));
  EXPECT_EQ(parse_query("").value(), Pairs{});
  EXPECT_EQ(parse_query("a=b=c").value(), (Pairs{{"a", "b=c"}}));
}

TEST(Uri, RefusesAParameterThatIsGivenTwice) {
  const auto query = parse_query("limit=1&limit=2");
  ASSERT_FALSE(query.has_value());
  EXPECT_EQ(query.error().field, "limit");
  EXPECT_FALSE(parse_query("a=%").has_value());
}

}  // namespace
}  // namespace sextant
