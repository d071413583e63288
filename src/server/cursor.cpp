#include "server/cursor.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"

namespace sextant {

std::string make_cursor(Listing listing, std::string_view last_key) {
  std::string text = to_base64(std::string(1, static_cast<char>(listing)).append(last_key));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return text;
}

Result<std::string> read_cursor(Listing listing, std::string_view cursor) {
  if (cursor.empty()) return std::string();
  std::string text(cursor);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  std::string key;
  if (!append_from_base64(text, key) || key.empty() || key.front() != static_cast<char>(listing) ||
      !is_valid_utf8(key)) {
    return fail(field_error(ErrorCode::kInvalidArgument, "cursor", "is no cursor that this listing gave"));
  }
  return key.substr(1);
}

}  // namespace sextant
