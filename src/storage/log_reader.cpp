#include "storage/log_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace sextant {
namespace {

constexpr std::uint64_t kScanBytes = 1ULL << 20U;

}  // namespace

LogFileReader::LogFileReader(std::string path, std::unique_ptr<File> file, std::uint64_t size)
    : path_(std::move(path)), file_(std::move(file)), size_(size) {}

Result<LogFileReader> LogFileReader::open(FileSystem& fs, std::string path) {
  TRY_ASSIGN(auto file, fs.open(path, OpenMode::kRead));
  TRY_ASSIGN(const std::uint64_t size, file->size());
  return LogFileReader(std::move(path), std::move(file), size);
}

Error LogFileReader::at(std::uint64_t offset, Error error) const {
  error.message = fmt::format("{}:{}: {}", path_, offset, error.message);
  return error;
}

Result<std::string_view> LogFileReader::read(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t there = offset < size_ ? std::min(size, size_ - offset) : 0;
  buffer_.reset(there);
  TRY_ASSIGN(const std::size_t count, file_->read_at(offset, buffer_.data(), there));
  return buffer_.view().substr(0, count);
}

Result<LogFileHeader> LogFileReader::read_header() {
  TRY_ASSIGN(const std::string_view bytes, read(0, kLogFileHeaderBytes));
  auto header = decode_file_header(bytes);
  if (!header) return fail(at(0, std::move(header).error()));
  salt_ = header->salt;
  return header;
}

Result<GroupHeader> LogFileReader::read_group_header(std::uint64_t offset) {
  TRY_ASSIGN(const std::string_view bytes, read(offset, kGroupHeaderBytes));
  auto header = decode_group_header(bytes, salt_);
  if (!header) return fail(at(offset, std::move(header).error()));
  return header;
}

Result<LogGroup> LogFileReader::read_group(std::uint64_t offset, const GroupHeader& header) {
  TRY_ASSIGN(const std::string_view bytes, read(offset, header.group_bytes));
  auto group = decode_group(bytes, salt_);
  if (!group) return fail(at(offset, std::move(group).error()));
  return group;
}

Result<Sequence> LogFileReader::durable_evidence(std::uint64_t from) {
  Sequence evidence = 0;
  for (std::uint64_t offset = from; offset < size_; offset += kScanBytes) {
    TRY_ASSIGN(std::string_view bytes, read(offset, kScanBytes));
    while (bytes.size() >= kGroupHeaderBytes) {
      if (const auto header = decode_group_header(bytes, salt_))
        evidence = std::max(evidence, header->durable_through);
      bytes.remove_prefix(kLogAlignment);
    }
  }
  return evidence;
}

Result<bool> LogFileReader::holds_data(std::uint64_t from) {
  for (std::uint64_t offset = from; offset < size_; offset += kScanBytes) {
    TRY_ASSIGN(const std::string_view bytes, read(offset, kScanBytes));
    if (std::ranges::any_of(bytes, [](char byte) { return byte != '\0'; })) return true;
  }
  return false;
}

}  // namespace sextant
