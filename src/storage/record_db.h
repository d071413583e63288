// RecordDb: the RocksDB under the record store, opened with the store's rules, and the guard before its
// flushes.
//
// Rules: no log of its own, all families flushed atomically, paranoid checks, checksums on keys and values on
// their way into memory, and no retry of anything that failed in the background: the first such failure is
// kept and every later write meets it. The store and its snapshots share one RecordDb; the files close with
// the last of them.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "storage/record_store.h"

namespace sextant {

/// The error for a status that is not ok; `doing` completes "<doing> failed".
Error rocksdb_error(const rocksdb::Status& status, std::string_view doing);

inline rocksdb::Slice to_slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view to_view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// Stands between RocksDB's flushes and its files. Thread-safe.
///
/// RocksDB offers no way to refuse a flush, only to fail it: so once before_flush has failed, no file can be
/// created any more, and the flush that wanted to write one fails with every later one.
class FlushGuard {
 public:
  explicit FlushGuard(std::function<Status(Sequence)> before_flush)
      : before_flush_(std::move(before_flush)) {}

  /// The highest applied_through that may be in memory; raised before a batch is written.
  void raise_written_through(Sequence through) { written_through_.store(through, std::memory_order_release); }
  /// Asks before_flush.
  void begin_flush();
  /// Keeps the first failure.
  void report(Error error);
  /// The failure kept, if any.
  Status check() const;

 private:
  const std::function<Status(Sequence)> before_flush_;
  std::atomic<Sequence> written_through_{0};
  mutable Mutex mutex_;
  std::optional<Error> failure_ GUARDED_BY(mutex_);
};

class RecordDb {
 public:
  static Result<std::shared_ptr<RecordDb>> open(const std::string& directory,
                                                const RecordStoreOptions& options);
  ~RecordDb();
  RecordDb(const RecordDb&) = delete;
  RecordDb& operator=(const RecordDb&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  const std::vector<rocksdb::ColumnFamilyHandle*>& all_families() const { return handles_; }
  FlushGuard& guard() const { return *guard_; }
  std::uint64_t memory_bytes() const;
  std::uint64_t file_bytes() const;
  /// Ends flushes and compactions for good; reads go on.
  void stop_background();

 private:
  RecordDb() = default;

  // Destroyed in the opposite order: the database before what it uses.
  std::shared_ptr<FlushGuard> guard_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace sextant
