// Fixed-width integers in byte strings: little-endian for values, big-endian for keys that must sort.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace sextant {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian; so are the machines we run on");

template <typename T>
void append_le(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
/// Requires bytes.size() >= offset + sizeof(T).
template <typename T>
T load_le(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}
inline void append_be32(std::string& out, std::uint32_t value) { append_le(out, __builtin_bswap32(value)); }
inline void append_be64(std::string& out, std::uint64_t value) { append_le(out, __builtin_bswap64(value)); }
inline std::uint32_t load_be32(std::string_view bytes, std::size_t offset) {
  return __builtin_bswap32(load_le<std::uint32_t>(bytes, offset));
}
inline std::uint64_t load_be64(std::string_view bytes, std::size_t offset) {
  return __builtin_bswap64(load_le<std::uint64_t>(bytes, offset));
}

/// Lower-case hex of bytes.
std::string to_hex(std::string_view bytes);
/// Standard base64 with padding (RFC 4648, section 4).
std::string to_base64(std::string_view bytes);
/// How many bytes a canonical text stands for.
std::size_t base64_decoded_size(std::string_view text);
/// False when `text` is not canonical base64 (padding required) of exactly out.size() bytes; `out` is then of
/// no use.
bool decode_base64(std::string_view text, std::span<char> out);
/// As decode_base64, appended to `out`, which is left as it was when the text is not canonical.
bool append_from_base64(std::string_view text, std::string& out);

}  // namespace sextant
