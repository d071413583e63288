// Notes: reads a folder of Markdown and plain text files as documents, for `sextant load`.
//
// Functions without state; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/chunker.h"

namespace sextant {

struct NotesOptions {
  std::uint64_t max_file_bytes = 4U << 20U;  // larger files are skipped
  ChunkingOptions chunking;
};

struct SkippedNote {
  std::string path;    // relative to the folder
  std::string reason;  // "has 5000000 bytes; at most 4194304 are read"
};

struct Notes {
  /// As POST .../documents takes them: {"id": path, "metadata": {"path", "title", "modified"}, "chunks":
  /// [{"text", "metadata": {"heading"?, "line"}}]}. The path is relative to the folder, with '/'; the title
  /// is the first heading where the file begins with one, else the file's name without its extension;
  /// modified is RFC 3339 in UTC.
  std::vector<Json> documents;
  std::vector<SkippedNote> skipped;
};

/// Reads every .md, .markdown and .txt file (in any case) below `directory`, in the order of their paths.
/// Hidden files and folders (".x") are passed over; links are followed, but no folder is entered twice. What
/// cannot be read, is too large, is no UTF-8 or has no text is listed as skipped. kInvalidArgument where
/// `directory` is no folder, kIo where it cannot be read.
Result<Notes> read_notes(const std::string& directory, const NotesOptions& options = {});

}  // namespace sextant
