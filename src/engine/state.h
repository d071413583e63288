// DatabaseState: everything a reader can reach at one sequence. Immutable; a commit makes a new one that
// shares all but the path to what it touched (library -> partition -> rows, tombstones).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/random.h"
#include "engine/persistent_map.h"
#include "engine/tombstones.h"
#include "engine/types.h"
#include "engine/vector_store.h"
#include "storage/record_store.h"

namespace sextant {

struct IntegerHash {
  std::uint64_t operator()(std::uint64_t value) const { return mix64(value); }
};
struct NameHash {
  std::uint64_t operator()(std::string_view name) const { return xxh3(name); }
};

/// One partition of a library. Until rows are sealed, row r stands in slot r of `rows`.
struct PartitionState {
  VectorStoreView rows;
  Tombstones dead;
  std::uint64_t documents = 0;
  RowId next_row() const { return rows.size(); }
  std::uint64_t live_rows() const { return rows.size() - dead.count(); }
};

struct LibraryState {
  std::shared_ptr<const LibraryDefinition> definition;
  PersistentMap<PartitionId, std::shared_ptr<const PartitionState>, IntegerHash> partitions;
  /// Null when the library has no row and no document there.
  const PartitionState* partition(PartitionId id) const {
    const auto* found = partitions.find(id);
    return found == nullptr ? nullptr : found->get();
  }
};

inline constexpr PartitionId kSharedPartition = 0;

struct DatabaseState {
  Sequence sequence = 0;
  PersistentMap<LibraryId, std::shared_ptr<const LibraryState>, IntegerHash> libraries;
  PersistentMap<std::string, LibraryId, NameHash> names;
  std::shared_ptr<const RecordSnapshot> records;

  const LibraryState* library(LibraryId id) const {
    const auto* found = libraries.find(id);
    return found == nullptr ? nullptr : found->get();
  }
  const LibraryState* library(std::string_view full_name) const {
    const LibraryId* id = names.find(full_name);
    return id == nullptr ? nullptr : library(*id);
  }
};

/// What readers hold. Views, rows and records reached through it stay valid as long as it is held.
using Snapshot = std::shared_ptr<const DatabaseState>;

}  // namespace sextant
