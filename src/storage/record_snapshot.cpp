#include "storage/record_snapshot.h"

#include <utility>

namespace sextant {
namespace {

class Cursor final : public RecordCursor {
 public:
  // A RocksDB iterator keeps what it shows alive by itself, so a cursor may outlive the snapshot it came
  // from.
  Cursor(std::shared_ptr<RecordDb> db, const rocksdb::Snapshot* snapshot, Family family,
         std::string_view lower, std::string_view upper)
      : db_(std::move(db)), upper_(upper), upper_slice_(to_slice(upper_)) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db_->db().NewIterator(options, db_->family(family)));
    iterator_->Seek(to_slice(lower));
  }

  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return to_view(iterator_->key()); }
  std::string_view value() const override { return to_view(iterator_->value()); }
  void next() override { iterator_->Next(); }
  Status status() const override {
    const rocksdb::Status status = iterator_->status();
    if (!status.ok()) return fail(rocksdb_error(status, "scanning records"));
    return {};
  }

 private:
  std::shared_ptr<RecordDb> db_;
  std::string upper_;
  rocksdb::Slice upper_slice_;  // the iterator points to it
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class Snapshot final : public RecordSnapshot {
 public:
  explicit Snapshot(std::shared_ptr<RecordDb> db) : db_(std::move(db)), snapshot_(db_->db().GetSnapshot()) {}
  ~Snapshot() override { db_->db().ReleaseSnapshot(snapshot_); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    std::string value;
    const rocksdb::Status status = db_->db().Get(read_options(), db_->family(family), to_slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return fail(rocksdb_error(status, "reading a record"));
    return value;
  }

  Result<std::vector<std::optional<std::string>>> multi_get(
      Family family, std::span<const std::string> keys) const override {
    std::vector<rocksdb::Slice> slices;
    slices.reserve(keys.size());
    for (const std::string& key : keys) slices.push_back(to_slice(key));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->db().MultiGet(read_options(), db_->family(family), slices.size(), slices.data(), values.data(),
                       statuses.data());
    std::vector<std::optional<std::string>> found(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return fail(rocksdb_error(statuses[i], "reading records"));
      found[i] = values[i].ToString();
    }
    return found;
  }

  std::unique_ptr<RecordCursor> scan(Family family, std::string_view lower,
                                     std::string_view upper) const override {
    return std::make_unique<Cursor>(db_, snapshot_, family, lower, upper);
  }

 private:
  rocksdb::ReadOptions read_options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  std::shared_ptr<RecordDb> db_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace

std::shared_ptr<const RecordSnapshot> take_record_snapshot(std::shared_ptr<RecordDb> db) {
  return std::make_shared<Snapshot>(std::move(db));
}

}  // namespace sextant
