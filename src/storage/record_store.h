// RecordStore: everything applied that is not a vector, in one RocksDB without a log of its own.
//
// Each batch carries `applied_through`, the sequence of the last commit in it; after a crash the store stands
// at its last flush and the caller applies the commit log from there. Before anything becomes durable (a
// flush), `before_flush` is called with the applied_through that may be in it: the log must be synced through
// it first. All column families are flushed atomically. Thread rule: one thread writes; snapshots and reads
// from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/commit_log.h"

namespace sextant {

enum class Family : std::uint8_t {
  kMeta,     // catalogue, manifests, jobs, idempotency keys
  kIds,      // external id -> row or document
  kPayload,  // documents; text and metadata by row
  kPacked,   // small segments, as blobs
};
inline constexpr std::size_t kFamilyCount = 4;
/// In kMeta: applied_through, 8 bytes little-endian; written with every batch.
inline constexpr std::string_view kAppliedThroughKey = "applied_through";

/// Changes that become visible together.
class RecordBatch {
 public:
  RecordBatch();
  ~RecordBatch();
  RecordBatch(RecordBatch&&) noexcept;
  RecordBatch& operator=(RecordBatch&&) noexcept;
  void put(Family family, std::string_view key, std::string_view value);
  void erase(Family family, std::string_view key);
  /// Erases keys in [begin, end).
  void erase_range(Family family, std::string_view begin, std::string_view end);
  std::size_t size_bytes() const;

 private:
  friend class RecordStore;
  struct State;
  std::unique_ptr<State> state_;
};

/// Keys in [lower, upper) in byte order, at one moment. Views live until next() or the cursor's end.
class RecordCursor {
 public:
  virtual ~RecordCursor() = default;
  virtual bool valid() const = 0;  // false at the end or after an error: see status()
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual void next() = 0;
  virtual Status status() const = 0;
};

/// The store at one moment. Holding it is cheap; whatever it shows stays readable, also
/// after the store's object is gone: the store's files close with the last snapshot.
class RecordSnapshot {
 public:
  virtual ~RecordSnapshot() = default;
  virtual Result<std::optional<std::string>> get(Family family, std::string_view key) const = 0;
  /// One entry a key, in the order of the keys.
  virtual Result<std::vector<std::optional<std::string>>> multi_get(
      Family family, std::span<const std::string> keys) const = 0;
  virtual std::unique_ptr<RecordCursor> scan(Family family, std::string_view lower,
                                             std::string_view upper) const = 0;
};

struct RecordStoreOptions {
  std::uint64_t write_buffer_bytes = 64ULL << 20U;  // of all families together
  std::uint64_t block_cache_bytes = 256ULL << 20U;
  std::function<Status(Sequence applied_through)> before_flush = {};  // called on a background thread
  bool read_only = false;
};

class RecordStore {
 public:
  static Result<std::unique_ptr<RecordStore>> open(const std::string& directory, RecordStoreOptions options);
  /// Flushes nothing: what is not flushed is applied again from the log at the next open. See flush().
  ~RecordStore();
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;

  /// Applies a batch and moves applied_through, atomically. `applied_through` must not go back.
  Status write(RecordBatch batch, Sequence applied_through);
  Sequence applied_through() const;
  /// What the files hold: where the store would stand after a crash. The log may be trimmed behind it.
  Result<Sequence> flushed_through() const;
  std::shared_ptr<const RecordSnapshot> snapshot() const;
  /// Makes everything written so far durable (after before_flush agreed).
  Status flush();
  /// Bytes: memory (write buffers, caches, pinned blocks) and files.
  std::uint64_t memory_bytes() const;
  std::uint64_t file_bytes() const;

 private:
  struct State;
  explicit RecordStore(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// The first key after every key with this prefix; empty when there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace sextant
