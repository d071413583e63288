// FORMAT: the small text file that says which database this is and who may read or write it. Read before all
// else.
//
// Lines of "key value". A build that does not know one of the reader flags must not open the database; one
// that does not know a writer flag may not write to it (and, as every open writes, refuses too).
// docs/format.md lists the flags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"

namespace sextant {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kDatabaseIdBytes = 16;

struct FormatFile {
  std::string database_id;  // 16 bytes
  std::uint32_t version = kFormatVersion;
  std::vector<std::string> reader_flags;
  std::vector<std::string> writer_flags;
};

/// Reads <directory>/FORMAT. kFormatTooNew naming version or flag; kDamaged for a file that is not one.
Result<FormatFile> read_format_file(FileSystem& fs, const std::string& directory);
/// Creates <directory>/FORMAT for a new database, durably.
Result<FormatFile> create_format_file(FileSystem& fs, Random& random, const std::string& directory);

}  // namespace sextant
