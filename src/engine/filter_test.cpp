#include "engine/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sextant {
namespace {

Json json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().to_string());
  return parsed ? *parsed : Json();
}

Filter where(std::string_view text) {
  auto filter = parse_where(json(text));
  EXPECT_TRUE(filter) << text << ": " << (filter ? "" : filter.error().to_string());
  return filter ? *filter : Filter();
}

bool matches(std::string_view filter, std::string_view metadata) {
  const Json row = json(metadata);
  return where(filter).matches({.chunk_metadata = &row});
}

bool text_matches(std::string_view filter, std::string_view text) {
  const auto parsed = parse_where_document(json(filter));
  EXPECT_TRUE(parsed) << filter << ": " << (parsed ? "" : parsed.error().to_string());
  return parsed && parsed->matches({.text = text});
}

// ---- Operators and types ----

// The rows of the truth table, one a type or a side of it.
constexpr std::array<std::string_view, 12> kRows = {
    R"({})",        R"({"k": null})",    R"({"k": false})", R"({"k": true})", R"({"k": 0})",
    R"({"k": 1})",  R"({"k": 1.5})",     R"({"k": ""})",    R"({"k": "ab"})", R"({"k": ["ab", 1, null]})",
    R"({"k": []})", R"({"k": {"a": 1}})"};

struct TruthCase {
  std::string_view condition;
  std::string_view expected;  // a letter a row: 'x' matches
};

//                             absent null false true 0 1 1.5 "" "ab" [..] [] {..}
constexpr auto kTruth = std::to_array<TruthCase>({
    {R"(null)", "xx.........."},
    {R"(false)", "..x........."},
    {R"(true)", "...x........"},
    {R"(0)", "....x......."},
    {R"(1)", ".....x......"},
    {R"(1.0)", ".....x......"},
    {R"(1.5)", "......x....."},
    {R"("")", ".......x...."},
    {R"("ab")", "........x..."},
    {R"(["ab", 1, null])", ".........x.."},
    {R"([1, "ab", null])", "............"},
    {R"([])", "..........x."},
    {R"({"$eq": null})", "xx.........."},
    {R"({"$eq": true})", "...x........"},
    {R"({"$eq": 1.0})", ".....x......"},
    {R"({"$eq": "ab"})", "........x..."},
    {R"({"$eq": ["ab", 1.0, null]})", ".........x.."},
    {R"({"$eq": {"a": 1.0}})", "...........x"},
    {R"({"$eq": {}})", "............"},
    {R"({"$ne": null})", "..xxxxxxxxxx"},
    {R"({"$ne": true})", "xxx.xxxxxxxx"},
    {R"({"$ne": 1})", "xxxxx.xxxxxx"},
    {R"({"$ne": "ab"})", "xxxxxxxx.xxx"},
    {R"({"$ne": []})", "xxxxxxxxxx.x"},
    {R"({"$ne": {"a": 1}})", "xxxxxxxxxxx."},
    {R"({"$gt": 0})", ".....xx....."},
    {R"({"$gt": 1})", "......x....."},
    {R"({"$gt": 0.5})", ".....xx....."},
    {R"({"$gt": ""})", "........x..."},
    {R"({"$gt": false})", "...x........"},
    {R"({"$gte": 1})", ".....xx....."},
    {R"({"$gte": "ab"})", "........x..."},
    {R"({"$gte": false})", "..xx........"},
    {R"({"$lt": 1})", "....x......."},
    {R"({"$lt": 1.5})", "....xx......"},
    {R"({"$lt": "ab"})", ".......x...."},
    {R"({"$lt": true})", "..x........."},
    {R"({"$lte": 1})", "....xx......"},
    {R"({"$lte": "b"})", ".......xx..."},
    {R"({"$lte": true})", "..xx........"},
    {R"({"$in": []})", "............"},
    {R"({"$in": [null]})", "xx.........."},
    {R"({"$in": [true, 1.0, "ab"]})", "...x.x..x..."},
    {R"({"$in": [0, 1.5, false]})", "..x.x.x....."},
    {R"({"$in": [[], {"a": 1}]})", "..........xx"},
    {R"({"$nin": []})", "xxxxxxxxxxxx"},
    {R"({"$nin": [null]})", "..xxxxxxxxxx"},
    {R"({"$nin": [true, 1, "ab"]})", "xxx.x.xx.xxx"},
    {R"({"$exists": true})", ".xxxxxxxxxxx"},
    {R"({"$exists": false})", "x..........."},
    {R"({"$contains": "ab"})", "........xx.."},
    {R"({"$contains": "b"})", "........x..."},
    {R"({"$contains": ""})", ".......xx..."},
    {R"({"$contains": 1.0})", ".........x.."},
    {R"({"$contains": true})", "............"},
    {R"({"$not_contains": "ab"})", "xxxxxxxx..xx"},
    {R"({"$not_contains": 1})", "xxxxxxxxx.xx"},
    {R"({"$regex": "b$"})", "........x..."},
    {R"({"$regex": ""})", ".......xx..."},
    {R"({"$not_regex": "^a"})", "xxxxxxxx.xxx"},
    {R"({"$not": {"$gt": 0}})", "xxxxx..xxxxx"},
    {R"({"$not": {"$not": {"$gt": 0}}})", ".....xx....."},
    {R"({"$not": {"$gte": 0, "$lt": 1.5}})", "xxxx..xxxxxx"},
    {R"({"$gte": 0, "$lt": 1.5, "$ne": 1})", "....x......."},
});

