// Transaction: reads one snapshot and its own writes; commits or rolls back by scope.
//
// Snapshot isolation: commit fails with kTransactionConflict when another commit has changed a document that
// this one writes. Destroying an uncommitted transaction rolls it back; nothing shared was touched. Must not
// outlive its Database. Thread rule: one thread at a time.
#pragma once

#include <memory>

#include "engine/commit_lane.h"
#include "engine/draft_set.h"

namespace sextant {

class Transaction {
 public:
  /// Made by Database::begin().
  Transaction(Published<const DatabaseState>& published, WriteHistory& history, CommitLane& lane,
              DraftLimits limits, std::function<LibraryId()> new_library_id);

  Sequence read_sequence() const { return snapshot_->sequence; }
  /// Stages a change; an error leaves the transaction as it was.
  Status apply(const Operation& operation);

  /// kLibraryNotFound, kDocumentNotFound. With text and metadata of its chunks.
  Result<Document> document(const std::string& library, const std::string& id,
                            const Include& include = {}) const;
  Result<std::vector<SearchResult>> search(const RequestContext& context, const std::string& library,
                                           std::span<const SearchQuery> queries) const;

  /// After commit or rollback every further call is kInvalidArgument. A failed commit has changed nothing,
  /// except that kOutcomeUnknown is settled by the next recovery.
  Result<TransactionOutcome> commit(Durability durability = Durability::kFsync);
  void rollback();

 private:
  Status check_open() const;

  std::unique_ptr<WriteHistory::Reader> reader_;  // registered before the snapshot is taken
  Snapshot snapshot_;
  CommitLane& lane_;
  std::unique_ptr<DraftSet> drafts_;  // null once finished
};

}  // namespace sextant
