#include "storage/record_db.h"

#include <fmt/core.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <utility>

#include "base/log.h"

#if defined(__has_feature)
#define SEXTANT_HAS_FEATURE(x) __has_feature(x)
#else
#define SEXTANT_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || SEXTANT_HAS_FEATURE(thread_sanitizer)
// The distribution's RocksDB is built without ThreadSanitizer, which therefore cannot see how its memtables
// synchronise. Only functions that call nobody back are named: our flush callback runs beneath RocksDB's
// frames and must stay checked. NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions();
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {
  return "race:rocksdb::Arena::\n"
         "race:rocksdb::SaveValue\n"
         "race:BytewiseComparatorImpl\n";
}
#endif
#undef SEXTANT_HAS_FEATURE

namespace sextant {
namespace {

// RocksDB always has a family "default": ours for kMeta.
constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "ids", "payload", "packed"};
constexpr double kBloomBitsPerKey = 10;
constexpr std::size_t kBlockBytes = 8U << 10U;
constexpr std::uint64_t kMinBlobBytes = 16U << 10U;
constexpr int kMaxOpenFiles = 256;

class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit GuardedFileSystem(std::shared_ptr<FlushGuard> guard)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), guard_(std::move(guard)) {}

  const char* Name() const override { return "sextant"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (const auto usable = guard_->check(); !usable) {
      return rocksdb::IOStatus::IOError("no file is created after a failure", usable.error().message);
    }
    return target()->NewWritableFile(path, options, file, debug);
  }

 private:
  std::shared_ptr<FlushGuard> guard_;
};

class FlushListener final : public rocksdb::EventListener {
 public:
  explicit FlushListener(std::shared_ptr<FlushGuard> guard) : guard_(std::move(guard)) {}

  // RocksDB picks what it flushes among memtables that were full before this call, so what has been written
  // by now covers it.
  void OnFlushBegin(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& /*info*/) override {
    guard_->begin_flush();
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* status) override {
    guard_->report(rocksdb_error(*status, "background work of the record store"));
  }

 private:
  std::shared_ptr<FlushGuard> guard_;
};

rocksdb::DBOptions database_options(const RecordStoreOptions& options, rocksdb::Env* env,
                                    const std::shared_ptr<rocksdb::Cache>& cache,
                                    std::shared_ptr<FlushGuard> guard) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  db.atomic_flush = true;
  db.avoid_flush_during_shutdown = true;
  db.max_bgerror_resume_count = 0;
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes, cache);
  db.listeners.push_back(std::make_shared<FlushListener>(std::move(guard)));
  db.max_open_files = kMaxOpenFiles;
  db.bytes_per_sync = 1U << 20U;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.keep_log_file_num = 2;
  return db;
}

rocksdb::ColumnFamilyOptions family_options(const RecordStoreOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // The write buffer manager bounds all families together; none alone is full earlier.
  family.write_buffer_size = options.write_buffer_bytes;
  // Most lookups of a load ask for ids that are not there: a filter answers them without a walk down the
  // list.
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.02;
  family.compression = rocksdb::kLZ4Compression;
  family.bottommost_compression = rocksdb::kZSTD;
  family.level_compaction_dynamic_level_bytes = true;
  return family;
}

/// Large values in files of their own: a compaction moves only references to them.
rocksdb::ColumnFamilyOptions blob_family_options(rocksdb::ColumnFamilyOptions family) {
  family.enable_blob_files = true;
  family.min_blob_size = kMinBlobBytes;
  family.enable_blob_garbage_collection = true;
  return family;
}

}  // namespace

Error rocksdb_error(const rocksdb::Status& status, std::string_view doing) {
  ErrorCode code = ErrorCode::kInternal;
  if (status.IsCorruption()) code = ErrorCode::kDamaged;
  if (status.IsIOError() || status.IsIncomplete() || status.IsBusy() || status.IsTimedOut())
    code = ErrorCode::kIo;
  if (status.IsNoSpace()) code = ErrorCode::kOutOfSpace;
  if (status.IsShutdownInProgress()) code = ErrorCode::kShuttingDown;
  return make_error(code, fmt::format("{} failed: {}", doing, status.ToString()));
}

void FlushGuard::begin_flush() {
  if (!before_flush_ || !check()) return;
  if (auto agreed = before_flush_(written_through_.load(std::memory_order_acquire)); !agreed) {
    report(std::move(agreed).error());
  }
}

void FlushGuard::report(Error error) {
  const MutexLock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

Status FlushGuard::check() const {
  const MutexLock lock(mutex_);
  if (failure_) return fail(*failure_);
  return {};
}

Result<std::shared_ptr<RecordDb>> RecordDb::open(const std::string& directory,
                                                 const RecordStoreOptions& options) {
  const std::shared_ptr<RecordDb> self(new RecordDb);
  self->guard_ = std::make_shared<FlushGuard>(options.before_flush);
  self->env_ = rocksdb::NewCompositeEnv(std::make_shared<GuardedFileSystem>(self->guard_));
  self->cache_ = rocksdb::NewLRUCache(options.block_cache_bytes);

  const rocksdb::ColumnFamilyOptions plain = family_options(options, self->cache_);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const bool blobs = i == static_cast<std::size_t>(Family::kPacked);
    families.emplace_back(kFamilyNames[i], blobs ? blob_family_options(plain) : plain);
  }
  const rocksdb::DBOptions database = database_options(options, self->env_.get(), self->cache_, self->guard_);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      options.read_only ? rocksdb::DB::OpenForReadOnly(database, directory, families, &self->handles_, &db)
                        : rocksdb::DB::Open(database, directory, families, &self->handles_, &db);
  if (!opened.ok())
    return fail(rocksdb_error(opened, fmt::format("opening the record store in {}", directory)));
  self->db_.reset(db);
  return self;
}

RecordDb::~RecordDb() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (const auto status = db_->DestroyColumnFamilyHandle(handle); !status.ok()) {
      log_warning("record_store_close_failed", {{"error", status.ToString()}});
    }
  }
  if (const auto status = db_->Close(); !status.ok()) {
    log_warning("record_store_close_failed", {{"error", status.ToString()}});
  }
}

std::uint64_t RecordDb::memory_bytes() const {
  std::uint64_t bytes = cache_->GetUsage();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    std::uint64_t readers = 0;
    if (db_->GetIntProperty(handle, rocksdb::DB::Properties::kEstimateTableReadersMem, &readers))
      bytes += readers;
  }
  return bytes;
}

std::uint64_t RecordDb::file_bytes() const {
  std::uint64_t bytes = 0;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    for (const std::string& property :
         {rocksdb::DB::Properties::kTotalSstFilesSize, rocksdb::DB::Properties::kTotalBlobFileSize}) {
      std::uint64_t size = 0;
      if (db_->GetIntProperty(handle, property, &size)) bytes += size;
    }
  }
  return bytes;
}

void RecordDb::stop_background() { rocksdb::CancelAllBackgroundWork(db_.get(), true); }

}  // namespace sextant
