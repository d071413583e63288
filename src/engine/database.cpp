#include "engine/database.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "base/log.h"
#include "engine/outcomes.h"

namespace sextant {

namespace {

constexpr int kMaxAttempts = 10;
constexpr Sequence kSequencesBetweenProgress = 4096;

// What may stand in a directory that becomes a database: nothing but what an interrupted creation leaves.
Status check_creatable(FileSystem& fs, const std::string& directory) {
  TRY_ASSIGN(const auto names, fs.list(directory));
  for (const std::string& name : names) {
    if (name != "LOCK" && name != "log" && name != "scratch" && !name.starts_with("FORMAT")) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' is no Sextant database, and not empty either: it holds '{}'", directory, name));
    }
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status make_directories(FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const bool exists, fs.exists(path));
  if (exists) return {};
  const std::string parent = parent_of(path);
  if (parent != "." && parent != "/") TRY(make_directories(fs, parent));
  TRY(fs.make_directory(path));
  return fs.sync_directory(parent);
}

Status empty_directory(FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const auto names, fs.list(path));
  for (const std::string& name : names) TRY(fs.remove(join_path(path, name)));
  return {};
}

bool may_retry(const WriteRequest& request, const Result<WriteResult>& result) {
  if (request.transactions.size() != 1 || !result || result->transactions.empty()) return false;
  const auto& outcome = result->transactions.front();
  return !outcome && (outcome.error().code == ErrorCode::kTransactionConflict ||
                      outcome.error().code == ErrorCode::kTransactionTooOld);
}

}  // namespace

Database::Database(std::string directory, DatabaseOptions options)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      published_(std::make_shared<DatabaseState>()) {}

Result<std::unique_ptr<Database>> Database::open(const std::string& directory, DatabaseOptions options) {
  std::string path = directory;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) return fail(ErrorCode::kInvalidArgument, "the database directory has no name");
  std::unique_ptr<Database> database(new Database(path, std::move(options)));
  TRY(database->recover());
  return database;
}

Status Database::recover() {
  const std::int64_t started_ns = options_.clock->monotonic_ns();
  FileSystem& fs = *options_.files;
  TRY(make_directories(fs, directory_));
  TRY_ASSIGN(owner_, OwnerLock::acquire(fs, *options_.clock, directory_, options_.endpoint));
  TRY_ASSIGN(const bool exists, fs.exists(join_path(directory_, "FORMAT")));
  if (!exists) TRY(check_creatable(fs, directory_));
  const std::string log_directory = join_path(directory_, "log");
  const std::string scratch = join_path(directory_, "scratch");
  TRY(fs.make_directory(log_directory));
  TRY(fs.make_directory(scratch));
  TRY(empty_directory(fs, scratch));
  if (exists) {
    TRY_ASSIGN(format_, read_format_file(fs, directory_));
  } else {
    TRY_ASSIGN(format_, create_format_file(fs, *options_.random, directory_));
    TRY(fs.sync_directory(parent_of(directory_)));
  }
  // A process that was killed while it created the database may have left names that only the cache holds.
  TRY(fs.sync_directory(directory_));

  RecordStoreOptions records = options_.records;
  // Applied state must never be ahead of what the log is sure of.
  records.before_flush = [this](Sequence applied) -> Status {
    return log_ ? log_->sync_through(applied) : Status{};
  };
  TRY_ASSIGN(records_, RecordStore::open(join_path(directory_, "records"), std::move(records)));
  recovery_.applied_through = records_->applied_through();

  FileLogOptions log_options;
  log_options.file_size_bytes = options_.log_file_bytes;
  log_options.database_id = format_.database_id;
  log_options.applied_through = recovery_.applied_through;
  FileLogRecovery found;
  TRY_ASSIGN(log_, open_file_log(fs, *options_.random, log_directory, log_options, &found));
  recovery_.last_sequence = found.last_sequence;
  recovery_.log_bytes_cut = found.bytes_cut;
  recovery_.log_cut_at = found.cut_at;

  apply_pool_ = options_.apply_threads > 1 ? std::make_unique<ThreadPool>("apply", options_.apply_threads - 1)
                                           : nullptr;
  applier_ = std::make_unique<Applier>(*records_, apply_pool_.get());
  Sequence reported = 0;
  const Status replayed = log_->read_from(1, [&](const LogGroup& group) -> Status {
    TRY(applier_->apply(group));
    const Sequence at = applier_->state().sequence;
    if (options_.on_recovery_progress && at >= reported + kSequencesBetweenProgress) {
      reported = at;
      options_.on_recovery_progress(at, found.last_sequence);
    }
    return {};
  });
  TRY(replayed);
  published_.store(applier_->publishable());
  next_library_id_ = applier_->next_library_id();
  lane_ = std::make_unique<CommitLane>(*log_, *applier_, published_, history_, *options_.clock, owner_.get(),
                                       options_.lane);
  recovery_.duration_ms = (options_.clock->monotonic_ns() - started_ns) / 1'000'000;
  if (recovery_.log_bytes_cut > 0) {
    log_warning("log_tail_cut", {{"bytes", recovery_.log_bytes_cut}, {"at", recovery_.log_cut_at}});
  }
  return {};
}

