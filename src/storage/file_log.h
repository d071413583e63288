// FileLog: the commit log as numbered append-only files in one directory.
//
// At open the groups are read in order. The first invalid one is *damage*, refused by name with kDamaged, if
// a later valid group's durable_through or the caller's `applied_through` covers its sequences; otherwise it
// and all after it is a tail that was never acknowledged as durable: it is cut, the cut is synced, and it is
// reported in `FileLogRecovery`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "storage/commit_log.h"

namespace sextant {

struct FileLogOptions {
  std::uint64_t file_size_bytes = 64ULL << 20U;  // a new file is begun beyond this
  std::string database_id;                       // 16 bytes; a file of another database is refused
  Sequence applied_through = 0;                  // what applied state already holds: must be in the log
};

struct FileLogRecovery {
  Sequence last_sequence = 0;
  std::uint64_t groups = 0;
  std::uint64_t bytes_cut = 0;  // of an unfinished tail
  std::string cut_at;           // "file:offset" of the cut, or empty
};

/// Opens or creates the log in `directory` (which must exist). `recovery` may be null. kDamaged also when
/// `applied_through` lies beyond the log's end.
Result<std::unique_ptr<CommitLog>> open_file_log(FileSystem& fs, Random& random, const std::string& directory,
                                                 const FileLogOptions& options, FileLogRecovery* recovery);

}  // namespace sextant
