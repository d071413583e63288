// The scan of the commit log at open: what is in it, and whether what is wrong with it is damage or an
// unfinished tail.
//
// The groups form a chain: each names the sequence before it, and each file the sequence it begins with. The
// first place where the chain breaks is damage if something says that the sequences from there on were
// durable: an intact later group header whose durable_through covers them, or the caller's applied state. A
// file's header and name are durable before a group is written to it, so a broken header before other bytes
// is damage too, and so is a file missing between two others. Anything else was never acknowledged as
// durable, and is cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "storage/file_log.h"
#include "storage/log_format.h"

namespace sextant {

/// A file of the log, as far as it holds groups of the chain.
struct LogFileExtent {
  LogFileHeader header;
  std::string path;
  Sequence last_sequence = 0;               // header.first_sequence - 1 while it holds none
  std::uint64_t end = kLogFileHeaderBytes;  // of the last group
};

struct RecoveredLog {
  std::vector<LogFileExtent> files;  // in order; empty for a new log
  Sequence marked_through = 0;       // the highest durable_through that a group carries
  FileLogRecovery report;
};

/// "<directory>/00000000000000000001.log"
std::string log_file_path(const std::string& directory, std::uint64_t number);
/// "<directory>/TRIM"
std::string log_trim_path(const std::string& directory);

/// Reads the whole log, removes what was trimmed, cuts an unfinished tail and makes all of it durable. A
/// failed sync is kStorePoisoned.
Result<RecoveredLog> recover_log(FileSystem& fs, const std::string& directory, const FileLogOptions& options);

}  // namespace sextant
