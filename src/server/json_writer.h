// JsonWriter: a JSON text by appending, commas included.
//
// The caller keeps begin and end, keys and values in order; nothing is checked. One thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sextant {

class JsonWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    append_json_string(out_, text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::uint64_t number) { return integer(number); }
  JsonWriter& value(std::int64_t number) { return integer(number); }
  JsonWriter& value(std::uint32_t number) { return integer(number); }
  JsonWriter& value(int number) { return integer(number); }
  JsonWriter& value(float number) {
    separate();
    append_json_float(out_, number);
    return *this;
  }
  JsonWriter& value(double number) { return value(Json(number)); }
  JsonWriter& value(const Json& json) {
    separate();
    json.append_to(out_);
    return *this;
  }
  JsonWriter& value(std::span<const float> numbers) {
    begin_array();
    for (const float number : numbers) value(number);
    return end_array();
  }
  /// RFC 3339 with milliseconds, UTC.
  JsonWriter& time(std::int64_t unix_ms);
  JsonWriter& null() { return raw("null"); }
  /// A text that is JSON already.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }

  template <typename T>
  JsonWriter& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  /// null for what is absent.
  template <typename T>
  JsonWriter& member(std::string_view name, const std::optional<T>& v) {
    key(name);
    return v ? value(*v) : null();
  }

 private:
  JsonWriter& open(char bracket) {
    separate();
    out_ += bracket;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_ += bracket;
    return *this;
  }
  template <typename T>
  JsonWriter& integer(T number) {
    separate();
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
    return *this;
  }
  // What was written last says whether a comma is due: every value ends with something else than these.
  void separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
  }

  std::string& out_;
};

}  // namespace sextant
