#include "storage/format_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"

namespace sextant {
namespace {

constexpr std::string_view kFirstLine = "sextant database\n";
constexpr std::size_t kMaxFormatBytes = 64UL << 10U;

std::string format_path(const std::string& directory) { return join_path(directory, "FORMAT"); }

std::string joined(const std::vector<std::string>& flags) {
  std::string text;
  for (const std::string& flag : flags) {
    if (!text.empty()) text.push_back(',');
    text += flag;
  }
  return text.empty() ? "none" : text;
}

std::vector<std::string> split_flags(std::string_view text) {
  std::vector<std::string> flags;
  if (text == "none") return flags;
  while (true) {
    const std::size_t comma = text.find(',');
    flags.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return flags;
    text.remove_prefix(comma + 1);
  }
}

std::string encode(const FormatFile& format) {
  std::string text = fmt::format("{}version {}\ndatabase_id {}\nreader_flags {}\nwriter_flags {}\n",
                                 kFirstLine, format.version, to_hex(format.database_id),
                                 joined(format.reader_flags), joined(format.writer_flags));
  text += fmt::format("checksum {:016x}\n", xxh3(text));
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    const char* end = text.data() + i + 2;
    const auto [parsed, error] = std::from_chars(text.data() + i, end, value, 16);
    if (error != std::errc{} || parsed != end) return std::nullopt;
    bytes.push_back(static_cast<char>(value));
  }
  if (text.size() % 2 != 0) return std::nullopt;
  return bytes;
}

/// Takes "key value\n" off the front of `text`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view key) {
  const std::size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, newline);
  if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') return std::nullopt;
  text.remove_prefix(newline + 1);
  line.remove_prefix(key.size() + 1);
  return line;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc{} || parsed != end) return std::nullopt;
  return number;
}

/// The checksum is the last line, over all before it; in every version.
bool checksum_holds(std::string_view text) {
  const std::size_t start = text.rfind("\nchecksum ");
  if (start == std::string_view::npos) return false;
  std::string_view line = text.substr(start + 1);
  const auto value = take_line(line, "checksum");
  if (!value || !line.empty()) return false;
  return number_of<std::uint64_t>(*value, 16) == xxh3(text.substr(0, start + 1));
}

Result<FormatFile> decode(const std::string& path, std::string_view text) {
  const auto damaged = [&](std::string_view why) {
    return fail(ErrorCode::kDamaged, fmt::format("{} {}", path, why));
  };
  if (!text.starts_with(kFirstLine)) return damaged("is not the FORMAT file of a database");
  if (!checksum_holds(text)) return damaged("does not match its checksum");
  text.remove_prefix(kFirstLine.size());

  FormatFile format;
  const auto version = take_line(text, "version");
  const auto number = version ? number_of<std::uint32_t>(*version, 10) : std::nullopt;
  if (!number || *number == 0) return damaged("names no version");
  format.version = *number;
  // A later version may have other lines: nothing more is asked of it.
  if (format.version > kFormatVersion) {
    return fail(ErrorCode::kFormatTooNew,
                fmt::format("{}: the database has format version {}, this build reads up to {}", path,
                            format.version, kFormatVersion));
  }
  const auto id = take_line(text, "database_id");
  auto id_bytes = id ? from_hex(*id) : std::nullopt;
  const auto reader_flags = take_line(text, "reader_flags");
  const auto writer_flags = take_line(text, "writer_flags");
  if (!id_bytes || id_bytes->size() != kDatabaseIdBytes || !reader_flags || !writer_flags ||
      !take_line(text, "checksum") || !text.empty()) {
    return damaged("is malformed");
  }
  format.database_id = std::move(*id_bytes);
  format.reader_flags = split_flags(*reader_flags);
  format.writer_flags = split_flags(*writer_flags);
  // Version 1 defines no flag, so every one is unknown.
  for (const auto* flags : {&format.reader_flags, &format.writer_flags}) {
    if (flags->empty()) continue;
    return fail(ErrorCode::kFormatTooNew,
                fmt::format("{}: the database needs '{}' ({} flag), which this build does not know", path,
                            flags->front(), flags == &format.reader_flags ? "reader" : "writer"));
  }
  return format;
}

}  // namespace

Result<FormatFile> read_format_file(FileSystem& fs, const std::string& directory) {
  const std::string path = format_path(directory);
  TRY_ASSIGN(const auto file, fs.open(path, OpenMode::kRead));
  std::string text(kMaxFormatBytes, '\0');
  TRY_ASSIGN(const std::size_t size, file->read_at(0, text.data(), text.size()));
  text.resize(size);
  return decode(path, text);
}

Result<FormatFile> create_format_file(FileSystem& fs, Random& random, const std::string& directory) {
  const std::string path = format_path(directory);
  TRY_ASSIGN(const bool there, fs.exists(path));
  if (there) return fail(ErrorCode::kInternal, fmt::format("{} exists already", path));
  FormatFile format;
  append_le(format.database_id, random.next());
  append_le(format.database_id, random.next());
  TRY(write_file_atomically(fs, path, encode(format)));
  return format;
}

}  // namespace sextant
