// LogFileReader: the groups of one file of the commit log, checked one by one.
//
// Errors: kDamaged names file and offset ("<path>:<offset>: why"); kIo and kFormatTooNew as they come. Not
// thread-safe. What a group shows lives until the next read of any kind.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file.h"
#include "storage/log_format.h"

namespace sextant {

class LogFileReader {
 public:
  static Result<LogFileReader> open(FileSystem& fs, std::string path);

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }  // when it was opened

  /// The file's header; afterwards groups can be read.
  Result<LogFileHeader> read_header();
  Result<GroupHeader> read_group_header(std::uint64_t offset);
  /// The group whose header was read at `offset`.
  Result<LogGroup> read_group(std::uint64_t offset, const GroupHeader& header);

  /// The highest durable_through of any intact group header at or after `from` (a multiple of 64), whatever
  /// lies between.
  Result<Sequence> durable_evidence(std::uint64_t from);
  /// Whether any byte at or after `from` is not zero.
  Result<bool> holds_data(std::uint64_t from);

 private:
  LogFileReader(std::string path, std::unique_ptr<File> file, std::uint64_t size);
  /// The bytes in [offset, offset + size), fewer at the end of the file, in buffer_.
  Result<std::string_view> read(std::uint64_t offset, std::uint64_t size);
  Error at(std::uint64_t offset, Error error) const;

  std::string path_;
  std::unique_ptr<File> file_;
  std::uint64_t size_;
  std::uint64_t salt_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace sextant
