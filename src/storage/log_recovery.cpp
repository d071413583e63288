#include "storage/log_recovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "storage/log_reader.h"

namespace sextant {
namespace {

constexpr std::string_view kLogSuffix = ".log";
constexpr std::size_t kNumberDigits = 20;

std::optional<std::uint64_t> number_of(std::string_view name) {
  if (name.size() != kNumberDigits + kLogSuffix.size() || !name.ends_with(kLogSuffix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + kNumberDigits;
  const auto [parsed, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc{} || parsed != end) return std::nullopt;
  return number;
}

/// One file found in the directory; without a header where its bytes are not an intact one.
struct FoundFile {
  std::uint64_t number = 0;
  LogFileReader reader;
  std::optional<LogFileHeader> header;
  std::string header_fault;
};

/// Where the chain of groups breaks: in files_[file] at `offset` (0: the file as a whole is not its
/// continuation).
struct Break {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  std::string why;
};

class Recovery {
 public:
  Recovery(FileSystem& fs, const std::string& directory, const FileLogOptions& options)
      : fs_(fs), directory_(directory), options_(options) {}

  Result<RecoveredLog> run() {
    TRY(find_files());
    TRY(drop_trimmed());
    TRY(check_numbers());
    TRY_ASSIGN(const std::optional<Break> broken, scan());
    if (broken) {
      TRY(refuse_damage(*broken));
      TRY(cut(*broken));
    }
    TRY(check_end());
    TRY(make_durable());
    log_.report.last_sequence = last_;
    return std::move(log_);
  }

 private:
  Status find_files();
  Result<FoundFile> inspect(std::uint64_t number);
  Status drop_trimmed();
  Status check_numbers() const;
  Result<std::optional<Break>> scan();
  Result<std::optional<Break>> scan_file(std::size_t index);
  Status refuse_damage(const Break& broken);
  Status cut(const Break& broken);
  Status check_end() const;
  Status make_durable();

  static Status synced(Status status) {
    if (status) return {};
    return fail(
        caused_by(ErrorCode::kStorePoisoned, "the log could not be made durable", std::move(status).error()));
  }
  Error damaged(const std::string& what) const {
    return make_error(ErrorCode::kDamaged, fmt::format("{}: {}", directory_, what));
  }

  FileSystem& fs_;
  const std::string& directory_;
  const FileLogOptions& options_;
  Sequence trim_below_ = 1;
  std::vector<FoundFile> found_;
  Sequence last_ = 0;  // of the last group of the chain
  RecoveredLog log_;
};

Status Recovery::find_files() {
  TRY_ASSIGN(const auto names, fs_.list(directory_));
  for (const std::string& name : names) {
    if (const auto number = number_of(name)) {
      TRY_ASSIGN(auto file, inspect(*number));
      found_.push_back(std::move(file));
    }
  }
  std::ranges::sort(found_, {}, &FoundFile::number);
  const std::string trim_path = log_trim_path(directory_);
  TRY_ASSIGN(const bool trimmed, fs_.exists(trim_path));
  if (trimmed) {
    TRY_ASSIGN(const std::string bytes, read_file(fs_, trim_path));
    auto trim_below = decode_trim(bytes);
    if (!trim_below)
      return fail(ErrorCode::kDamaged, fmt::format("{}: {}", trim_path, trim_below.error().message));
    trim_below_ = *trim_below;
  }
  return {};
}

Result<FoundFile> Recovery::inspect(std::uint64_t number) {
  TRY_ASSIGN(auto reader, LogFileReader::open(fs_, log_file_path(directory_, number)));
  FoundFile file{.number = number, .reader = std::move(reader), .header = std::nullopt, .header_fault = {}};
  auto header = file.reader.read_header();
  if (!header) {
    if (header.error().code != ErrorCode::kDamaged) return fail(std::move(header).error());
    file.header_fault = std::move(header.error().message);
    return file;
  }
  if (header->database_id != options_.database_id) {
    return fail(ErrorCode::kDamaged,
                fmt::format("{}:0: the file belongs to database {}, not to {}", file.reader.path(),
                            to_hex(header->database_id), to_hex(options_.database_id)));
  }
  if (header->number != number || header->first_sequence == 0) {
    file.header_fault =
        fmt::format("{}:0: the header is that of file {}", file.reader.path(), header->number);
    return file;
  }
  file.header = std::move(*header);
  return file;
}

// What lies before the trim point is only left over.
Status Recovery::drop_trimmed() {
  std::size_t first = 0;
  for (std::size_t i = 0; i < found_.size(); ++i) {
    if (found_[i].header && found_[i].header->first_sequence <= trim_below_) first = i;
  }
  // Not if the process was killed right after it wrote the point: its rename may be in the cache alone.
  if (first > 0) TRY(synced(fs_.sync_directory(directory_)));
  for (std::size_t i = 0; i < first; ++i) TRY(fs_.remove(found_[i].reader.path()));
  found_.erase(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(first));
  return {};
}

Status Recovery::check_numbers() const {
  for (std::size_t i = 1; i < found_.size(); ++i) {
    const std::uint64_t expected = found_[i - 1].number + 1;
    if (found_[i].number != expected) {
      return fail(damaged(fmt::format("log file {} is missing", log_file_path(directory_, expected))));
    }
  }
  if (!found_.empty() && found_[0].header && found_[0].header->first_sequence != trim_below_) {
    return fail(damaged(fmt::format("the log begins with sequence {} instead of {}: older files are missing",
                                    found_[0].header->first_sequence, trim_below_)));
  }
  return {};
}

Result<std::optional<Break>> Recovery::scan() {
  last_ = trim_below_ - 1;
  for (std::size_t i = 0; i < found_.size(); ++i) {
    const FoundFile& file = found_[i];
    if (!file.header) return Break{.file = i, .offset = 0, .why = file.header_fault};
    if (file.header->first_sequence != last_ + 1) {
      return Break{
          .file = i,
          .offset = 0,
          .why = fmt::format("{}:0: the file begins with sequence {}, but the log before it ends at {}",
                             file.reader.path(), file.header->first_sequence, last_)};
    }
    TRY_ASSIGN(std::optional<Break> broken, scan_file(i));
    if (broken) return broken;
  }
  return std::nullopt;
}

Result<std::optional<Break>> Recovery::scan_file(std::size_t index) {
  LogFileReader& reader = found_[index].reader;
  LogFileExtent& extent =
      log_.files.emplace_back(LogFileExtent{.header = *found_[index].header, .path = reader.path()});
  extent.last_sequence = last_;
  while (extent.end < reader.size()) {
    const auto broken_here = [&](Error error) -> Result<std::optional<Break>> {
      if (error.code != ErrorCode::kDamaged) return fail(std::move(error));
      return Break{.file = index, .offset = extent.end, .why = std::move(error.message)};
    };
    auto header = reader.read_group_header(extent.end);
    if (!header) return broken_here(std::move(header).error());
    if (header->previous != last_ || header->first_sequence != last_ + 1) {
      return broken_here(
          make_error(ErrorCode::kDamaged,
                     fmt::format("{}:{}: the group follows sequence {}, but the log before it ends at {}",
                                 reader.path(), extent.end, header->previous, last_)));
    }
    auto group = reader.read_group(extent.end, *header);
    if (!group) return broken_here(std::move(group).error());
    last_ = header->last_sequence();
    log_.marked_through = std::max(log_.marked_through, header->durable_through);
    extent.last_sequence = last_;
    extent.end += header->group_bytes;
    ++log_.report.groups;
  }
  return std::nullopt;
}

Status Recovery::refuse_damage(const Break& broken) {
  const auto refuse = [&broken](std::string_view because) {
    return fail(ErrorCode::kDamaged,
                fmt::format("{}; this is damage, not an unfinished write: {}", broken.why, because));
  };
  for (std::size_t i = broken.file; i < found_.size(); ++i) {
    if (found_[i].header) continue;
    TRY_ASSIGN(const bool holds_groups, found_[i].reader.holds_data(kLogFileHeaderBytes));
    if (holds_groups || i + 1 < found_.size()) {
      return refuse(fmt::format("the header of {} was durable before anything that follows it",
                                found_[i].reader.path()));
    }
  }
  if (broken.file == 0 && broken.offset == 0 && (trim_below_ > 1 || found_[0].number > 1)) {
    return refuse("the log before this file was durable");
  }
  if (options_.applied_through > last_) {
    return refuse(fmt::format("applied state holds sequence {}", options_.applied_through));
  }
  Sequence evidence = 0;
  for (std::size_t i = broken.file; i < found_.size(); ++i) {
    if (!found_[i].header) continue;
    const std::uint64_t from = i == broken.file && broken.offset > 0 ? broken.offset : kLogFileHeaderBytes;
    TRY_ASSIGN(const Sequence later, found_[i].reader.durable_evidence(from));
    evidence = std::max(evidence, later);
  }
  if (evidence > last_)
    return refuse(fmt::format("a later group says that sequence {} was durable", evidence));
  return {};
}

Status Recovery::cut(const Break& broken) {
  // Last file first, each removal durable before the next: what is left at any moment has no gap.
  const std::size_t keep = broken.offset == 0 ? broken.file : broken.file + 1;
  for (std::size_t i = found_.size(); i-- > keep;) {
    log_.report.bytes_cut += found_[i].reader.size();
    TRY(fs_.remove(found_[i].reader.path()));
    TRY(synced(fs_.sync_directory(directory_)));
  }
  log_.report.cut_at = fmt::format("{}:{}", found_[broken.file].reader.path(), broken.offset);
  if (broken.offset > 0) {
    log_.report.bytes_cut += found_[broken.file].reader.size() - broken.offset;
    TRY_ASSIGN(const auto file, fs_.open(found_[broken.file].reader.path(), OpenMode::kReadWrite));
    TRY(file->truncate(broken.offset));
  }
  return {};
}

Status Recovery::check_end() const {
  if (found_.empty() && trim_below_ > 1) {
    return fail(damaged(fmt::format("the log from sequence {} on is missing", trim_below_)));
  }
  if (options_.applied_through > last_) {
    return fail(damaged(fmt::format("applied state holds sequence {}, but the log ends at {}",
                                    options_.applied_through, last_)));
  }
  return {};
}

// A process that was killed leaves groups which only the system's cache holds. A file that ends with what the
// last mark covers may still end with that mark itself, which nothing has synced.
Status Recovery::make_durable() {
  for (const LogFileExtent& extent : log_.files) {
    if (extent.last_sequence < log_.marked_through && &extent != &log_.files.back()) continue;
    TRY_ASSIGN(const auto file, fs_.open(extent.path, OpenMode::kReadWrite));
    TRY(synced(file->sync()));
  }
  return synced(fs_.sync_directory(directory_));
}

}  // namespace

std::string log_file_path(const std::string& directory, std::uint64_t number) {
  return join_path(directory, fmt::format("{:020}{}", number, kLogSuffix));
}

std::string log_trim_path(const std::string& directory) { return join_path(directory, "TRIM"); }

Result<RecoveredLog> recover_log(FileSystem& fs, const std::string& directory,
                                 const FileLogOptions& options) {
  return Recovery(fs, directory, options).run();
}

}  // namespace sextant
