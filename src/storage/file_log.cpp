#include "storage/file_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "base/mutex.h"
#include "storage/log_format.h"
#include "storage/log_reader.h"
#include "storage/log_recovery.h"

namespace sextant {
namespace {

constexpr std::uint64_t kLocalEpoch = 1;

class FileLog final : public CommitLog {
 public:
  FileLog(FileSystem& fs, Random& random, std::string directory, FileLogOptions options)
      : fs_(fs), random_(random), directory_(std::move(directory)), options_(std::move(options)) {}

  /// Before all else, once.
  Status open(FileLogRecovery* report);

  Result<Sequence> append(std::span<const LogEntry> entries) override;
  Result<Sequence> sync() override;
  Status sync_through(Sequence through) override;
  Status mark_idle() override;
  Status read_from(Sequence from, const std::function<Status(const LogGroup&)>& visit) override;
  Status trim_before(Sequence before) override;

  Sequence last_sequence() const override;
  Sequence durable_through() const override;
  Sequence first_sequence() const override;
  std::uint64_t size_bytes() const override;
  bool poisoned() const override;

 private:
  struct LogFile {
    LogFileExtent extent;
    std::shared_ptr<File> file;    // open while it may be written or synced
    std::uint64_t synced_end = 0;  // of what a sync has covered
  };
  /// What one sync has to do for one file.
  struct PendingSync {
    std::shared_ptr<File> file;
    std::uint64_t number = 0;
    std::uint64_t end = 0;
  };

  Result<Sequence> append_group(std::span<const LogEntry> entries);
  Status write_group(File& file, std::uint64_t offset) const;
  Status cut_back(File& file, std::uint64_t end, Error cause);
  Status begin_file(std::uint64_t number, Sequence first_sequence);
  Status write_header(File& file, const LogFileHeader& header) const;
  Result<Sequence> sync_appended() REQUIRES(sync_mutex_);
  Status sync_files(const std::vector<PendingSync>& pending) const REQUIRES(sync_mutex_);
  Status read_file_groups(const LogFileExtent& extent, Sequence from,
                          const std::function<Status(const LogGroup&)>& visit);
  std::unexpected<Error> poison(Error cause);
  Status check_usable() const REQUIRES(mutex_);

  FileSystem& fs_;
  Random& random_;
  const std::string directory_;
  const FileLogOptions options_;
  AlignedBuffer buffer_;  // of the appending thread

  // Taken in this order. sync_mutex_ is held while the device works, mutex_ never.
  Mutex trim_mutex_;
  Mutex sync_mutex_;
  mutable Mutex mutex_;
  std::vector<LogFile> files_ GUARDED_BY(mutex_);  // never empty after open
  Sequence last_sequence_ GUARDED_BY(mutex_) = 0;
  Sequence durable_through_ GUARDED_BY(mutex_) = 0;
  Sequence marked_through_ GUARDED_BY(mutex_) = 0;  // the durable_through that the last group carries
  bool poisoned_ GUARDED_BY(mutex_) = false;
};

Status FileLog::open(FileLogRecovery* report) {
  if (options_.database_id.size() != kDatabaseIdBytes) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("a database id has {} bytes, not {}",
                                                         kDatabaseIdBytes, options_.database_id.size()));
  }
  TRY_ASSIGN(RecoveredLog recovered, recover_log(fs_, directory_, options_));
  if (report != nullptr) *report = recovered.report;
  if (recovered.files.empty()) return begin_file(1, 1);

  TRY_ASSIGN(std::shared_ptr<File> active, fs_.open(recovered.files.back().path, OpenMode::kReadWrite));
  const MutexLock lock(mutex_);
  for (LogFileExtent& extent : recovered.files) {
    const std::uint64_t end = extent.end;
    files_.push_back({.extent = std::move(extent), .file = nullptr, .synced_end = end});
  }
  files_.back().file = std::move(active);
  last_sequence_ = recovered.report.last_sequence;
  durable_through_ = last_sequence_;
  marked_through_ = recovered.marked_through;
  return {};
}

Result<Sequence> FileLog::append(std::span<const LogEntry> entries) {
  if (entries.empty()) return fail(ErrorCode::kInvalidArgument, "a log group needs at least one entry");
  return append_group(entries);
}

Status FileLog::mark_idle() {
  {
    const MutexLock lock(mutex_);
    if (marked_through_ == durable_through_) return check_usable();
  }
  TRY(append_group({}));
  return {};
}

