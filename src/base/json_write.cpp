#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/json.h"

namespace sextant {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

constexpr std::array<bool, 256> make_must_escape() {
  std::array<bool, 256> must{};
  for (std::size_t i = 0; i < 0x20; ++i) must[i] = true;
  must['"'] = must['\\'] = true;
  return must;
}
constexpr std::array<bool, 256> kMustEscape = make_must_escape();

void append_escaped(std::string& out, char c) {
  out.push_back('\\');
  switch (c) {
    case '"':
    case '\\':
      out.push_back(c);
      return;
    case '\b':
      out.push_back('b');
      return;
    case '\f':
      out.push_back('f');
      return;
    case '\n':
      out.push_back('n');
      return;
    case '\r':
      out.push_back('r');
      return;
    case '\t':
      out.push_back('t');
      return;
    default:
      out.append("u00");
      out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4U]);
      out.push_back(kHexDigits[static_cast<unsigned char>(c) & 15U]);
  }
}

template <typename Number>
std::string_view shortest(std::array<char, 32>& buffer, Number value) {
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data())};
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 32> buffer;
  out.append(shortest(buffer, value));
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {  // JSON has no word for it
    out.append("null");
    return;
  }
  std::array<char, 32> buffer;
  const std::string_view text = shortest(buffer, value);
  out.append(text);
  // Without a fraction or an exponent the number would read back as an integer.
  if (text.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

/// "[a,b]" or "{a,b}": `append_item` writes one element.
template <typename Items, typename AppendItem>
void append_all(std::string& out, const char* brackets, const Items& items, AppendItem append_item) {
  out.push_back(brackets[0]);
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.push_back(',');
    first = false;
    append_item(item);
  }
  out.push_back(brackets[1]);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!kMustEscape[static_cast<unsigned char>(text[i])]) continue;
    out.append(text, copied, i - copied);
    append_escaped(out, text[i]);
    copied = i + 1;
  }
  out.append(text, copied);
  out.push_back('"');
}

void append_json_float(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out.append("null");
  } else if (value == 0.0F && std::signbit(value)) {
    out.append("-0.0");  // "-0" would read back as the integer 0
  } else {
    std::array<char, 32> buffer;
    out.append(shortest(buffer, value));
  }
}

std::string Json::to_string() const {
  std::string out;
  append_to(out);
  return out;
}

void Json::append_to(std::string& out) const {
  if (is_null()) {
    out.append("null");
  } else if (is_bool()) {
    out.append(as_bool() ? "true" : "false");
  } else if (is_integer()) {
    append_integer(out, as_integer());
  } else if (is_double()) {
    append_double(out, as_number());
  } else if (is_string()) {
    append_json_string(out, as_string());
  } else if (holds_integers()) {
    append_all(out, "[]", as_packed(),
               [&](double element) { append_integer(out, static_cast<std::int64_t>(element)); });
  } else if (is_packed()) {
    append_all(out, "[]", as_packed(), [&](double element) { append_double(out, element); });
  } else if (is_array()) {
    append_all(out, "[]", as_plain_array(), [&](const Json& element) { element.append_to(out); });
  } else {
    append_all(out, "{}", as_object(), [&](const Member& member) {
      append_json_string(out, member.first);
      out.push_back(':');
      member.second.append_to(out);
    });
  }
}

}  // namespace sextant