TEST(Filter, HoldsItsTruthTable) {
  for (const TruthCase& test : kTruth) {
    const std::string filter = R"({"k": )" + std::string(test.condition) + "}";
    std::string actual;
    for (const std::string_view row : kRows) actual += matches(filter, row) ? 'x' : '.';
    EXPECT_EQ(actual, test.expected) << filter;
  }
}

TEST(Filter, ComparesLargeIntegersWithDoublesExactly) {
  // 2^53 is the double next to 2^53 + 1, and 2^63 the one next to the largest int64.
  EXPECT_FALSE(matches(R"({"k": 9007199254740992.0})", R"({"k": 9007199254740993})"));
  EXPECT_TRUE(matches(R"({"k": {"$gt": 9007199254740992.0}})", R"({"k": 9007199254740993})"));
  EXPECT_FALSE(matches(R"({"k": {"$lte": 9007199254740992.0}})", R"({"k": 9007199254740993})"));
  EXPECT_TRUE(matches(R"({"k": {"$lt": 9007199254740993}})", R"({"k": 9007199254740992.0})"));
  EXPECT_FALSE(matches(R"({"k": {"$in": [9007199254740992.0]}})", R"({"k": 9007199254740993})"));
  EXPECT_TRUE(matches(R"({"k": {"$in": [9007199254740992.0]}})", R"({"k": 9007199254740992})"));
  EXPECT_TRUE(matches(R"({"k": {"$in": [9007199254740992]}})", R"({"k": 9007199254740992.0})"));
  EXPECT_TRUE(matches(R"({"k": {"$lt": 9.2233720368547758e18}})", R"({"k": 9223372036854775807})"));
  EXPECT_FALSE(matches(R"({"k": 9.2233720368547758e18})", R"({"k": 9223372036854775807})"));
  EXPECT_TRUE(matches(R"({"k": -9.2233720368547758e18})", R"({"k": -9223372036854775808})"));
  EXPECT_TRUE(matches(R"({"k": {"$gt": -1e300}})", R"({"k": -9223372036854775808})"));
  EXPECT_TRUE(matches(R"({"k": {"$gt": -3.5}})", R"({"k": -3})"));
  EXPECT_TRUE(matches(R"({"k": {"$lt": -3.5}})", R"({"k": -4})"));
  EXPECT_TRUE(matches(R"({"k": 0})", R"({"k": -0.0})"));
}

TEST(Filter, OrdersStringsByBytes) {
  EXPECT_TRUE(matches(R"({"k": {"$gt": "Z"}})", R"({"k": "a"})"));
  EXPECT_TRUE(matches(R"({"k": {"$gt": "z"}})", R"({"k": "é"})"));
  EXPECT_TRUE(matches(R"({"k": {"$lt": "2024-02"}})", R"({"k": "2024-01-31"})"));
}

