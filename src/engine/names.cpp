#include "engine/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace sextant {

namespace {

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// A byte as it can be shown in a message, whatever it is.
std::string shown(char c) {
  return c > ' ' && c < 0x7f ? fmt::format("'{}'", c)
                             : fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

Status check_part(std::string_view part, std::string_view what) {
  if (part.empty()) return fail(ErrorCode::kInvalidArgument, fmt::format("the {} is empty", what));
  if (part.size() > kMaxNamePartBytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("the {} has {} bytes, the limit is {}", what, part.size(), kMaxNamePartBytes));
  }
  const auto bad = std::ranges::find_if_not(part, allowed);
  if (bad != part.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the {} holds {} at position {}; allowed are A-Z a-z 0-9 _ -", what, shown(*bad),
                            bad - part.begin()));
  }
  return {};
}

}  // namespace

std::string LibraryName::full() const {
  std::string text;
  text.reserve(space.size() + 1 + name.size());
  return text.append(space).append(1, '.').append(name);
}

Result<LibraryName> parse_library_name(std::string_view text) {
  LibraryName parts{kDefaultNamespace, text};
  if (const auto separator = text.find_first_of(".:"); separator != std::string_view::npos) {
    parts = {text.substr(0, separator), text.substr(separator + 1)};
    TRY(check_part(parts.space, "library's namespace"));
  }
  TRY(check_part(parts.name, "library's name"));
  return parts;
}

Result<std::string> full_library_name(std::string_view text) {
  TRY_ASSIGN(const LibraryName parts, parse_library_name(text));
  return parts.full();
}

}  // namespace sextant
