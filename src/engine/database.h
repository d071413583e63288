// Database: one directory, owned by this process; everything the engine can do begins here.
//
// Thread-safe, but open and close. Writes block until they are committed and visible; reads work on a
// Snapshot, take no lock and never see a change. Lifetime: snapshots may outlive the Database object,
// transactions may not.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "base/request_context.h"
#include "engine/commit_lane.h"
#include "engine/draft_set.h"
#include "engine/transaction.h"
#include "storage/file_log.h"
#include "storage/format_file.h"
#include "storage/owner_lock.h"
#include "storage/record_store.h"

namespace sextant {

struct DatabaseOptions {
  FileSystem* files = &posix_file_system();  // lock, format file and log; the record store has its own
  Clock* clock = &system_clock();
  Random* random = &system_random();
  std::string endpoint = "in process";  // told to whoever tries to open the directory too
  std::size_t apply_threads = 2;
  std::uint64_t log_file_bytes = 64ULL << 20U;
  RecordStoreOptions records;       // before_flush is set by open
  bool checkpoint_on_close = true;  // else the next open applies more of the log, as after a kill
  DraftLimits limits;
  CommitLaneOptions lane;  // on_stop: what to do when the store can no longer be trusted with writes
  /// Called now and then while the log is applied again: sequence reached, last sequence.
  std::function<void(Sequence, Sequence)> on_recovery_progress;
};

struct RecoveryReport {
  Sequence last_sequence = 0;
  Sequence applied_through = 0;  // what the record store held already
  std::uint64_t log_bytes_cut = 0;
  std::string log_cut_at;
  std::int64_t duration_ms = 0;
};

struct DatabaseStats {
  Sequence sequence = 0;
  Sequence durable_through = 0;
  std::uint64_t libraries = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t record_memory_bytes = 0;
  std::uint64_t vector_bytes = 0;
};

class Database {
 public:
  /// Takes the owner lock (kOwnerLockHeld), creates the database if the directory is empty or absent, and
  /// recovers it. kDamaged, kFormatTooNew, kIo. A directory that holds something else is refused.
  static Result<std::unique_ptr<Database>> open(const std::string& directory, DatabaseOptions options);
  /// Finishes queued writes, syncs, flushes.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Snapshot snapshot() const { return published_.load(); }
  Transaction begin();

  /// Commits the request's transactions in order, each all or nothing, up to the first that fails (what one
  /// of them reads, to patch it or to count on its absence, it reads as it was before the request); all in
  /// one group. A request of one transaction that reads what it changes is repeated on conflict, a few times.
  /// An Error means that nothing was done, but for kOutcomeUnknown.
  Result<WriteResult> write(const RequestContext& context, const WriteRequest& request);

  /// What an earlier request with this key was answered, so that a repeat need not be prepared again; nullopt
  /// when there was none. kIdempotencyKeyReused.
  Result<std::optional<WriteResult>> remembered(const IdempotencyKey& idempotency) const;

  /// Opaque text that names a sequence of this database, and back (kInvalidArgument).
  std::string commit_token(Sequence sequence) const;
  Result<Sequence> parse_commit_token(std::string_view token) const;

  /// Tells whoever tries to open the directory too where this database is served, once that is known.
  Status announce(const std::string& endpoint) { return owner_->set_endpoint(endpoint); }

  Status health() const;
  DatabaseStats stats() const;
  const RecoveryReport& recovery() const { return recovery_; }
  /// Makes all applied state durable in the record store, so that the next open has little to do.
  Status checkpoint();

 private:
  Database(std::string directory, DatabaseOptions options);
  Status recover();

  std::string directory_;
  DatabaseOptions options_;
  RecoveryReport recovery_;
  // In order of dependence: destroyed from the last to the first.
  std::unique_ptr<OwnerLock> owner_;
  FormatFile format_;
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<RecordStore> records_;
  std::unique_ptr<ThreadPool> apply_pool_;
  std::unique_ptr<Applier> applier_;
  WriteHistory history_;
  Published<const DatabaseState> published_;
  std::atomic<LibraryId> next_library_id_{1};
  std::unique_ptr<CommitLane> lane_;
};

}  // namespace sextant
