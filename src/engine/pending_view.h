// PendingView: applied state plus what was sequenced before in the same group and is not applied yet.
//
// Views stack: a transaction's view lies over the group's and is merged into it when the transaction
// succeeds, dropped when it fails. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/state.h"

namespace sextant {

/// What the lane must know of a document to change it.
struct DocumentHead {
  Version version = 0;
  std::int64_t created_ms = 0;
  std::vector<std::string> chunk_ids;
  std::vector<RowId> rows;
};

class PendingView {
 public:
  explicit PendingView(const DatabaseState& state) : state_(&state) {}
  explicit PendingView(const PendingView& below) : state_(below.state_), below_(&below) {}
  PendingView& operator=(const PendingView&) = delete;

  /// Null when there is no such library.
  std::shared_ptr<const LibraryDefinition> library(LibraryId id) const;
  bool name_taken(const std::string& full_name) const;
  RowId next_row(LibraryId library, PartitionId partition) const;
  Result<std::optional<DocumentHead>> document(LibraryId library, PartitionId partition,
                                               const std::string& id) const;
  /// The document that has the chunk, or nullopt.
  Result<std::optional<std::string>> chunk_owner(LibraryId library, PartitionId partition,
                                                 const std::string& id) const;
  /// Reads the owners of chunk ids ahead, in one go, for chunk_owner to answer from.
  Status prefetch_owners(LibraryId library, PartitionId partition, const std::vector<std::string>& ids);

  void set_library(const LibraryDefinition& definition);
  void drop_library(const LibraryDefinition& definition);
  void set_next_row(LibraryId library, PartitionId partition, RowId next);
  void set_document(LibraryId library, PartitionId partition, const std::string& id,
                    std::optional<DocumentHead> head);
  void set_chunk_owner(LibraryId library, PartitionId partition, const std::string& id,
                       std::optional<std::string> owner);

  /// Takes over everything `above`, which lies over this, has set.
  void merge(PendingView&& above);

 private:
  const DatabaseState* state_;
  const PendingView* below_ = nullptr;
  std::unordered_map<LibraryId, std::shared_ptr<const LibraryDefinition>> libraries_;  // null: dropped
  std::unordered_map<std::string, bool> names_;                                        // taken or freed
  std::unordered_map<std::string, RowId> next_rows_;
  std::unordered_map<std::string, std::optional<DocumentHead>> documents_;    // by record key
  std::unordered_map<std::string, std::optional<std::string>> chunk_owners_;  // by record key
  std::unordered_map<std::string, std::optional<std::string>> prefetched_;    // of applied state
};

}  // namespace sextant
