#include "providers/chunking_settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace sextant {

namespace {

Result<std::size_t> parse_size(const Json& value, const std::string& field, std::int64_t least,
                               std::int64_t most) {
  if (!value.is_integer()) {
    return fail(field_error(ErrorCode::kInvalidArgument, field,
                            fmt::format("must be an integer, not {}", value.type_name())));
  }
  const std::int64_t size = value.as_integer();
  if (size < least || size > most) {
    return fail(field_error(ErrorCode::kLimitExceeded, field,
                            fmt::format("is {}, allowed are {} to {} bytes", size, least, most)));
  }
  return static_cast<std::size_t>(size);
}

}  // namespace

Result<ChunkingSettings> parse_chunking(const Json& settings) {
  ChunkingSettings parsed;
  if (settings.is_null()) return parsed;
  if (!settings.is_object()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "chunking",
                            fmt::format("must be an object, not {}", settings.type_name())));
  }
  bool least_given = false;
  for (const auto& [key, value] : settings.as_object()) {
    const std::string field = "chunking." + key;
    if (key == "format") {
      const bool plain = value.is_string() && value.as_string() == "plain";
      if (!plain && !(value.is_string() && value.as_string() == "markdown")) {
        return fail(field_error(ErrorCode::kInvalidArgument, field, "must be \"markdown\" or \"plain\""));
      }
      parsed.markdown = !plain;
    } else if (key == "max_bytes") {
      TRY_ASSIGN(parsed.sizes.max_bytes, parse_size(value, field, kMinChunkBytes, kMaxChunkBytes));
    } else if (key == "min_bytes") {
      TRY_ASSIGN(parsed.sizes.min_bytes, parse_size(value, field, 0, kMaxChunkBytes));
      least_given = true;
    } else {
      return fail(field_error(ErrorCode::kInvalidArgument, field,
                              "is no chunking setting; there are format, max_bytes and min_bytes"));
    }
  }
  if (!least_given) parsed.sizes.min_bytes = std::min(parsed.sizes.min_bytes, parsed.sizes.max_bytes);
  if (parsed.sizes.min_bytes > parsed.sizes.max_bytes) {
    return fail(field_error(ErrorCode::kInvalidArgument, "chunking.min_bytes",
                            fmt::format("is {}, more than max_bytes, which is {}", parsed.sizes.min_bytes,
                                        parsed.sizes.max_bytes)));
  }
  return parsed;
}

std::vector<TextChunk> chunk_text(std::string_view text, const ChunkingSettings& settings) {
  return settings.markdown ? chunk_markdown(text, settings.sizes) : chunk_plain_text(text, settings.sizes);
}

}  // namespace sextant
