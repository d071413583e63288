// Chunking settings: how a library's documents are cut into chunks when they come as one text.
//
// {"format"?: "markdown" (default) | "plain", "max_bytes"?: 1200, "min_bytes"?: 200}. Stateless; any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/chunker.h"

namespace sextant {

struct ChunkingSettings {
  bool markdown = true;
  ChunkingOptions sizes;
};

inline constexpr std::int64_t kMinChunkBytes = 64;        // of max_bytes: less would cut single words
inline constexpr std::int64_t kMaxChunkBytes = 1 << 20U;  // of max_bytes

/// kInvalidArgument for unknown settings and wrong types, kLimitExceeded for sizes out of range; fields
/// "chunking.max_bytes", ...
Result<ChunkingSettings> parse_chunking(const Json& settings);
std::vector<TextChunk> chunk_text(std::string_view text, const ChunkingSettings& settings);

}  // namespace sextant
