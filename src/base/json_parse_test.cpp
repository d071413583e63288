#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json.h"

namespace sextant {
namespace {

Json parsed(std::string_view text) {
  Result<Json> result = parse_json(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().to_string());
  return result ? *std::move(result) : Json();
}

std::string message(std::string_view text) {
  const Result<Json> result = parse_json(text);
  if (result) return "accepted as " + result->to_string();
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  return result.error().message;
}

TEST(JsonParse, ReadsEveryKindOfValueAtTheRoot) {
  EXPECT_TRUE(parsed("null").is_null());
  EXPECT_EQ(parsed(" true\n").as_bool(), true);
  EXPECT_EQ(parsed("false").as_bool(), false);
  EXPECT_EQ(parsed("\t-12 ").as_integer(), -12);
  EXPECT_EQ(parsed("1.25").as_number(), 1.25);
  EXPECT_EQ(parsed("\"x\"").as_string(), "x");
  EXPECT_EQ(parsed("[]").size(), 0U);
  EXPECT_EQ(parsed("{}").size(), 0U);
}

TEST(JsonParse, KeepsTheOrderOfMembers) {
  EXPECT_EQ(parsed(R"({ "b" : [1, {"c": null}], "a" : "x" })").to_string(),
            R"({"b":[1,{"c":null}],"a":"x"})");
}

TEST(JsonParse, DecodesStrings) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00")").as_string(), "\"\\/\b\f\n\r\té€😀");
  EXPECT_EQ(parsed(R"("a\u0000b")").as_string(), std::string("a\0b", 3));
  EXPECT_EQ(parsed(R"({"k\u0065y":1})").as_object()[0].first, "key");
  const std::string megabytes(3'000'000, 'x');
  EXPECT_EQ(parsed("\"" + megabytes + "\"").as_string(), megabytes);
}

TEST(JsonParse, KeepsIntegersThatFitAndRoundsTheOthers) {
  EXPECT_EQ(parsed("9223372036854775807").as_integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed("-0").as_integer(), 0);
  const std::pair<const char*, double> rounded[] = {
      {"9223372036854775808", 0x1p63},
      {"-9223372036854775809", -0x1p63},
      {"18446744073709551615", 0x1p64},
      {"18446744073709551616 ", 0x1p64},
      {"[123456789012345678901234567890]", 123456789012345678901234567890.0}};
  for (const auto& [text, value] : rounded) {
    const Json json = parsed(text);
    const Json number = json.is_array() ? json.element(0) : json;
    ASSERT_TRUE(number.is_double()) << text;
    EXPECT_EQ(number.as_number(), value);
  }
}

TEST(JsonParse, ReadsFractionsToTheNearestDouble) {
  const std::pair<const char*, double> numbers[] = {
      {"0.1", 0.1},
      {"1e308", 1e308},
      {"1.7976931348623157e308", std::numeric_limits<double>::max()},
      {"5e-324", std::numeric_limits<double>::denorm_min()},
      {"1e-400", 0.0},
      {"1E+2", 100.0},
      {"0.12345678901234567891", 0.12345678901234567891},
      {"3.14159265358979323846264338327950288", 3.14159265358979323846},
      {"9223372036854775808.0", 0x1p63},
      {"0.000000000000000000000000000001234567890123456789", 1.234567890123456789e-30},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
  };
  for (const auto& [text, value] : numbers) {
    ASSERT_TRUE(parsed(text).is_double()) << text;
    EXPECT_EQ(parsed(text).as_number(), value) << text;
  }
  EXPECT_TRUE(std::signbit(parsed("-0.0").as_number()));
}

TEST(JsonParse, RefusesMalformedAndOverflowingNumbers) {
  for (const char* text : {"1e309",
                           "-1e309",
                           "01",
                           "-01",
                           "-",
                           "+1",
                           ".5",
                           "1.",
                           "1.e1",
                           "1e",
                           "1e+",
                           "0x10",
                           "1_000",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "1 2",
                           "00000000000000000000",
                           "012345678901234567890123",
                           "12345678901234567890x",
                           "--12345678901234567890"}) {
    EXPECT_TRUE(message(text).starts_with("invalid JSON: ")) << text << ": " << message(text);
  }
  const std::string too_long(400, '9');
  EXPECT_EQ(message(too_long), "invalid JSON: a number is malformed or overflows a double at byte 0");
}

