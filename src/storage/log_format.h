// The bytes of the commit log's files: encoding, and decoding that trusts nothing it reads.
//
// A file is a 64-byte header and then groups, each beginning at a multiple of 64. docs/format.md describes
// every byte. All functions are pure: they look only at the bytes they are given, never read past them, and
// allocate no more than those bytes can fill. A decoder's error is kDamaged with the reason and no place: the
// caller knows file and offset.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/commit_log.h"
#include "storage/format_file.h"

namespace sextant {

inline constexpr std::uint32_t kLogVersion = 1;
inline constexpr std::size_t kLogAlignment = 64;  // of groups in a file and of vectors in a group
inline constexpr std::size_t kLogFileHeaderBytes = 64;
inline constexpr std::size_t kGroupHeaderBytes = 64;
inline constexpr std::uint64_t kMaxGroupBytes = 256ULL << 20U;

/// Bytes that begin at a multiple of 64 and are not cleared when they grow. Not thread-safe.
class AlignedBuffer {
 public:
  /// Makes room for `size` bytes; what was in the buffer is gone.
  void reset(std::size_t size);
  char* data() { return data_.get(); }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* bytes) const { ::operator delete(bytes, std::align_val_t{kLogAlignment}); }
  };
  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

struct LogFileHeader {
  std::uint64_t number = 0;
  std::uint64_t salt =
      0;  // random; seeds the checksums of the file's groups, so that bytes of other files never pass
  std::string database_id;
  Sequence first_sequence = 0;  // of the first group
};

std::string encode_file_header(const LogFileHeader& header);
/// kFormatTooNew for an intact header of a later version.
Result<LogFileHeader> decode_file_header(std::string_view bytes);

struct GroupHeader {
  std::uint32_t entry_count = 0;
  std::uint64_t group_bytes = 0;  // header, body and padding: a multiple of 64
  std::uint64_t epoch = 0;
  Sequence first_sequence = 0;
  Sequence previous = 0;
  Sequence durable_through = 0;
  std::uint64_t body_checksum = 0;

  /// Of the last entry; `first_sequence - 1` for a group without entries.
  Sequence last_sequence() const { return first_sequence + entry_count - 1; }
};

/// The size of the group these entries make; more than kMaxGroupBytes (or an overflow) is kPayloadTooLarge.
Result<std::uint64_t> group_size(std::span<const LogEntry> entries);
/// Writes the group of `entries` into `out`. From `header` epoch and the three sequences are taken; the rest
/// is computed. kPayloadTooLarge as for group_size.
Status encode_group(GroupHeader header, std::span<const LogEntry> entries, std::uint64_t salt,
                    AlignedBuffer& out);

/// The group header at the front of `bytes`, if its own checksum holds and its fields do not contradict each
/// other.
Result<GroupHeader> decode_group_header(std::string_view bytes, std::uint64_t salt);
/// The group at the front of `bytes`. Its views point into `bytes`; its vectors are aligned if `bytes` is.
Result<LogGroup> decode_group(std::string_view bytes, std::uint64_t salt);

/// The file log/TRIM: the sequence at which the oldest file of the log begins.
std::string encode_trim(Sequence trim_below);
Result<Sequence> decode_trim(std::string_view bytes);

}  // namespace sextant
