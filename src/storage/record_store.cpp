#include "storage/record_store.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/fault_point.h"
#include "storage/record_db.h"
#include "storage/record_snapshot.h"

namespace sextant {
namespace {

constexpr std::size_t kProtectionBytesPerKey = 8;

enum class Change : std::uint8_t { kPut, kErase, kEraseRange };

}  // namespace

// A batch is made before the store's families are at hand, so it is kept as plain bytes: change, family, the
// lengths of two strings, the strings.
struct RecordBatch::State {
  std::string bytes;
  std::size_t changes = 0;

  void add(Change change, Family family, std::string_view first, std::string_view second) {
    bytes.push_back(static_cast<char>(change));
    bytes.push_back(static_cast<char>(family));
    append_le<std::uint64_t>(bytes, first.size());
    append_le<std::uint64_t>(bytes, second.size());
    bytes += first;
    bytes += second;
    ++changes;
  }

  struct Parsed {
    Change change;
    Family family;
    std::string_view first;
    std::string_view second;
  };

  /// In the order of the keys, which fills a memtable several times as fast; changes of one key stay in turn.
  std::vector<Parsed> parse() const {
    std::vector<Parsed> parsed;
    parsed.reserve(changes);
    bool ranges = false;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      Parsed one{static_cast<Change>(rest[0]), static_cast<Family>(rest[1]), {}, {}};
      const auto first_size = load_le<std::uint64_t>(rest, 2);
      const auto second_size = load_le<std::uint64_t>(rest, 10);
      rest.remove_prefix(18);
      one.first = rest.substr(0, first_size);
      rest.remove_prefix(first_size);
      one.second = rest.substr(0, second_size);
      rest.remove_prefix(second_size);
      ranges = ranges || one.change == Change::kEraseRange;
      parsed.push_back(one);
    }
    if (!ranges) {
      // Where a key stands in the batch tells its turn.
      std::ranges::sort(
          parsed, {}, [](const Parsed& one) { return std::tuple(one.family, one.first, one.first.data()); });
    }
    return parsed;
  }

  rocksdb::Status copy_to(rocksdb::WriteBatch& out, const RecordDb& db) const {
    for (const Parsed& one : parse()) {
      rocksdb::ColumnFamilyHandle* family = db.family(one.family);
      const rocksdb::Slice first = to_slice(one.first);
      const rocksdb::Slice second = to_slice(one.second);
      rocksdb::Status status;
      if (one.change == Change::kPut) status = out.Put(family, first, second);
      if (one.change == Change::kErase) status = out.Delete(family, first);
      if (one.change == Change::kEraseRange) status = out.DeleteRange(family, first, second);
      if (!status.ok()) return status;
    }
    return rocksdb::Status::OK();
  }
};

RecordBatch::RecordBatch() : state_(std::make_unique<State>()) {}
RecordBatch::~RecordBatch() = default;
RecordBatch::RecordBatch(RecordBatch&&) noexcept = default;
RecordBatch& RecordBatch::operator=(RecordBatch&&) noexcept = default;

void RecordBatch::put(Family family, std::string_view key, std::string_view value) {
  state_->add(Change::kPut, family, key, value);
}

void RecordBatch::erase(Family family, std::string_view key) { state_->add(Change::kErase, family, key, {}); }

void RecordBatch::erase_range(Family family, std::string_view begin, std::string_view end) {
  state_->add(Change::kEraseRange, family, begin, end);
}

std::size_t RecordBatch::size_bytes() const { return state_->bytes.size(); }

struct RecordStore::State {
  std::shared_ptr<RecordDb> db;
  bool read_only = false;
  std::atomic<Sequence> applied_through{0};

  Status check_writable() const {
    if (read_only) return fail(ErrorCode::kInvalidArgument, "the record store was opened for reading only");
    return db->guard().check();
  }

  Result<Sequence> stored_applied_through(const rocksdb::ReadOptions& options) const {
    std::string value;
    const rocksdb::Status status =
        db->db().Get(options, db->family(Family::kMeta), to_slice(kAppliedThroughKey), &value);
    if (status.IsNotFound()) return 0;
    if (!status.ok()) return fail(rocksdb_error(status, "reading how far the record store is applied"));
    if (value.size() != sizeof(Sequence))
      return fail(ErrorCode::kDamaged, "applied_through in the record store is malformed");
    return load_le<Sequence>(value, 0);
  }
};

RecordStore::RecordStore(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<RecordStore>> RecordStore::open(const std::string& directory,
                                                       RecordStoreOptions options) {
  auto state = std::make_shared<State>();
  state->read_only = options.read_only;
  TRY_ASSIGN(state->db, RecordDb::open(directory, options));
  TRY_ASSIGN(const Sequence applied_through, state->stored_applied_through({}));
  state->applied_through = applied_through;
  state->db->guard().raise_written_through(applied_through);
  return std::unique_ptr<RecordStore>(new RecordStore(std::move(state)));
}

// Snapshots may live on, but before_flush belongs to the store's owner: nothing calls it after this.
RecordStore::~RecordStore() { state_->db->stop_background(); }

Status RecordStore::write(RecordBatch batch, Sequence applied_through) {
  FAULT_POINT("records.write.before");
  TRY(state_->check_writable());
  const Sequence before = state_->applied_through.load();
  if (applied_through < before) {
    return fail(ErrorCode::kInternal,
                fmt::format("a batch with applied_through {} after one with {}", applied_through, before));
  }
  const RecordBatch::State& changes = *batch.state_;
  rocksdb::WriteBatch records(changes.bytes.size(), 0, kProtectionBytesPerKey, 0);
  rocksdb::Status status = changes.copy_to(records, *state_->db);
  std::string value;
  append_le(value, applied_through);
  if (status.ok())
    status = records.Put(state_->db->family(Family::kMeta), to_slice(kAppliedThroughKey), to_slice(value));
  if (status.ok()) {
    state_->db->guard().raise_written_through(applied_through);
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    options.protection_bytes_per_key = kProtectionBytesPerKey;
    status = state_->db->db().Write(options, &records);
  }
  if (!status.ok()) {
    TRY(state_->db->guard().check());
    return fail(rocksdb_error(status, "writing records"));
  }
  state_->applied_through = applied_through;
  FAULT_POINT("records.write.after");
  return {};
}

Sequence RecordStore::applied_through() const { return state_->applied_through.load(); }

Result<Sequence> RecordStore::flushed_through() const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kPersistedTier;
  return state_->stored_applied_through(options);
}

std::shared_ptr<const RecordSnapshot> RecordStore::snapshot() const {
  return take_record_snapshot(state_->db);
}

Status RecordStore::flush() {
  FAULT_POINT("records.flush.before");
  TRY(state_->check_writable());
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;  // the caller is the one who writes
  const rocksdb::Status status = state_->db->db().Flush(options, state_->db->all_families());
  if (!status.ok()) {
    // Why before_flush refused says more than the failed flush.
    TRY(state_->db->guard().check());
    return fail(rocksdb_error(status, "flushing records"));
  }
  return {};
}

std::uint64_t RecordStore::memory_bytes() const { return state_->db->memory_bytes(); }
std::uint64_t RecordStore::file_bytes() const { return state_->db->file_bytes(); }

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace sextant
