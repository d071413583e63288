#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/json.h"
#include "base/random.h"

namespace sextant {
namespace {

std::string float_text(float value) {
  std::string text;
  append_json_float(text, value);
  return text;
}

TEST(JsonWrite, DoublesAreShortestAndNeverLookLikeIntegers) {
  const std::pair<double, const char*> numbers[] = {{1.0, "1.0"},
                                                    {-0.0, "-0.0"},
                                                    {0.1, "0.1"},
                                                    {1e308, "1e+308"},
                                                    {5e-324, "5e-324"},
                                                    {123456789.0, "123456789.0"},
                                                    {1.0 / 3.0, "0.3333333333333333"}};
  for (const auto& [number, text] : numbers) {
    EXPECT_EQ(Json(number).to_string(), text);
    EXPECT_TRUE(parse_json(text).value().is_double());
  }
}

TEST(JsonWrite, IntegersAreExact) {
  EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::min()).to_string(), "-9223372036854775808");
  EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::max()).to_string(), "9223372036854775807");
}

TEST(JsonWrite, WhatIsNoNumberIsWrittenAsNull) {
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).to_string(), "null");
  EXPECT_EQ(Json(-std::numeric_limits<double>::infinity()).to_string(), "null");
  EXPECT_EQ(float_text(std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonWrite, StringsAreEscapedWhereTheyMustBe) {
  EXPECT_EQ(Json(std::string("\"\\/\b\f\n\r\t\x01\x1F\x7Fé", 13)).to_string(),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7Fé\"");
  EXPECT_EQ(Json(std::string("\0", 1)).to_string(), "\"\\u0000\"");
  EXPECT_EQ(Json("").to_string(), "\"\"");
  std::string out = "before";
  append_json_string(out, "x");
  EXPECT_EQ(out, "before\"x\"");
}

TEST(JsonWrite, ContainersAreCompact) {
  EXPECT_EQ(parse_json(R"( { "a" : [ ] , "b\"" : { } , "c" : [ null , true , 1 ] } )").value().to_string(),
            R"({"a":[],"b\"":{},"c":[null,true,1]})");
  EXPECT_EQ(Json(Json::Doubles{1, 2.5}).to_string(), "[1.0,2.5]");
}

TEST(JsonWrite, FloatsReadBackBitForBit) {
  EXPECT_EQ(float_text(0.1F), "0.1");
  EXPECT_EQ(float_text(3.0F), "3");
  EXPECT_EQ(float_text(-0.0F), "-0.0");
  SeededRandom random(7);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (!std::isfinite(value)) continue;
    const auto read = static_cast<float>(parse_json(float_text(value)).value().as_number());
    ASSERT_EQ(std::bit_cast<std::uint32_t>(read), std::bit_cast<std::uint32_t>(value)) << float_text(value);
  }
}

}  // namespace
}  // namespace sextant
