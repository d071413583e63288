#include "base/bytes.h"

#include <array>

namespace sextant {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Larger than any sum of shifted valid digits, so that one test finds an invalid digit among four.
constexpr std::uint32_t kInvalid = 1U << 31U;

constexpr std::array<std::uint32_t, 256> make_base64_values() {
  std::array<std::uint32_t, 256> values{};
  values.fill(kInvalid);
  for (std::uint32_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64Digits[i])] = i;
  return values;
}
constexpr std::array<std::uint32_t, 256> kBase64Values = make_base64_values();

std::uint32_t digit_value(char digit) { return kBase64Values[static_cast<unsigned char>(digit)]; }
std::uint32_t byte_value(char byte) { return static_cast<unsigned char>(byte); }
char low_byte(std::uint32_t value) { return static_cast<char>(value & 0xFFU); }

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    hex.push_back(kHexDigits[byte_value(byte) >> 4U]);
    hex.push_back(kHexDigits[byte_value(byte) & 15U]);
  }
  return hex;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group =
        byte_value(bytes[i]) << 16U | byte_value(bytes[i + 1]) << 8U | byte_value(bytes[i + 2]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) text.push_back(kBase64Digits[(group >> shift) & 63U]);
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return text;
  const std::uint32_t group =
      byte_value(bytes[i]) << 16U | (left == 2 ? byte_value(bytes[i + 1]) << 8U : std::uint32_t{0});
  text.push_back(kBase64Digits[group >> 18U]);
  text.push_back(kBase64Digits[(group >> 12U) & 63U]);
  text.push_back(left == 2 ? kBase64Digits[(group >> 6U) & 63U] : '=');
  text.push_back('=');
  return text;
}

bool append_from_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 != 0) return false;
  if (text.empty()) return true;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t whole_groups = text.size() / 4 - (padding == 0 ? 0 : 1);
  const std::size_t start = out.size();
  out.resize(start + whole_groups * 3);

  std::uint32_t seen = 0;
  char* to = out.data() + start;
  const char* from = text.data();
  for (std::size_t i = 0; i < whole_groups; ++i, from += 4, to += 3) {
    const std::uint32_t group = digit_value(from[0]) << 18U | digit_value(from[1]) << 12U |
                                digit_value(from[2]) << 6U | digit_value(from[3]);
    seen |= digit_value(from[0]) | digit_value(from[1]) | digit_value(from[2]) | digit_value(from[3]);
    to[0] = low_byte(group >> 16U);
    to[1] = low_byte(group >> 8U);
    to[2] = low_byte(group);
  }
  bool valid = (seen & kInvalid) == 0;
  if (padding != 0 && valid) {
    const std::uint32_t first = digit_value(from[0]);
    const std::uint32_t second = digit_value(from[1]);
    const std::uint32_t third = padding == 1 ? digit_value(from[2]) : 0;
    const std::uint32_t unused_bits = padding == 1 ? third & 3U : second & 15U;  // canonical: zero
    valid = ((first | second | third) & kInvalid) == 0 && unused_bits == 0;
    const std::uint32_t group = first << 18U | second << 12U | third << 6U;
    out.push_back(low_byte(group >> 16U));
    if (padding == 1) out.push_back(low_byte(group >> 8U));
  }
  if (!valid) out.resize(start);
  return valid;
}

}  // namespace sextant