Database::~Database() {
  const bool opened = lane_ != nullptr;
  lane_.reset();
  if (!opened || !options_.checkpoint_on_close || log_->poisoned()) return;
  if (auto status = checkpoint(); !status) {
    log_warning("checkpoint_failed", {{"error", status.error().to_string()}});
  }
}

Status Database::checkpoint() {
  TRY_ASSIGN(const Sequence durable, log_->sync());
  (void)durable;
  return records_->flush();
}

Transaction Database::begin() {
  return {published_, history_, *lane_, options_.limits, [this] { return next_library_id_.fetch_add(1); }};
}

Result<WriteResult> Database::write(const RequestContext& context, const WriteRequest& request) {
  for (int attempt = 1;; ++attempt) {
    TRY(context.check_deadline("preparing a write"));
    const WriteHistory::Reader reader(history_, snapshot()->sequence);
    const Snapshot snapshot = this->snapshot();
    Submission submission;
    submission.durability = request.durability;
    submission.idempotency = request.idempotency;
    for (const TransactionInput& input : request.transactions) {
      if (input.rejected) {
        submission.transactions.emplace_back(std::unexpected<Error>(*input.rejected));
        break;
      }
      DraftSet drafts(snapshot, Isolation::kBlind, options_.limits,
                      [this] { return next_library_id_.fetch_add(1); });
      Status status;
      for (std::size_t i = 0; i < input.operations.size() && status; ++i) {
        status = drafts.add(input.operations[i]);
        if (!status) status = fail(in_field(fmt::format("operations[{}]", i), std::move(status).error()));
      }
      auto prepared =
          status ? std::move(drafts).prepare() : Result<PreparedTransaction>(fail(std::move(status).error()));
      const bool failed = !prepared;
      submission.transactions.push_back(std::move(prepared));
      if (failed) break;
    }
    auto result = lane_->submit(std::move(submission));
    if (attempt < kMaxAttempts && may_retry(request, result)) continue;
    return result;
  }
}

Result<std::optional<WriteResult>> Database::remembered(const IdempotencyKey& idempotency) const {
  return find_outcome(*snapshot()->records, idempotency);
}

std::string Database::commit_token(Sequence sequence) const {
  return fmt::format("{}-{:x}", to_hex(format_.database_id).substr(0, 12), sequence);
}

Result<Sequence> Database::parse_commit_token(std::string_view token) const {
  const std::string prefix = to_hex(format_.database_id).substr(0, 12) + "-";
  Sequence sequence = 0;
  if (token.starts_with(prefix)) {
    const std::string_view digits = token.substr(prefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sequence, 16);
    if (error == std::errc{} && end == digits.data() + digits.size() && !digits.empty()) return sequence;
  }
  return fail(field_error(ErrorCode::kInvalidArgument, "after",
                          fmt::format("'{}' is no commit token of this database", token.substr(0, 80))));
}

Status Database::health() const {
  if (log_->poisoned()) return fail(ErrorCode::kStorePoisoned, "a sync of the commit log failed");
  return lane_->health();
}

DatabaseStats Database::stats() const {
  const Snapshot state = snapshot();
  DatabaseStats stats;
  stats.sequence = state->sequence;
  stats.durable_through = log_->durable_through();
  stats.libraries = state->libraries.size();
  stats.log_bytes = log_->size_bytes();
  stats.record_bytes = records_->file_bytes();
  stats.record_memory_bytes = records_->memory_bytes();
  state->libraries.for_each([&](LibraryId, const auto& library) {
    library->partitions.for_each(
        [&](PartitionId, const auto& partition) { stats.vector_bytes += partition->rows.vector_bytes(); });
  });
  return stats;
}

}  // namespace sextant
