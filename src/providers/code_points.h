// UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sextant {

inline constexpr std::uint32_t kReplacementCharacter = 0xFFFD;

/// The character at text[i], with i moved behind it; U+FFFD for an ill-formed sequence. Requires i <
/// text.size().
std::uint32_t next_code_point(std::string_view text, std::size_t& i);
void append_utf8(std::string& out, std::uint32_t c);

}  // namespace sextant
