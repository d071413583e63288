// A JSON value: parsed by simdjson, kept as a small tree, written back shortest-round-trip.
//
// Objects keep the order in which members came; a repeated key is a parse error. Integers that fit int64
// stay integers, all other numbers are doubles. An array of at least 8 numbers is kept packed (8 bytes an
// element): as integers where all are and a double holds each exactly, as doubles where one or more is a
// fraction; the latter reads back as an array of doubles.
// Thread rule: a const Json may be read from any thread. Strings are valid UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sextant {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;
  using Doubles = std::vector<double>;  // a packed array of numbers

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value);  // becomes a double above int64's range
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  Json(Doubles value) : value_(std::move(value)) {}
  /// A packed array of integers; each must be whole and at most 2^53 in magnitude.
  static Json packed_integers(Doubles integers);
  static Json object() { return Json(Object{}); }
  static Json array() { return Json(Array{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_number() const { return is_integer() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_packed() const { return std::holds_alternative<Doubles>(value_) || holds_integers(); }
  bool is_array() const { return std::holds_alternative<Array>(value_) || is_packed(); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  /// "null", "boolean", "integer", "number", "string", "array" or "object": for error texts.
  std::string_view type_name() const;

  // Each of these requires the matching is_...().
  bool as_bool() const { return std::get<bool>(value_); }
  std::int64_t as_integer() const { return std::get<std::int64_t>(value_); }
  double as_number() const;  // integers too
  const std::string& as_string() const { return std::get<std::string>(value_); }
  const Object& as_object() const { return std::get<Object>(value_); }
  Object& as_object() { return std::get<Object>(value_); }
  /// The elements of an array that is not packed.
  const Array& as_plain_array() const { return std::get<Array>(value_); }
  /// The numbers of a packed array, integers among them or not.
  const Doubles& as_packed() const {
    return holds_integers() ? std::get<Integers>(value_).numbers : std::get<Doubles>(value_);
  }

  std::size_t size() const;           // elements of an array or members of an object; else 0
  Json element(std::size_t i) const;  // of an array, packed or not; by value
  /// The member with this key, or nullptr; also nullptr when this is no object.
  const Json* find(std::string_view key) const;
  /// Sets or replaces a member; null becomes an object first. Returns this object, for the next member.
  Json& set(std::string_view key, Json value);
  /// Removes a member; false when there was none.
  bool erase(std::string_view key);
  /// Appends to an array; null becomes an array first.
  void push_back(Json value);

  /// RFC 7396 merge patch: null members remove, objects merge, all else replaces.
  void merge_patch(const Json& patch);

  /// Numbers compare by value (1 == 1.0), objects without regard to order.
  friend bool operator==(const Json& a, const Json& b);

  /// Compact text; doubles shortest that read back equal, always with '.', 'e' or both; NaN never occurs.
  std::string to_string() const;
  void append_to(std::string& out) const;

 private:
  struct Integers {  // a packed array of integers
    Doubles numbers;
    friend bool operator==(const Integers&, const Integers&) = default;
  };
  bool holds_integers() const { return std::holds_alternative<Integers>(value_); }

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object, Doubles, Integers>
      value_;
};

struct JsonLimits {
  std::size_t max_depth = 64;  // of nested arrays and objects; 256 at most
  // Values outside of packed arrays: each takes 40 bytes and more where its text may take 2.
  std::size_t max_values = 4'000'000;
};

/// Parses one JSON text; what follows it but white space is an error. Errors are kInvalidArgument with the
/// position or the key at fault. Rejected: invalid UTF-8, repeated keys, numbers that overflow a double.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// Whether `text` may become a Json string.
bool is_valid_utf8(std::string_view text);

/// Appends `text` as a JSON string with quotes.
void append_json_string(std::string& out, std::string_view text);
/// Appends the shortest text that reads back as the same float (used for vectors).
void append_json_float(std::string& out, float value);

}  // namespace sextant