Result<Sequence> FileLog::append_group(std::span<const LogEntry> entries) {
  TRY_ASSIGN(const std::uint64_t group_bytes, group_size(entries));
  GroupHeader header{.epoch = kLocalEpoch};
  std::uint64_t next_file = 0;
  {
    const MutexLock lock(mutex_);
    TRY(check_usable());
    header.previous = last_sequence_;
    header.first_sequence = last_sequence_ + 1;
    header.durable_through = durable_through_;
    const LogFileExtent& active = files_.back().extent;
    const bool full = active.end > kLogFileHeaderBytes && active.end + group_bytes > options_.file_size_bytes;
    if (full) next_file = active.header.number + 1;
  }
  if (next_file != 0) TRY(begin_file(next_file, header.first_sequence));

  std::shared_ptr<File> file;
  std::uint64_t end = 0;
  std::uint64_t salt = 0;
  {
    const MutexLock lock(mutex_);
    const LogFile& active = files_.back();
    file = active.file;
    end = active.extent.end;
    salt = active.extent.header.salt;
  }
  TRY(encode_group(header, entries, salt, buffer_));
  if (auto written = write_group(*file, end); !written) {
    TRY(cut_back(*file, end, std::move(written).error()));
  }

  const MutexLock lock(mutex_);
  last_sequence_ += entries.size();
  marked_through_ = header.durable_through;
  files_.back().extent.last_sequence = last_sequence_;
  files_.back().extent.end = end + group_bytes;
  return header.first_sequence;
}

Status FileLog::write_group(File& file, std::uint64_t offset) const {
  FAULT_POINT("log.append.before_write");
  TRY(file.write_at(offset, buffer_.view()));
  FAULT_POINT("log.append.after_write");
  return {};
}

// The cut is synced as well: otherwise a power failure could bring back a group whose writer was told that it
// failed. Always an error: `cause`, or kStorePoisoned.
Status FileLog::cut_back(File& file, std::uint64_t end, Error cause) {
  const MutexLock syncing(sync_mutex_);
  {
    const MutexLock lock(mutex_);
    TRY(check_usable());
  }
  auto cut = file.truncate(end);
  if (cut) cut = file.sync();
  if (!cut) return poison(std::move(cut).error());
  return fail(std::move(cause));
}

// File and directory are synced here and not with the first group, so that a broken header in front of groups
// and a gap in the numbers are always damage.
Status FileLog::begin_file(std::uint64_t number, Sequence first_sequence) {
  FAULT_POINT("log.rotate.before");
  LogFile next;
  next.extent.header = {.number = number,
                        .salt = random_.next(),
                        .database_id = options_.database_id,
                        .first_sequence = first_sequence};
  next.extent.path = log_file_path(directory_, number);
  next.extent.last_sequence = first_sequence - 1;
  next.synced_end = next.extent.end;
  TRY_ASSIGN(next.file, fs_.open(next.extent.path, OpenMode::kCreate));
  if (auto written = write_header(*next.file, next.extent.header); !written) {
    if (auto removed = fs_.remove(next.extent.path); !removed) return poison(std::move(removed).error());
    return written;
  }
  auto synced = next.file->sync();
  if (synced) synced = fs_.sync_directory(directory_);
  if (!synced) return poison(std::move(synced).error());
  const MutexLock lock(mutex_);
  files_.push_back(std::move(next));
  return {};
}

Status FileLog::write_header(File& file, const LogFileHeader& header) const {
  TRY(file.write_at(0, encode_file_header(header)));
  FAULT_POINT("log.rotate.after_create");
  return {};
}

Result<Sequence> FileLog::sync() {
  const MutexLock syncing(sync_mutex_);
  return sync_appended();
}

Status FileLog::sync_through(Sequence through) {
  const auto durable = [&]() -> Result<bool> {
    const MutexLock lock(mutex_);
    TRY(check_usable());
    if (through > last_sequence_) {
      return fail(ErrorCode::kInternal, fmt::format("sequence {} is to be synced, but the log ends at {}",
                                                    through, last_sequence_));
    }
    return through <= durable_through_;
  };
  TRY_ASSIGN(bool done, durable());
  if (done) return {};
  const MutexLock syncing(sync_mutex_);
  // Whoever synced while this thread waited may have covered it.
  TRY_ASSIGN(done, durable());
  if (!done) TRY(sync_appended());
  return {};
}

Result<Sequence> FileLog::sync_appended() {
  std::vector<PendingSync> pending;
  Sequence through = 0;
  {
    const MutexLock lock(mutex_);
    TRY(check_usable());
    through = last_sequence_;
    for (const LogFile& log_file : files_) {
      const LogFileExtent& extent = log_file.extent;
      if (extent.end > log_file.synced_end)
        pending.push_back({log_file.file, extent.header.number, extent.end});
    }
  }
  if (pending.empty()) return through;
  if (auto synced = sync_files(pending); !synced) return poison(std::move(synced).error());

  const MutexLock lock(mutex_);
  for (const PendingSync& done : pending) {
    const auto synced =
        std::ranges::find(files_, done.number, [](const LogFile& f) { return f.extent.header.number; });
    if (synced == files_.end()) continue;
    synced->synced_end = done.end;
  }
  for (std::size_t i = 0; i + 1 < files_.size(); ++i) {
    if (files_[i].synced_end == files_[i].extent.end) files_[i].file.reset();
  }
  durable_through_ = through;
  return through;
}

