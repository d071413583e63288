// Filters against a second implementation, on random filters and rows.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/filter.h"

namespace sextant {
namespace {

// Straight from the words of filter.h, over plain JSON and without preparation of any kind.
class Reference {
 public:
  Reference(const Json& chunk, const Json& document, std::string text) : text_(std::move(text)) {
    merged_ = document;
    for (const auto& [key, value] : chunk.as_object()) merged_.set(key, value);
  }

  bool where(const Json& filter) const {
    bool all = true;
    for (const auto& [key, value] : filter.as_object()) all &= member(key, value);
    return all;
  }

 private:
  bool member(const std::string& key, const Json& value) const {
    if (key == "$not") return !where(value);
    if (key == "$and" || key == "$or") {
      std::size_t held = 0;
      for (std::size_t i = 0; i < value.size(); ++i) held += where(value.element(i)) ? 1 : 0;
      return key == "$and" ? held == value.size() : held > 0;
    }
    if (key == "#document") return operators({Json(text_)}, value);
    const std::vector<Json> found = find(merged_, key);
    return value.is_object() ? operators(found, value) : equal(found, value);
  }

  // None or one value.
  static std::vector<Json> find(const Json& object, const std::string& key) {
    if (const Json* value = object.find(key)) return {*value};
    const auto dot = key.find('.');
    if (dot == std::string::npos || object.find(key.substr(0, dot)) == nullptr) return {};
    return find(*object.find(key.substr(0, dot)), key.substr(dot + 1));
  }

  static bool operators(const std::vector<Json>& found, const Json& conditions) {
    bool all = true;
    for (const auto& [op, operand] : conditions.as_object()) all &= holds(found, op, operand);
    return all;
  }

  static bool holds(const std::vector<Json>& found, const std::string& op, const Json& operand) {
    if (op == "$not") return !operators(found, operand);
    if (op == "$ne") return !holds(found, "$eq", operand);
    if (op == "$nin") return !holds(found, "$in", operand);
    if (op == "$not_contains") return !holds(found, "$contains", operand);
    if (op == "$not_regex") return !holds(found, "$regex", operand);
    if (op == "$exists") return found.empty() != operand.as_bool();
    if (op == "$eq") return equal(found, operand);
    if (op == "$in") {
      bool any = false;
      for (std::size_t i = 0; i < operand.size(); ++i) any |= equal(found, operand.element(i));
      return any;
    }
    if (found.empty()) return false;
    const Json& value = found.front();
    if (op == "$contains") {
      if (value.is_string() && operand.is_string())
        return contains_text(value.as_string(), operand.as_string());
      bool any = false;
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
        any |= equal({value.element(i)}, operand);
      return any;
    }
    if (op == "$regex") return value.is_string() && has_match(value.as_string(), operand.as_string());
    if (!comparable(value, operand)) return false;
    if (op == "$lt") return less(value, operand);
    if (op == "$gt") return less(operand, value);
    if (op == "$lte") return !less(operand, value);
    return !less(value, operand);
  }

  static bool contains_text(const std::string& whole, const std::string& part) {
    for (std::size_t i = 0; i + part.size() <= whole.size(); ++i) {
      if (whole.compare(i, part.size(), part) == 0) return true;
    }
    return false;
  }

  // The patterns that are drawn below.
  static bool has_match(const std::string& text, const std::string& pattern) {
    if (pattern == "^$") return text.empty();
    if (pattern == "^b") return text.starts_with('b');
    if (pattern == "b$") return text.ends_with('b');
    if (pattern == "a") return contains_text(text, "a");
    return contains_text(text, "ab") || contains_text(text, "aab") || contains_text(text, "a b");  // a.?b
  }

  static bool comparable(const Json& a, const Json& b) {
    return (a.is_number() && b.is_number()) || (a.is_string() && b.is_string()) ||
           (a.is_bool() && b.is_bool());
  }

  // A long double holds every int64 and every double.
  static long double number(const Json& value) {
    return value.is_integer() ? static_cast<long double>(value.as_integer()) : value.as_number();
  }

  static bool less(const Json& a, const Json& b) {
    if (a.is_bool()) return !a.as_bool() && b.as_bool();
    if (a.is_string()) return a.as_string() < b.as_string();
    return number(a) < number(b);
  }

  static bool equal(const std::vector<Json>& found, const Json& operand) {
    if (found.empty()) return operand.is_null();
    const Json& value = found.front();
    if (comparable(value, operand)) return !less(value, operand) && !less(operand, value);
    if (value.is_array() && operand.is_array()) {
      bool same = value.size() == operand.size();
      for (std::size_t i = 0; same && i < value.size(); ++i)
        same = equal({value.element(i)}, operand.element(i));
      return same;
    }
    return value.is_null() && operand.is_null();  // no objects are drawn as operands
  }

  Json merged_;
  std::string text_;
};

// Turns drawn numbers into values and filters, so that RapidCheck shrinks both by shrinking the numbers.
class Drawing {
 public:
  explicit Drawing(std::vector<std::uint8_t> numbers) : numbers_(std::move(numbers)) {}