TEST(JsonParse, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "null x",
                           "tru",
                           "truefalse",
                           "[",
                           "]",
                           "{",
                           "}",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[1}",
                           "{1:2}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\":1]",
                           "{\"a\" 1}",
                           "{,}",
                           "{\"a\":1",
                           "[[1]",
                           "[1]]",
                           "1]",
                           "1],[2",
                           "1,2",
                           "{}{}",
                           "'a'",
                           "\"a",
                           "a\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"a\nb\"",
                           "/* c */1",
                           "[1] // c",
                           "\"a\" \"b\"",
                           "[\"a\":1]",
                           "undefined"}) {
    EXPECT_TRUE(message(text).starts_with("invalid JSON: ")) << text << ": " << message(text);
  }
  EXPECT_TRUE(message(std::string_view("1\0", 2)).starts_with("invalid JSON: "));
  EXPECT_TRUE(message(std::string_view("[1\0]", 4)).starts_with("invalid JSON: "));
  EXPECT_TRUE(message("\xEF\xBB\xBF{}").starts_with("invalid JSON: "))
      << "a byte order mark is no white space";
}

TEST(JsonParse, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(message("{\"a\": 1, \"b\": truth}"), "invalid JSON: unexpected token at byte 14");
  EXPECT_EQ(message("[1, 2] x"), "invalid JSON: text after the value at byte 7");
  EXPECT_EQ(message("1, 2"), "invalid JSON: text after the value at byte 3");
  EXPECT_EQ(message("[1]]"), "invalid JSON: unexpected ']' before byte 4");
  EXPECT_EQ(message(""), "invalid JSON: the text is empty");
  for (const char* text : {"[", "[1", "[1,", "[[1]", "{", "{\"a\"", "{\"a\":1"}) {
    EXPECT_EQ(message(text), "invalid JSON: the text ends inside a value") << text;
  }
  EXPECT_EQ(message("[\"a]"), "invalid JSON: a string is not closed");
  EXPECT_EQ(message("\"\xFF\""), "invalid JSON: the text is not valid UTF-8");
  EXPECT_EQ(message("[0, \"\\q\"]"), "invalid JSON: a string holds a malformed escape sequence at byte 4");
  EXPECT_EQ(message("[1e999]"), "invalid JSON: a number is malformed or overflows a double at byte 1");
}

TEST(JsonParse, RefusesInvalidUtf8) {
  for (const char* text :
       {"\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xE2\x82\"", "{\"\x80\":1}"}) {
    EXPECT_EQ(message(text), "invalid JSON: the text is not valid UTF-8");
  }
  EXPECT_TRUE(is_valid_utf8("é€😀"));
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
}

TEST(JsonParse, RefusesRepeatedKeys) {
  EXPECT_EQ(message(R"([{"a":1,"b":2,"a":3}])"),
            "invalid JSON: key \"a\" occurs twice in the object at byte 1");
  EXPECT_EQ(message(R"({"a":1,"\u0061":2})"), "invalid JSON: key \"a\" occurs twice in the object at byte 0");
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":{"a":2}})"));
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += "\"key" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(parse_json(many + "\"other\":0}"));
  EXPECT_EQ(message(many + "\"key500\":0}"),
            "invalid JSON: key \"key500\" occurs twice in the object at byte 0");
  std::string long_key;
  for (int i = 0; i < 100; ++i) long_key += "é";
  const std::string shown = message("{\"x" + long_key + "\":1,\"x" + long_key + "\":2}");
  EXPECT_TRUE(is_valid_utf8(shown));
  EXPECT_LT(shown.size(), 150U);
}

TEST(JsonParse, LimitsTheDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(64)));
  EXPECT_EQ(message(nested(65)), "invalid JSON: nesting deeper than 64 at byte 64");
  EXPECT_TRUE(parse_json("1", {.max_depth = 0}));
  EXPECT_FALSE(parse_json("{}", {.max_depth = 0}));
  EXPECT_TRUE(parse_json(R"({"a":{}})", {.max_depth = 2}));
  EXPECT_FALSE(parse_json(R"({"a":{"b":[]}})", {.max_depth = 2}));
  EXPECT_TRUE(parse_json(nested(256), {.max_depth = 5000}));
  EXPECT_FALSE(parse_json(nested(257), {.max_depth = 5000}));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
}