// Oldest first, so that a later file is never more durable than one before it.
Status FileLog::sync_files(const std::vector<PendingSync>& pending) const {
  FAULT_POINT("log.sync.before");
  for (const PendingSync& file : pending) TRY(file.file->sync());
  FAULT_POINT("log.sync.after");
  return {};
}

Status FileLog::read_from(Sequence from, const std::function<Status(const LogGroup&)>& visit) {
  from = std::max<Sequence>(from, 1);
  std::vector<LogFileExtent> extents;
  {
    const MutexLock lock(mutex_);
    const Sequence oldest = files_.front().extent.header.first_sequence;
    if (from < oldest) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the log was trimmed: it begins with sequence {}, not {}", oldest, from));
    }
    for (const LogFile& log_file : files_) {
      if (log_file.extent.last_sequence >= from) extents.push_back(log_file.extent);
    }
  }
  for (const LogFileExtent& extent : extents) TRY(read_file_groups(extent, from, visit));
  return {};
}

Status FileLog::read_file_groups(const LogFileExtent& extent, Sequence from,
                                 const std::function<Status(const LogGroup&)>& visit) {
  auto reader = LogFileReader::open(fs_, extent.path);
  if (!reader) {
    if (first_sequence() <= extent.last_sequence) return fail(std::move(reader).error());
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the log was trimmed while it was read: {}", extent.path));
  }
  TRY(reader->read_header());
  Sequence last = extent.header.first_sequence - 1;
  for (std::uint64_t offset = kLogFileHeaderBytes; offset < extent.end;) {
    TRY_ASSIGN(const GroupHeader header, reader->read_group_header(offset));
    if (header.previous != last || header.first_sequence != last + 1) {
      return fail(ErrorCode::kDamaged,
                  fmt::format("{}:{}: the group follows sequence {}, but the log before it ends at {}",
                              extent.path, offset, header.previous, last));
    }
    last = header.last_sequence();
    if (header.entry_count > 0 && last >= from) {
      TRY_ASSIGN(const LogGroup group, reader->read_group(offset, header));
      TRY(visit(group));
    }
    offset += header.group_bytes;
  }
  return {};
}

Status FileLog::trim_before(Sequence before) {
  const MutexLock trimming(trim_mutex_);
  std::vector<std::string> paths;
  Sequence trim_below = 0;
  {
    const MutexLock lock(mutex_);
    TRY(check_usable());
    // What is not durable yet stays, whatever the caller believes.
    before = std::min(before, durable_through_ + 1);
    for (std::size_t i = 0; i + 1 < files_.size(); ++i) {
      if (files_[i].extent.last_sequence >= before) break;
      paths.push_back(files_[i].extent.path);
      trim_below = files_[i + 1].extent.header.first_sequence;
    }
  }
  if (paths.empty()) return {};
  FAULT_POINT("log.trim.before_persist");
  TRY(write_file_atomically(fs_, log_trim_path(directory_), encode_trim(trim_below)));
  FAULT_POINT("log.trim.after_persist");
  {
    const MutexLock lock(mutex_);
    files_.erase(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(paths.size()));
  }
  // From here on the files are only left over: what cannot be removed now goes at the next open.
  for (const std::string& path : paths) TRY(fs_.remove(path));
  return {};
}

Sequence FileLog::last_sequence() const {
  const MutexLock lock(mutex_);
  return last_sequence_;
}

Sequence FileLog::durable_through() const {
  const MutexLock lock(mutex_);
  return durable_through_;
}

Sequence FileLog::first_sequence() const {
  const MutexLock lock(mutex_);
  return files_.front().extent.header.first_sequence;
}

std::uint64_t FileLog::size_bytes() const {
  const MutexLock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const LogFile& file : files_) bytes += file.extent.end;
  return bytes;
}

bool FileLog::poisoned() const {
  const MutexLock lock(mutex_);
  return poisoned_;
}

std::unexpected<Error> FileLog::poison(Error cause) {
  const MutexLock lock(mutex_);
  poisoned_ = true;
  return fail(caused_by(ErrorCode::kStorePoisoned,
                        fmt::format("the log in {} could not be made durable", directory_),
                        std::move(cause)));
}

Status FileLog::check_usable() const {
  if (!poisoned_) return {};
  return fail(ErrorCode::kStorePoisoned,
              fmt::format("the log in {} is closed: an earlier write could not be made durable", directory_));
}

}  // namespace

Result<std::unique_ptr<CommitLog>> open_file_log(FileSystem& fs, Random& random, const std::string& directory,
                                                 const FileLogOptions& options, FileLogRecovery* recovery) {
  auto log = std::make_unique<FileLog>(fs, random, directory, options);
  TRY(log->open(recovery));
  return log;
}

}  // namespace sextant
