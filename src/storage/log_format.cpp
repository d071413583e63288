#include "storage/log_format.h"

#include <fmt/core.h>

#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/checksum.h"

namespace sextant {
namespace {

constexpr std::string_view kFileMagic{"SXTLOG\0\1", 8};
constexpr std::string_view kGroupMagic{"SXG\1", 4};
constexpr std::string_view kTrimMagic{"SXTTRIM\1", 8};
constexpr std::size_t kEntryBytes = 16;  // in the entry table: length of the record, length of the vectors
constexpr std::size_t kTrimBytes = 24;
constexpr std::size_t kGroupChecksumOffset = 56;
constexpr std::size_t kFileChecksumOffset = 56;

constexpr std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kLogAlignment - 1) / kLogAlignment * kLogAlignment;
}

std::unexpected<Error> damaged(std::string message) { return fail(ErrorCode::kDamaged, std::move(message)); }

/// Adds `length` to `end` if the sum stays within `limit`.
bool extend(std::uint64_t& end, std::uint64_t length, std::uint64_t limit) {
  if (length > limit - end) return false;
  end += length;
  return true;
}

/// Walks over the places of a group's parts in the order of the file: the one description of the body's
/// layout.
class BodyLayout {
 public:
  /// `limit`: the end of the group. Requires that the entry table fits.
  BodyLayout(std::uint64_t entry_count, std::uint64_t limit)
      : end_(kGroupHeaderBytes + entry_count * kEntryBytes), limit_(limit) {}

  /// Where the next record begins, or nothing if it does not fit.
  bool place_record(std::uint64_t length, std::uint64_t& offset) {
    offset = end_;
    return extend(end_, length, limit_);
  }
  bool place_vectors(std::uint64_t length, std::uint64_t& offset) {
    if (length == 0) {
      offset = end_;
      return true;
    }
    // limit_ is a multiple of the alignment, so rounding up stays within it.
    end_ = aligned(end_);
    offset = end_;
    return extend(end_, length, limit_);
  }
  std::uint64_t group_bytes() const { return aligned(end_); }

 private:
  std::uint64_t end_;
  std::uint64_t limit_;
};

void zero(char* group, std::uint64_t from, std::uint64_t to) { std::memset(group + from, 0, to - from); }

void store(char* group, std::uint64_t offset, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(group + offset, bytes.data(), bytes.size());
}

}  // namespace

void AlignedBuffer::reset(std::size_t size) {
  if (size > capacity_) {
    data_.reset();
    capacity_ = 0;
    data_.reset(static_cast<char*>(::operator new(size, std::align_val_t{kLogAlignment})));
    capacity_ = size;
  }
  size_ = size;
}

std::string encode_file_header(const LogFileHeader& header) {
  CHECK(header.database_id.size() == kDatabaseIdBytes);
  std::string bytes(kFileMagic);
  append_le<std::uint32_t>(bytes, kLogVersion);
  append_le<std::uint32_t>(bytes, kLogFileHeaderBytes);
  append_le(bytes, header.number);
  append_le(bytes, header.salt);
  bytes += header.database_id;
  append_le(bytes, header.first_sequence);
  CHECK(bytes.size() == kFileChecksumOffset);
  append_le(bytes, xxh3(bytes));
  return bytes;
}

Result<LogFileHeader> decode_file_header(std::string_view bytes) {
  if (bytes.size() < kLogFileHeaderBytes) return damaged("the file ends inside its header");
  if (!bytes.starts_with(kFileMagic)) return damaged("this is not the header of a log file");
  if (load_le<std::uint64_t>(bytes, kFileChecksumOffset) != xxh3(bytes.substr(0, kFileChecksumOffset))) {
    return damaged("the file header's checksum does not match");
  }
  const auto version = load_le<std::uint32_t>(bytes, 8);
  if (version > kLogVersion) {
    return fail(ErrorCode::kFormatTooNew,
                fmt::format("log version {} is newer than this build reads ({})", version, kLogVersion));
  }
  if (version == 0 || load_le<std::uint32_t>(bytes, 12) != kLogFileHeaderBytes) {
    return damaged("the file header contradicts itself");
  }
  return LogFileHeader{.number = load_le<std::uint64_t>(bytes, 16),
                       .salt = load_le<std::uint64_t>(bytes, 24),
                       .database_id = std::string(bytes.substr(32, kDatabaseIdBytes)),
                       .first_sequence = load_le<std::uint64_t>(bytes, 48)};
}

Result<std::uint64_t> group_size(std::span<const LogEntry> entries) {
  const auto too_large = [] {
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("a log group holds {} bytes at most", kMaxGroupBytes));
  };
  if (entries.size() > (kMaxGroupBytes - kGroupHeaderBytes) / kEntryBytes) return too_large();
  BodyLayout layout(entries.size(), kMaxGroupBytes);
  std::uint64_t offset = 0;
  for (const LogEntry& entry : entries) {
    if (!layout.place_record(entry.record.size(), offset)) return too_large();
  }
  for (const LogEntry& entry : entries) {
    if (!layout.place_vectors(entry.vectors.size(), offset)) return too_large();
  }
  return layout.group_bytes();
}