TEST(Filter, LooksForElementsInPackedArrays) {
  constexpr std::string_view kRow = R"({"k": [0.5, 1, 2, 3, 4, 5, 6, 7]})";
  EXPECT_TRUE(matches(R"({"k": {"$contains": 3}})", kRow));
  EXPECT_TRUE(matches(R"({"k": {"$contains": 0.5}})", kRow));
  EXPECT_FALSE(matches(R"({"k": {"$contains": 8}})", kRow));
  EXPECT_FALSE(matches(R"({"k": {"$contains": "3"}})", kRow));
  EXPECT_TRUE(matches(R"({"k": [0.5, 1, 2, 3, 4, 5, 6, 7.0]})", kRow));
  EXPECT_TRUE(matches(R"({"k": {"$in": [0.5, 1, 2, 3, 4, 5, 6, 7]}})", R"({"k": 7})"));
}

TEST(Filter, FindsEveryValueOfALongListAndNoOther) {
  constexpr int kPrime = 10007;
  const auto in_list = [](int i) { return (i * 1721) % kPrime < 1000; };
  std::string values = "null";
  for (int i = 0; i < kPrime; ++i) {
    const int value = (i * 7919) % kPrime;  // in no order
    if (in_list(value))
      values += value % 2 == 0 ? "," + std::to_string(value) : ",\"" + std::to_string(value) + '"';
  }
  const Filter filter = where(R"({"k": {"$in": [)" + values + "]}}");
  for (int i = 0; i < kPrime; ++i) {
    Json number;
    number.set("k", i);
    Json text;
    text.set("k", std::to_string(i));
    EXPECT_EQ(filter.matches({.chunk_metadata = &number}), in_list(i) && i % 2 == 0) << i;
    EXPECT_EQ(filter.matches({.chunk_metadata = &text}), in_list(i) && i % 2 != 0) << i;
  }
}

TEST(Filter, SearchesRegularExpressionsAnywhereInUtf8) {
  EXPECT_TRUE(matches(R"({"k": {"$regex": "^.{4}$"}})", R"({"k": "éüñ字"})"));
  EXPECT_TRUE(matches(R"({"k": {"$regex": "(?i)ÉTÉ"}})", R"({"k": "un été chaud"})"));
  EXPECT_TRUE(matches(R"({"k": {"$regex": "\\p{Han}"}})", R"({"k": "abc字"})"));
  EXPECT_FALSE(matches(R"({"k": {"$regex": "^b"}})", R"({"k": "ab"})"));
  // Exponential for a backtracking matcher.
  const std::string row = R"({"k": ")" + std::string(50'000, 'a') + "\"}";
  EXPECT_FALSE(matches(R"({"k": {"$regex": "(a*)*(a|aa)+b"}})", row));
}

// ---- Keys ----

TEST(Filter, DescendsDottedPathsUnlessTheKeyIsLiteral) {
  EXPECT_TRUE(matches(R"({"a.b": 1})", R"({"a": {"b": 1}})"));
  EXPECT_TRUE(matches(R"({"a.b.c": 1})", R"({"a": {"b": {"c": 1}}})"));
  EXPECT_TRUE(matches(R"({"a.b.c": 1})", R"({"a": {"b.c": 1, "b": {"c": 2}}})"));
  EXPECT_TRUE(matches(R"({"a.b": 1})", R"({"a.b": 1, "a": {"b": 2}})"));
  EXPECT_FALSE(matches(R"({"a.b": 2})", R"({"a.b": 1, "a": {"b": 2}})"));
  EXPECT_FALSE(matches(R"({"a.b": {"$exists": true}})", R"({"a": 1})"));
  EXPECT_FALSE(matches(R"({"a.b": {"$exists": true}})", R"({"a": [{"b": 1}]})"));
  EXPECT_FALSE(matches(R"({"a.0": {"$exists": true}})", R"({"a": [5]})"));
  EXPECT_FALSE(matches(R"({"a.": {"$exists": true}})", R"({"a": {"b": 1}})"));
  EXPECT_TRUE(matches(R"({"a.": 1})", R"({"a": {"": 1}})"));
  EXPECT_TRUE(matches(R"({"": 1})", R"({"": 1})"));
}

TEST(Filter, LetsAChunkHideItsDocumentKeyByKey) {
  const Json chunk = json(R"({"a": 1, "n": null, "o": {"x": 1}})");
  const Json document = json(R"({"a": 2, "b": 3, "n": 4, "o": {"y": 2}, "o.z": 5})");
  const FilterRow row{&chunk, &document, {}};
  EXPECT_TRUE(where(R"({"a": 1, "b": 3, "n": null, "o.x": 1, "o.z": 5})").matches(row));
  EXPECT_FALSE(where(R"({"a": 2})").matches(row));
  EXPECT_FALSE(where(R"({"n": 4})").matches(row));
  EXPECT_FALSE(where(R"({"o.y": {"$exists": true}})").matches(row)) << "objects are hidden whole, not merged";
  EXPECT_TRUE(where(R"({"a": 2})").matches({nullptr, &document, {}}));
  EXPECT_TRUE(where(R"({"a": {"$exists": false}})").matches({}));
}

