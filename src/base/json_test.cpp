#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace sextant {
namespace {

Json parsed(std::string_view text) { return parse_json(text).value(); }

TEST(Json, KnowsItsType) {
  EXPECT_EQ(Json().type_name(), "null");
  EXPECT_EQ(Json(true).type_name(), "boolean");
  EXPECT_EQ(Json(1).type_name(), "integer");
  EXPECT_EQ(Json(1.0).type_name(), "number");
  EXPECT_EQ(Json("x").type_name(), "string");
  EXPECT_EQ(Json::array().type_name(), "array");
  EXPECT_EQ(Json(Json::Doubles{1.0}).type_name(), "array");
  EXPECT_EQ(Json::object().type_name(), "object");
}

TEST(Json, UnsignedIntegersAboveTheRangeBecomeDoubles) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Json(kMax).as_integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(Json(kMax + 1).is_double());
  EXPECT_EQ(Json(kMax + 1).as_number(), 0x1p63);
}

TEST(Json, NumbersCompareByValue) {
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_NE(Json(1), Json(1.5));
  EXPECT_NE(Json(1), Json(true));
  EXPECT_EQ(Json(0.0), Json(-0.0));
  constexpr std::int64_t kBeyondDoubles = (std::int64_t{1} << 53) + 1;
  EXPECT_NE(Json(kBeyondDoubles), Json(static_cast<double>(kBeyondDoubles)));
  EXPECT_NE(Json(std::numeric_limits<std::int64_t>::max()), Json(0x1p63));
  EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::min()), Json(-0x1p63));
  EXPECT_NE(Json(0), Json(std::numeric_limits<double>::infinity()));
}

TEST(Json, ObjectsCompareWithoutRegardToOrder) {
  EXPECT_EQ(parsed(R"({"a":1,"b":[2]})"), parsed(R"({"b":[2.0],"a":1})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"a":1,"b":2})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"b":1})"));
  Json ascending;
  Json descending;
  for (int i = 0; i < 100; ++i) {
    ascending.set(std::to_string(i), i);
    descending.set(std::to_string(99 - i), 99 - i);
  }
  EXPECT_EQ(ascending, descending);
  descending.set("50", "other");
  EXPECT_NE(ascending, descending);
}

TEST(Json, PackedAndPlainArraysCompareByElements) {
  const Json packed(Json::Doubles{1.0, 2.5});
  EXPECT_EQ(packed, parsed("[1, 2.5]"));
  EXPECT_NE(packed, parsed("[1, 2.25]"));
  EXPECT_NE(packed, parsed("[1, 2.5, 3]"));
  EXPECT_NE(packed, parsed("[1, \"2.5\"]"));
  EXPECT_EQ(packed, Json(Json::Doubles{1.0, 2.5}));
}

TEST(Json, SetReplacesInPlaceAndKeepsTheOrder) {
  Json object;
  object.set("b", 1).set("a", 2).set("b", Json::Array{3});
  EXPECT_EQ(object.to_string(), R"({"b":[3],"a":2})");
  EXPECT_EQ(object.size(), 2U);
  EXPECT_EQ(*object.find("a"), Json(2));
  EXPECT_EQ(object.find("c"), nullptr);
  EXPECT_EQ(Json(1).find("a"), nullptr);
  EXPECT_TRUE(object.erase("b"));
  EXPECT_FALSE(object.erase("b"));
  EXPECT_FALSE(Json(1).erase("b"));
  EXPECT_EQ(object.to_string(), R"({"a":2})");
}

TEST(Json, ElementsOfPackedArraysReadAsDoubles) {
  Json packed(Json::Doubles{1.0, 2.5});
  EXPECT_TRUE(packed.is_array());
  EXPECT_TRUE(packed.element(0).is_double());
  packed.push_back("x");
  EXPECT_FALSE(packed.is_packed());
  EXPECT_EQ(packed.to_string(), R"([1.0,2.5,"x"])");
  Json null;
  null.push_back(1);
  EXPECT_EQ(null.size(), 1U);
  EXPECT_EQ(null.element(0), Json(1));
  EXPECT_EQ(Json("text").size(), 0U);
}

TEST(Json, ElementsOfPackedIntegersReadAsIntegers) {
  Json packed = Json::packed_integers({1, -2});
  EXPECT_TRUE(packed.is_array());
  EXPECT_EQ(packed.size(), 2U);
  EXPECT_TRUE(packed.element(1).is_integer());
  EXPECT_EQ(packed, Json(Json::Doubles{1.0, -2.0}));
  EXPECT_EQ(packed, (Json(Json::Array{1, -2})));
  EXPECT_NE(packed, (Json(Json::Array{1, "-2"})));
  packed.push_back(2.5);
  EXPECT_FALSE(packed.is_packed());
  EXPECT_EQ(packed.to_string(), "[1,-2,2.5]");
}

TEST(Json, MergePatchAgreesWithRfc7396) {
  const char* const cases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [target, patch, result] : cases) {
    Json value = parsed(target);
    value.merge_patch(parsed(patch));
    EXPECT_EQ(value, parsed(result)) << target << " patched by " << patch << " gave " << value.to_string();
  }
}

}  // namespace
}  // namespace sextant
