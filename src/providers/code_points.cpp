#include "providers/code_points.h"

#include <unicode/utf8.h>

namespace sextant {

std::uint32_t next_code_point(std::string_view text, std::size_t& i) {
  UChar32 c = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // the macro computes bytes as int
  U8_NEXT(text.data(), i, text.size(), c);
#pragma GCC diagnostic pop
  return c < 0 ? kReplacementCharacter : static_cast<std::uint32_t>(c);
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto trail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | ((c >> shift) & 0x3FU)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (c >> 6U)));
    trail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (c >> 12U)));
    trail(6);
    trail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (c >> 18U)));
    trail(12);
    trail(6);
    trail(0);
  }
}

}  // namespace sextant