Status encode_group(GroupHeader header, std::span<const LogEntry> entries, std::uint64_t salt,
                    AlignedBuffer& out) {
  TRY_ASSIGN(header.group_bytes, group_size(entries));
  header.entry_count = static_cast<std::uint32_t>(entries.size());
  out.reset(header.group_bytes);
  char* group = out.data();

  std::uint64_t table = kGroupHeaderBytes;
  for (const LogEntry& entry : entries) {
    const std::uint64_t lengths[2] = {entry.record.size(), entry.vectors.size()};
    std::memcpy(group + table, lengths, sizeof(lengths));
    table += sizeof(lengths);
  }
  BodyLayout layout(entries.size(), header.group_bytes);
  std::uint64_t offset = 0;
  std::uint64_t filled = table;
  for (const LogEntry& entry : entries) {
    CHECK(layout.place_record(entry.record.size(), offset));
    store(group, offset, entry.record);
    filled = offset + entry.record.size();
  }
  for (const LogEntry& entry : entries) {
    CHECK(layout.place_vectors(entry.vectors.size(), offset));
    zero(group, filled, offset);
    store(group, offset, entry.vectors);
    filled = offset + entry.vectors.size();
  }
  zero(group, filled, header.group_bytes);

  header.body_checksum = xxh3(out.view().substr(kGroupHeaderBytes), salt);
  std::string bytes(kGroupMagic);
  append_le(bytes, header.entry_count);
  append_le(bytes, header.group_bytes);
  append_le(bytes, header.epoch);
  append_le(bytes, header.first_sequence);
  append_le(bytes, header.previous);
  append_le(bytes, header.durable_through);
  append_le(bytes, header.body_checksum);
  CHECK(bytes.size() == kGroupChecksumOffset);
  append_le(bytes, xxh3(bytes, salt));
  store(group, 0, bytes);
  return {};
}

Result<GroupHeader> decode_group_header(std::string_view bytes, std::uint64_t salt) {
  if (bytes.size() < kGroupHeaderBytes) return damaged("the file ends inside a group header");
  if (!bytes.starts_with(kGroupMagic)) return damaged("no group begins here");
  if (load_le<std::uint64_t>(bytes, kGroupChecksumOffset) !=
      xxh3(bytes.substr(0, kGroupChecksumOffset), salt)) {
    return damaged("the group header's checksum does not match");
  }
  const GroupHeader header{.entry_count = load_le<std::uint32_t>(bytes, 4),
                           .group_bytes = load_le<std::uint64_t>(bytes, 8),
                           .epoch = load_le<std::uint64_t>(bytes, 16),
                           .first_sequence = load_le<std::uint64_t>(bytes, 24),
                           .previous = load_le<std::uint64_t>(bytes, 32),
                           .durable_through = load_le<std::uint64_t>(bytes, 40),
                           .body_checksum = load_le<std::uint64_t>(bytes, 48)};
  const bool sizes_hold = header.group_bytes >= kGroupHeaderBytes && header.group_bytes <= kMaxGroupBytes &&
                          header.group_bytes % kLogAlignment == 0 &&
                          header.entry_count <= (header.group_bytes - kGroupHeaderBytes) / kEntryBytes;
  const bool sequences_hold =
      header.first_sequence > header.previous && header.durable_through <= header.previous &&
      header.first_sequence <= std::numeric_limits<Sequence>::max() - header.entry_count;
  if (!sizes_hold || !sequences_hold) return damaged("the group header contradicts itself");
  return header;
}

Result<LogGroup> decode_group(std::string_view bytes, std::uint64_t salt) {
  TRY_ASSIGN(const GroupHeader header, decode_group_header(bytes, salt));
  if (bytes.size() < header.group_bytes) return damaged("the file ends inside a group");
  bytes = bytes.substr(0, header.group_bytes);
  if (xxh3(bytes.substr(kGroupHeaderBytes), salt) != header.body_checksum) {
    return damaged("the group's checksum does not match");
  }
  LogGroup group{.epoch = header.epoch,
                 .first_sequence = header.first_sequence,
                 .previous = header.previous,
                 .durable_through = header.durable_through,
                 .entries = std::vector<LogEntry>(header.entry_count)};
  BodyLayout layout(header.entry_count, header.group_bytes);
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < group.entries.size(); ++i) {
    const auto length = load_le<std::uint64_t>(bytes, kGroupHeaderBytes + i * kEntryBytes);
    if (!layout.place_record(length, offset)) return damaged("a record is longer than its group");
    group.entries[i].record = bytes.substr(offset, length);
  }
  for (std::size_t i = 0; i < group.entries.size(); ++i) {
    const auto length = load_le<std::uint64_t>(bytes, kGroupHeaderBytes + i * kEntryBytes + 8);
    if (!layout.place_vectors(length, offset)) return damaged("vectors are longer than their group");
    group.entries[i].vectors = bytes.substr(offset, length);
  }
  if (layout.group_bytes() != header.group_bytes) return damaged("a group is longer than its entries");
  return group;
}

std::string encode_trim(Sequence trim_below) {
  std::string bytes(kTrimMagic);
  append_le(bytes, trim_below);
  append_le(bytes, xxh3(bytes));
  return bytes;
}

Result<Sequence> decode_trim(std::string_view bytes) {
  if (bytes.size() != kTrimBytes || !bytes.starts_with(kTrimMagic) ||
      load_le<std::uint64_t>(bytes, 16) != xxh3(bytes.substr(0, 16))) {
    return damaged("the trim point's checksum does not match");
  }
  return load_le<std::uint64_t>(bytes, 8);
}

}  // namespace sextant