TEST(JsonParse, PacksArraysOfEightNumbersWithAFraction) {
  EXPECT_TRUE(parsed("[1.5,2,3,4,5,6,7,8]").is_packed());
  EXPECT_TRUE(parsed("[1,2,3,4,5,6,7,8.0]").is_packed());
  EXPECT_TRUE(parsed("[1,2,3,4,5,6,7,18446744073709551616]").is_packed())
      << "an integer too large is a double";
  EXPECT_FALSE(parsed("[1.5,2,3,4,5,6,7]").is_packed()) << "too short";
  EXPECT_FALSE(parsed("[1.5,2,3,4,5,6,7,\"8\"]").is_packed());
  EXPECT_FALSE(parsed("[null,1.5,2,3,4,5,6,7,8]").is_packed());
  EXPECT_EQ(parsed("[1.5,-2,3,4,5,6,7,8]").as_packed(), (Json::Doubles{1.5, -2, 3, 4, 5, 6, 7, 8}));
}

TEST(JsonParse, PacksEightIntegersThatStayIntegers) {
  const std::string text = "[1,-2,3,4,5,6,9007199254740992,-9007199254740992,0]";
  const Json json = parsed(text);
  EXPECT_TRUE(json.is_packed());
  EXPECT_EQ(json.to_string(), text);
  EXPECT_TRUE(json.element(0).is_integer());
  EXPECT_EQ(json.element(1).as_integer(), -2);
  EXPECT_EQ(json.as_packed()[6], 0x1p53);
  EXPECT_EQ(json, parsed("[1.0,-2,3,4,5,6,9007199254740992,-9007199254740992,0]"));
  EXPECT_NE(json, parsed("[1,-2,3,4,5,6,9007199254740993,-9007199254740992,0]"));
  EXPECT_FALSE(parsed("[1,2,3,4,5,6,7]").is_packed()) << "too short";
  EXPECT_FALSE(parsed("[1,2,3,4,5,6,7,8,9007199254740993]").is_packed()) << "a double would round it";
  EXPECT_TRUE(parsed("[1,2,3,4,5,6,7,8,9007199254740993,0.5]").is_packed()) << "all are doubles then";
}

TEST(JsonParse, LimitsTheValuesOutsideOfPackedArrays) {
  const JsonLimits ten{.max_values = 10};
  const auto repeated = [](std::string_view element, int count) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) text.append(i == 0 ? "" : ",").append(element);
    return text + "]";
  };
  for (const char* element : {"null", "\"\"", "[]", "{}", "true", "9007199254740993"}) {
    EXPECT_TRUE(parse_json(repeated(element, 10), ten)) << element;
    EXPECT_EQ(parse_json(repeated(element, 11), ten).error().message,
              "invalid JSON: more than 10 values (numbers in long arrays not counted)")
        << element;
  }
  EXPECT_TRUE(parse_json(repeated("1", 1000), ten));
  EXPECT_TRUE(parse_json(repeated("0.5", 1000), ten));
  EXPECT_TRUE(parse_json(repeated(repeated("1", 1000), 2), ten));
  EXPECT_FALSE(parse_json(repeated("1", 1000) + "x", ten));
  const std::string ends_otherwise = repeated("1", 1000);
  EXPECT_FALSE(parse_json(ends_otherwise.substr(0, ends_otherwise.size() - 1) + ",null]", ten));
  EXPECT_FALSE(parse_json(repeated(R"({"a":0.5})", 6), ten)) << "members count";
  EXPECT_TRUE(parse_json(repeated(R"({"a":0.5})", 5), ten));
  EXPECT_TRUE(parse_json(repeated("[0.5]", 5), ten)) << "short arrays count";
  EXPECT_FALSE(parse_json(repeated("[0.5]", 6), ten));
}

TEST(JsonParse, ArraysThatAreNotPackedKeepTheirIntegersExact) {
  for (const char* text : {"[9007199254740993,1.5,9007199254740993]", "[1.5,9007199254740993,\"x\",2.5,1]",
                           "[1,2,3,4,5,6,7,8.5,9007199254740993,null]", "[1,2,3,4,5,6,7,8,9,null]",
                           "[1,2,3,4,5,6,7,8,0.5,9,10.0,\"x\",0.25]", "[1,2,3,4,5,6,7,8,9007199254740993,[]]",
                           "[1.5,2.5,3.5,4.5,5.5,6.5,7.5,8.5,9,[]]"}) {
    EXPECT_EQ(parsed(text).to_string(), text);
    EXPECT_FALSE(parsed(text).is_packed());
  }
}

TEST(JsonParse, AnErrorLeavesTheNextTextUnharmed) {
  EXPECT_FALSE(parse_json("[[[\"a\\q\"]]]"));
  EXPECT_EQ(parsed("[[\"a\"]]").to_string(), "[[\"a\"]]");
  EXPECT_FALSE(parse_json("\"" + std::string(2'000'000, 'x')));
  EXPECT_EQ(parsed("1").as_integer(), 1);
}

}  // namespace
}  // namespace sextant