// ---- Logic ----

TEST(Filter, CombinesConditions) {
  constexpr std::string_view kRow = R"({"a": 1, "b": 2})";
  EXPECT_TRUE(matches(R"({})", kRow));
  EXPECT_TRUE(matches(R"({"a": 1, "b": 2})", kRow));
  EXPECT_FALSE(matches(R"({"a": 1, "b": 3})", kRow));
  EXPECT_TRUE(matches(R"({"$and": [{"a": 1}, {"b": 2}]})", kRow));
  EXPECT_FALSE(matches(R"({"$and": [{"a": 1}, {"b": 3}]})", kRow));
  EXPECT_TRUE(matches(R"({"$or": [{"a": 7}, {"b": 2}]})", kRow));
  EXPECT_FALSE(matches(R"({"$or": [{"a": 7}, {"b": 3}]})", kRow));
  EXPECT_TRUE(matches(R"({"$or": [{"a": 7}, {}]})", kRow));
  EXPECT_TRUE(matches(R"({"$not": {"a": 7, "b": 2}})", kRow));
  EXPECT_FALSE(matches(R"({"$not": {}})", kRow));
  EXPECT_TRUE(matches(R"({"a": 1, "$or": [{"b": 2}, {"b": 3}], "$not": {"c": 1}})", kRow));
}

TEST(Filter, AsksTheText) {
  EXPECT_TRUE(text_matches(R"({})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$contains": "thin"})", "anything"));
  EXPECT_FALSE(text_matches(R"({"$contains": "Thin"})", "anything"));
  EXPECT_FALSE(text_matches(R"({"$not_contains": "thin"})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$contains": "any", "$not_contains": "none"})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$regex": "^any.*g$"})", "anything"));
  EXPECT_FALSE(text_matches(R"({"$not_regex": "^any"})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$or": [{"$contains": "x"}, {"$and": [{"$contains": "a"}]}]})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$not": {"$contains": "x"}})", "anything"));
  EXPECT_TRUE(text_matches(R"({"$contains": ""})", ""));
  EXPECT_TRUE(text_matches(R"({"$regex": "^$"})", {}));
}

