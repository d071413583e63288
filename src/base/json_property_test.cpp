#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>

#include "base/json.h"

namespace sextant {
namespace {

/// Valid UTF-8 of any scalar values, those that must be escaped well represented.
rc::Gen<std::string> any_text() {
  const auto character = rc::gen::weightedOneOf<std::string>(
      {{4,
        rc::gen::map(rc::gen::inRange(0, 0x80), [](int c) { return std::string(1, static_cast<char>(c)); })},
       {1, rc::gen::element<std::string>("\"", "\\", "é", "€", "\xED\x9F\xBF", "\xEE\x80\x80", "😀",
                                         "\xF4\x8F\xBF\xBF")}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(character), [](const auto& characters) {
    std::string text;
    for (const std::string& c : characters) text += c;
    return text;
  });
}

/// Any finite double, by its bits.
rc::Gen<double> any_double() {
  return rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits * 0x9E3779B97F4A7C15ULL);
    return std::isfinite(value) ? value : 0.5;
  });
}

rc::Gen<Json> any_json(int depth) {
  const auto scalar =
      rc::gen::oneOf(rc::gen::just(Json()), rc::gen::map<bool>([](bool value) { return Json(value); }),
                     rc::gen::map<std::int64_t>([](std::int64_t value) { return Json(value); }),
                     rc::gen::map(any_double(), [](double value) { return Json(value); }),
                     rc::gen::map(any_text(), [](std::string value) { return Json(std::move(value)); }));
  if (depth == 0) return scalar;
  const auto array = rc::gen::map(rc::gen::scale(0.1, rc::gen::container<Json::Array>(any_json(depth - 1))),
                                  [](Json::Array elements) { return Json(std::move(elements)); });
  const auto numbers = rc::gen::map(rc::gen::container<Json::Doubles>(any_double()),
                                    [](Json::Doubles elements) { return Json(std::move(elements)); });
  const auto integers =
      rc::gen::map(rc::gen::container<std::vector<std::int64_t>>(rc::gen::arbitrary<std::int64_t>()),
                   [](const std::vector<std::int64_t>& elements) {
                     return Json(Json::Array(elements.begin(), elements.end()));
                   });
  const auto object =
      rc::gen::map(rc::gen::container<std::vector<std::string>>(any_text()), [](const auto& keys) {
        Json members = Json::object();
        for (const std::string& key : keys) members.set(key, static_cast<std::int64_t>(key.size()));
        return members;
      });
  const auto nested = rc::gen::map(rc::gen::pair(any_text(), any_json(depth - 1)), [](const auto& member) {
    Json outer = Json::object();
    outer.set(member.first, member.second);
    return outer;
  });
  return rc::gen::oneOf(scalar, array, numbers, integers, object, nested);
}

TEST(JsonProperty, WhatIsWrittenReadsBackEqualAndIsWrittenTheSameAgain) {
  EXPECT_TRUE(rc::check([] {
    const Json value = *any_json(3);
    const std::string text = value.to_string();
    const Result<Json> read = parse_json(text);
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == value);
    RC_ASSERT(read->to_string() == text);
  }));
}

TEST(JsonProperty, NoTextMakesTheParserFailOtherThanByAnError) {
  EXPECT_TRUE(rc::check([] {
    std::string text = (*any_json(3)).to_string();
    const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::arbitrary<std::size_t>(),
                      rc::gen::element<char>('[', ']', '{', '}', ',', ':', '"', '\\', '0', '-', '.', 'e', ' ',
                                             '\n', '\0', '\xFF')));
    for (const auto& [at, byte] : edits) {
      if (!text.empty()) text[at % text.size()] = byte;
    }
    const Result<Json> read = parse_json(text);
    if (!read) {
      RC_ASSERT(read.error().code == ErrorCode::kInvalidArgument);
      return;
    }
    const Result<Json> again = parse_json(read->to_string());
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == *read);
  }));
}

}  // namespace
}  // namespace sextant
