#include "base/bytes.h"

#include <algorithm>
#include <array>

namespace sextant {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Larger than any sum of shifted valid digits, so that one test finds an invalid digit among four.
constexpr std::uint32_t kInvalid = 1U << 31U;

// What each character gives as the first, second, third and fourth of a group, where it stands in the group's
// 24 bits.
using Base64Table = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr Base64Table make_base64_table() {
  Base64Table table{};
  for (std::uint32_t place = 0; place < 4; ++place) {
    table[place].fill(kInvalid);
    for (std::uint32_t i = 0; i < 64; ++i) {
      table[place][static_cast<unsigned char>(kBase64Digits[i])] = i << (6 * (3 - place));
    }
  }
  return table;
}
constexpr Base64Table kBase64Table = make_base64_table();

std::uint32_t digit_value(std::size_t place, char digit) {
  return kBase64Table[place][static_cast<unsigned char>(digit)];
}

std::uint32_t group_value(const char* from) {
  return digit_value(0, from[0]) | digit_value(1, from[1]) | digit_value(2, from[2]) |
         digit_value(3, from[3]);
}

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

std::size_t base64_decoded_size(std::string_view text) {
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  return text.size() / 4 * 3 - std::min(padding, text.size() / 4 * 3);
}

bool decode_base64(std::string_view text, std::span<char> out) {
  if (text.size() % 4 != 0 || out.size() != base64_decoded_size(text)) return false;
  const std::size_t last_bytes = out.size() % 3;  // of a padded group; 0: there is none
  const std::size_t whole_groups = out.size() / 3;
  const char* from = text.data();
  char* to = out.data();
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < whole_groups; ++i, from += 4, to += 3) {
    const std::uint32_t group = group_value(from);
    seen |= group;
    to[0] = low_byte(group >> 16U);
    to[1] = low_byte(group >> 8U);
    to[2] = low_byte(group);
  }
  if (last_bytes > 0) {
    const char padded[4] = {from[0], from[1], last_bytes == 2 ? from[2] : 'A', 'A'};
    const std::uint32_t group = group_value(padded);
    seen |= group;
    if ((group & (last_bytes == 2 ? 0xFFU : 0xFFFFU)) != 0) return false;  // canonical: unused bits are zero
    to[0] = low_byte(group >> 16U);
    if (last_bytes == 2) to[1] = low_byte(group >> 8U);
  }
  return (seen & kInvalid) == 0;
}

bool append_from_base64(std::string_view text, std::string& out) {
  const std::size_t start = out.size();
  out.resize(start + base64_decoded_size(text));
  const bool valid = decode_base64(text, std::span(out).subspan(start));
  if (!valid) out.resize(start);
  return valid;
}

}  // namespace sextant