TEST(Filter, ReachesTheTextFromWhere) {
  const Json row = json(R"({"year": 2024})");
  const Filter filter =
      where(R"({"$or": [{"year": 1999}, {"#document": {"$contains": "cat", "$not_regex": "dog"}}]})");
  EXPECT_TRUE(filter.needs_text());
  EXPECT_TRUE(filter.matches({&row, nullptr, "a cat"}));
  EXPECT_FALSE(filter.matches({&row, nullptr, "a cat and a dog"}));
}

TEST(Filter, KnowsWhetherItNeedsText) {
  EXPECT_TRUE(Filter().matches_everything());
  EXPECT_FALSE(Filter().needs_text());
  EXPECT_TRUE(where("{}").matches_everything());
  EXPECT_FALSE(where(R"({"$not": {"a": 1}})").needs_text());
  EXPECT_TRUE(where(R"({"$and": [{"a": 1}, {"$not": {"#document": {"$contains": "x"}}}]})").needs_text());
}

TEST(Filter, JoinsTwoFilters) {
  const Json row = json(R"({"a": 1})");
  const Filter a = where(R"({"a": 1})");
  const Filter text = *parse_where_document(json(R"({"$contains": "x"})"));
  EXPECT_TRUE(Filter::all_of({}, {}).matches_everything());
  EXPECT_TRUE(Filter::all_of(a, {}).matches({.chunk_metadata = &row}));
  EXPECT_FALSE(Filter::all_of({}, a).matches({}));
  for (const Filter& both : {Filter::all_of(a, text), Filter::all_of(text, a)}) {
    EXPECT_TRUE(both.needs_text());
    EXPECT_TRUE(both.matches({&row, nullptr, "xy"}));
    EXPECT_FALSE(both.matches({&row, nullptr, "y"}));
    EXPECT_FALSE(both.matches({nullptr, nullptr, "xy"}));
  }
}

// ---- Errors ----

struct ErrorCase {
  std::string_view filter;
  std::string_view field;
  std::string_view message;  // part of it
};

constexpr auto kWhereErrors = std::to_array<ErrorCase>({
    {R"(null)", "where", "must be an object of conditions, not null"},
    {R"([])", "where", "not array"},
    {R"({"$nor": []})", "where.$nor", "'$nor' is no operator here; known are $and, $or, $not"},
    {R"({"$eq": 1})", "where.$eq", "known are $and, $or, $not"},
    {R"({"year": {"$gtt": 5}})", "where.year.$gtt",
     "known are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists"},
    {R"({"year": {"gte": 5}})", "where.year.gte", "'gte' is no operator here"},
    {R"({"year": {"$and": [{"$gt": 1}]}})", "where.year.$and", "is no operator here"},
    {R"({"year": {}})", "where.year", "has no operator"},
    {R"({"$and": [{"a": 1}, {"year": {"$gt": null}}]})", "where.$and[1].year.$gt", "a boolean, not null"},
    {R"({"a.b": {"$lt": []}})", "where.a.b.$lt", "not array"},
    {R"({"a": {"$lte": {}}})", "where.a.$lte", "not object"},
    {R"({"a": {"$in": 5}})", "where.a.$in", "must be an array of values, not integer"},
    {R"({"a": {"$nin": "x"}})", "where.a.$nin", "must be an array of values, not string"},
    {R"({"a": {"$exists": 1}})", "where.a.$exists", "must be true or false, not integer"},
    {R"({"a": {"$contains": ["x"]}})", "where.a.$contains",
     "must be a string, a number or a boolean, not array"},
    {R"({"a": {"$not_contains": null}})", "where.a.$not_contains", "not null"},
    {R"({"a": {"$regex": 5}})", "where.a.$regex", "must be a string, not integer"},
    {R"({"a": {"$regex": "a(b"}})", "where.a.$regex",
     "'a(b' is not a regular expression (RE2): missing ): a(b"},
    {R"x({"a": {"$not_regex": "(?=a)"}})x", "where.a.$not_regex", "'(?=a)' is not a regular expression"},
    {R"({"a": {"$regex": "((a{100}){100}){100}"}})", "where.a.$regex", "is not a regular expression"},
    {R"({"a": {"$regex": "(\\p{L}{30}){10}"}})", "where.a.$regex", "pattern too large"},
    {R"({"a": {"$not": 5}})", "where.a.$not", "must be an object of conditions, not integer"},
    {R"({"a": {"$not": {}}})", "where.a.$not", "has no operator"},
    {R"({"a": {"$not": {"$foo": 1}}})", "where.a.$not.$foo", "is no operator here"},
    {R"({"$and": {}})", "where.$and", "must be an array of at least one object, not object"},
    {R"({"$or": []})", "where.$or", "not an empty one"},
    {R"({"$or": [{"a": 1}, 5]})", "where.$or[1]", "must be an object of conditions, not integer"},
    {R"({"$not": [{"a": 1}]})", "where.$not", "must be an object of conditions, not array"},
    {R"({"$not": {"$or": [{"$not": {"a": {"$x": 1}}}]}})", "where.$not.$or[0].$not.a.$x",
     "is no operator here"},
    {R"({"#document": "cat"})", "where.#document", "must be an object of conditions, not string"},
    {R"({"#document": {"$eq": "cat"}})", "where.#document.$eq",
     "known are $contains, $not_contains, $regex, $not_regex"},
});

constexpr auto kTextErrors = std::to_array<ErrorCase>({
    {R"("cat")", "where_document", "must be an object of conditions, not string"},
    {R"({"$eq": "cat"})", "where_document.$eq",
     "known are $contains, $not_contains, $regex, $not_regex, $and, $or, $not"},
    {R"({"title": "cat"})", "where_document.title", "'title' is no operator here"},
    {R"({"$contains": 5})", "where_document.$contains", "must be a string, not integer"},
    {R"({"$and": [{"$contains": "a"}, {"$not_contains": ["b"]}]})", "where_document.$and[1].$not_contains",
     "not array"},
    {R"({"$or": []})", "where_document.$or", "at least one object"},
    {R"({"$regex": "["})", "where_document.$regex", "'[' is not a regular expression (RE2): missing ]"},
    {R"({"$not": "x"})", "where_document.$not", "must be an object"},
});

void expect_error(const Result<Filter>& parsed, ErrorCode code, const ErrorCase& expected) {
  ASSERT_FALSE(parsed) << expected.filter;
  EXPECT_EQ(parsed.error().code, code) << expected.filter;
  EXPECT_EQ(parsed.error().field, expected.field) << expected.filter;
  EXPECT_NE(parsed.error().message.find(expected.message), std::string::npos) << parsed.error().message;
}

TEST(Filter, NamesThePathAtFault) {
  for (const ErrorCase& test : kWhereErrors) {
    expect_error(parse_where(json(test.filter)), ErrorCode::kInvalidArgument, test);
  }
  for (const ErrorCase& test : kTextErrors) {
    expect_error(parse_where_document(json(test.filter)), ErrorCode::kInvalidArgument, test);
  }
  expect_error(parse_where(json(R"({"a": {"$x": 1}})"), "queries[2].where"), ErrorCode::kInvalidArgument,
               {"", "queries[2].where.a.$x", "'$x'"});
}

std::string nested_not(int levels) {
  std::string text = R"({"a": 1})";
  for (int i = 0; i < levels; ++i) text = R"({"$not": )" + text + "}";
  return text;
}

TEST(Filter, LimitsItsDepth) {
  EXPECT_TRUE(parse_where(json(nested_not(15))));
  const auto refused = parse_where(json(nested_not(16)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(refused.error().message, "a filter nests at most 16 objects deep");
  EXPECT_TRUE(refused.error().field.starts_with("where.$not.$not"));
  const FilterLimits two{.max_depth = 2};
  EXPECT_TRUE(parse_where(json(R"({"a": {"$gt": 1}})"), "where", two));
  EXPECT_FALSE(parse_where(json(R"({"a": {"$not": {"$gt": 1}}})"), "where", two));
  EXPECT_FALSE(parse_where(json(R"({"$or": [{"a": {"$gt": 1}}]})"), "where", two));
  EXPECT_TRUE(parse_where(json(R"({"#document": {"$contains": "a"}})"), "where", two));
  EXPECT_FALSE(parse_where(json(R"({"#document": {"$not": {"$contains": "a"}}})"), "where", two));
  EXPECT_FALSE(
      parse_where_document(json(R"({"$or": [{"$not": {"$contains": "a"}}]})"), "where_document", two));
}

std::string many(std::string_view first, std::string_view one, int times, std::string_view last) {
  std::string text(first);
  for (int i = 0; i < times; ++i) text.append(i == 0 ? "" : ", ").append(one);
  return text.append(last);
}

TEST(Filter, LimitsItsConditions) {
  // The $in and the $or count as one each.
  EXPECT_TRUE(parse_where(json(many(R"({"a": {"$in": [)", "1", 1023, "]}}"))));
  expect_error(parse_where(json(many(R"({"a": {"$in": [)", "1", 1024, "]}}"))), ErrorCode::kLimitExceeded,
               {"", "where.a.$in", "at most 1024 conditions"});
  EXPECT_TRUE(parse_where(json(many(R"({"$or": [)", R"({"a": 1})", 1023, "]}"))));
  expect_error(parse_where(json(many(R"({"$or": [)", R"({"a": 1})", 1024, "]}"))), ErrorCode::kLimitExceeded,
               {"", "where.$or[1023].a", "at most 1024 conditions"});
  EXPECT_FALSE(parse_where_document(json(many(R"({"$or": [)", R"({"$contains": "a"})", 1024, "]}"))));
}

TEST(Filter, LimitsItsPatterns) {
  const auto pattern = [](std::size_t bytes) {
    return json(R"({"a": {"$regex": ")" + std::string(bytes, 'x') + R"("}})");
  };
  EXPECT_TRUE(parse_where(pattern(1000)));
  expect_error(parse_where(pattern(1001)), ErrorCode::kLimitExceeded,
               {"", "where.a.$regex", "the pattern has 1001 bytes; at most 1000 are allowed"});
  EXPECT_TRUE(parse_where_document(json(many(R"({"$or": [)", R"({"$regex": "a"})", 32, "]}"))));
  expect_error(parse_where_document(json(many(R"({"$or": [)", R"({"$regex": "a"})", 33, "]}"))),
               ErrorCode::kLimitExceeded, {"", "where_document.$or[32].$regex", "at most 32 patterns"});
}

}  // namespace
}  // namespace sextant
