// For the tests of the commit log: entries whose content follows from their sequence, and the log on a
// MemoryDisk.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_disk.h"
#include "base/random.h"
#include "storage/file_log.h"

namespace sextant::log_test {

inline const std::string kDirectory = "log";
inline const std::string kDatabaseId = "0123456789abcdef";

inline std::string record_of(Sequence sequence) {
  return "record " + std::to_string(sequence) +
         std::string(sequence % 7 * 5, static_cast<char>('a' + sequence % 26));
}

/// None for every third sequence.
inline std::string vectors_of(Sequence sequence) {
  if (sequence % 3 == 0) return {};
  return std::string(12 * (1 + sequence % 5), static_cast<char>(sequence * 31));
}

/// What was appended, or read back: index 0 is sequence 1.
struct Content {
  std::vector<std::string> records;
  std::vector<std::string> vectors;
  bool operator==(const Content&) const = default;

  static Content through(Sequence last) {
    Content content;
    for (Sequence s = 1; s <= last; ++s) {
      content.records.push_back(record_of(s));
      content.vectors.push_back(vectors_of(s));
    }
    return content;
  }
};

/// Appends one group of `count` entries, as the log's next sequences demand.
inline Result<Sequence> append_next(CommitLog& log, std::size_t count = 1) {
  Content content;
  for (std::size_t i = 0; i < count; ++i) {
    content.records.push_back(record_of(log.last_sequence() + 1 + i));
    content.vectors.push_back(vectors_of(log.last_sequence() + 1 + i));
  }
  std::vector<LogEntry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back({content.records[i], content.vectors[i]});
  return log.append(entries);
}

/// Everything from `from` on; checks sequences and alignment on the way.
inline Result<Content> read_all(CommitLog& log, Sequence from = 1) {
  Content content;
  TRY(log.read_from(from, [&](const LogGroup& group) -> Status {
    Sequence sequence = group.first_sequence;
    for (const LogEntry& entry : group.entries) {
      if (!entry.vectors.empty()) {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(entry.vectors.data()) % 64, 0U);
      }
      if (sequence++ < from) continue;
      content.records.emplace_back(entry.record);
      content.vectors.emplace_back(entry.vectors);
    }
    return {};
  }));
  return content;
}

inline std::unique_ptr<MemoryDisk> new_disk() {
  auto disk = std::make_unique<MemoryDisk>();
  EXPECT_TRUE(disk->make_directory(kDirectory));
  EXPECT_TRUE(disk->sync_directory("/"));
  return disk;
}

struct OpenOptions {
  std::uint64_t file_size_bytes = 64ULL << 20U;
  Sequence applied_through = 0;
  std::string database_id = kDatabaseId;
};

inline Result<std::unique_ptr<CommitLog>> open_log(FileSystem& fs, const OpenOptions& options = {},
                                                   FileLogRecovery* recovery = nullptr) {
  // The log keeps its source of randomness, so this one lives on.
  static SeededRandom& salts = *new SeededRandom(2024);
  return open_file_log(fs, salts, kDirectory,
                       {.file_size_bytes = options.file_size_bytes,
                        .database_id = options.database_id,
                        .applied_through = options.applied_through},
                       recovery);
}

inline std::string file_path(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return kDirectory + "/" + std::string(20 - digits.size(), '0') + digits + ".log";
}

}  // namespace sextant::log_test