  std::size_t below(std::size_t bound) { return next_ < numbers_.size() ? numbers_[next_++] % bound : 0; }

  Json scalar() {
    static const std::vector<Json> kScalars = {1,
                                               0,
                                               2,
                                               -1,
                                               0.5,
                                               1.0,
                                               2.5,
                                               true,
                                               false,
                                               Json(),
                                               "",
                                               "a",
                                               "ab",
                                               "b",
                                               "é",
                                               std::int64_t{9007199254740993},
                                               9007199254740992.0,
                                               std::int64_t{INT64_MAX},
                                               9.2233720368547758e18,
                                               -1e300};
    return kScalars[below(kScalars.size())];
  }
  Json list(std::size_t longest) {
    Json values = Json::array();
    for (std::size_t left = below(longest + 1); left > 0; --left) values.push_back(scalar());
    return values;
  }
  Json value() { return below(4) == 3 ? list(3) : scalar(); }

  std::string key() {
    static const std::vector<std::string> kKeys = {"a", "b", "c", "a.b", "o.a", "o.o.b"};
    return kKeys[below(kKeys.size())];
  }
  Json metadata(int depth = 0) {
    Json object = Json::object();
    for (std::size_t left = below(4); left > 0; --left) object.set(key(), value());
    if (depth < 2 && below(2) == 1) object.set("o", metadata(depth + 1));
    return object;
  }

  Json operators(int depth) {
    Json object = Json::object();
    for (std::size_t left = 1 + below(2); left > 0; --left) {
      switch (below(7)) {
        case 0:
          object.set(below(2) == 0 ? "$eq" : "$ne", value());
          break;
        case 1:
          object.set(kOrderings[below(4)], ordered());
          break;
        case 2:
          object.set(below(2) == 0 ? "$in" : "$nin", list(5));
          break;
        case 3:
          object.set("$exists", below(2) == 0);
          break;
        case 4:
          object.set(below(2) == 0 ? "$contains" : "$not_contains", ordered());
          break;
        case 5:
          object.set(below(2) == 0 ? "$regex" : "$not_regex", pattern());
          break;
        default:
          object.set("$not", depth < 3 ? operators(depth + 1) : Json(Json::Object{{"$exists", true}}));
      }
    }
    return object;
  }
  Json where(int depth = 0) {
    Json object = Json::object();
    for (std::size_t left = below(3) + (depth == 0 ? 1 : 0); left > 0; --left) {
      const std::size_t kind = depth < 3 ? below(6) : below(3);
      if (kind == 0) {
        object.set(key(), value());
      } else if (kind == 1) {
        object.set(key(), operators(0));
      } else if (kind == 2) {
        object.set("#document", Json(Json::Object{{"$regex", pattern()}, {"$not_contains", "b"}}));
      } else if (kind == 3) {
        object.set("$not", where(depth + 1));
      } else {
        Json children = Json::array();
        for (std::size_t i = 1 + below(3); i > 0; --i) children.push_back(where(depth + 1));
        object.set(kind == 4 ? "$and" : "$or", children);
      }
    }
    return object;
  }

 private:
  static constexpr std::array<std::string_view, 4> kOrderings = {"$lt", "$lte", "$gt", "$gte"};

  Json ordered() {
    Json drawn = scalar();
    return drawn.is_null() ? Json(1) : drawn;
  }
  Json pattern() {
    static constexpr std::array<std::string_view, 5> kPatterns = {"a", "^b", "b$", "a.?b", "^$"};
    return Json(kPatterns[below(kPatterns.size())]);
  }

  std::vector<std::uint8_t> numbers_;
  std::size_t next_ = 0;
};

TEST(Filter, AgreesWithAReferenceOnRandomFiltersAndRows) {
  std::size_t held = 0;
  std::size_t runs = 0;
  EXPECT_TRUE(rc::check([&] {
    for (int i = 0; i < 20; ++i) {
      Drawing draw(*rc::gen::container<std::vector<std::uint8_t>>(160, rc::gen::arbitrary<std::uint8_t>()));
      const Json chunk = draw.metadata();
      const Json document = draw.metadata();
      const std::string text = draw.below(2) == 0 ? "a b" : "xab";
      const Json filter = draw.where();
      const auto parsed = parse_where(filter);
      RC_ASSERT(parsed.has_value());
      const bool expected = Reference(chunk, document, text).where(filter);
      RC_LOG() << filter.to_string() << "\nchunk " << chunk.to_string() << "\ndocument "
               << document.to_string();
      RC_ASSERT(parsed->matches({&chunk, &document, text}) == expected);
      held += expected ? 1 : 0;
      ++runs;
    }
  }));
  // Were nearly all answers alike, agreement would show little.
  EXPECT_GT(held, runs / 20);
  EXPECT_LT(held, runs - runs / 20);
}

}  // namespace
}  // namespace sextant
