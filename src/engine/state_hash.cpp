#include "engine/state_hash.h"

#include <map>

#include "base/bytes.h"
#include "base/checksum.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

void add_text(ChecksumStream& hash, std::string_view text) {
  std::string length;
  append_le(length, std::uint64_t{text.size()});
  hash.update(length);
  hash.update(text);
}

void add_number(ChecksumStream& hash, std::uint64_t value) {
  std::string bytes;
  append_le(bytes, value);
  hash.update(bytes);
}

void add_metadata(ChecksumStream& hash, const std::shared_ptr<const Json>& metadata) {
  add_text(hash, metadata ? metadata->to_string() : std::string());
}

void add_partition(ChecksumStream& hash, const PartitionState& partition) {
  add_number(hash, partition.documents);
  add_number(hash, partition.rows.size());
  add_number(hash, partition.dead.count());
  for (RowId row = 0; row < partition.rows.size(); ++row) {
    add_number(hash, partition.dead.contains(row) ? 1 : 0);
    hash.update({reinterpret_cast<const char*>(partition.rows.vector(row)),
                 partition.rows.dimension() * sizeof(float)});
    add_metadata(hash, partition.rows.metadata(row).chunk);
    add_metadata(hash, partition.rows.metadata(row).document);
  }
}

}  // namespace

Result<std::uint64_t> state_hash(const DatabaseState& state) {
  ChecksumStream hash;
  add_number(hash, state.sequence);
  std::map<LibraryId, std::shared_ptr<const LibraryState>> libraries;
  state.libraries.for_each([&](LibraryId id, const auto& library) { libraries.emplace(id, library); });
  for (const auto& [id, library] : libraries) {
    record::Library message;
    encode_library(*library->definition, message);
    add_text(hash, message.SerializeAsString());
    std::map<PartitionId, std::shared_ptr<const PartitionState>> partitions;
    library->partitions.for_each(
        [&](PartitionId p, const auto& partition) { partitions.emplace(p, partition); });
    for (const auto& [p, partition] : partitions) {
      add_number(hash, p);
      add_partition(hash, *partition);
    }
  }
  for (const Family family : {Family::kMeta, Family::kIds, Family::kPayload, Family::kPacked}) {
    auto cursor = state.records->scan(family, {}, {});
    for (; cursor->valid(); cursor->next()) {
      // How far the store has applied is told by the sequence; the store's own mark is not part of what
      // readers see.
      if (family == Family::kMeta && cursor->key() == kAppliedThroughKey) continue;
      add_text(hash, cursor->key());
      add_text(hash, cursor->value());
    }
    TRY(cursor->status());
  }
  return hash.digest();
}

}  // namespace sextant
