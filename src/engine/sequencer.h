// Sequencer: settles, in log order, everything about transactions that depends on other writers.
//
// Preconditions, conflicts, the contract of a first chunk, idempotency keys, row numbers: all are checked
// against applied state plus everything earlier in the same group. What comes out is a list of records ready
// for the log. Nothing is changed: if the group cannot be appended, dropping the Sequencer is all there is to
// undo. Used by the commit lane's thread only, one object a group.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/commit_record.pb.h"
#include "engine/pending_view.h"
#include "engine/prepared.h"
#include "engine/write_history.h"

namespace sextant {

/// An encoded record and its vectors, back to back, as they go into the log.
struct SequencedRecord {
  std::string record;
  std::vector<float> vectors;
};

class Sequencer {
 public:
  /// `state` is the applied state; it and `history` must outlive this.
  Sequencer(const DatabaseState& state, const WriteHistory& history, Clock& clock);

  /// Sequences a submission's transactions up to its first failure. An Error instead of a result: the request
  /// as a whole is refused (kIdempotencyKeyReused, or stored state could not be read) and nothing of it is in
  /// records().
  Result<WriteResult> add(Submission submission);

  /// In log order; their sequences follow the state's. Valid until the next add().
  std::vector<SequencedRecord>& records() { return records_; }
  /// Keys of documents that these records delete, with the sequence, for the WriteHistory once the group is
  /// applied.
  const std::vector<std::pair<std::string, Sequence>>& deletes() const { return deletes_; }
  /// Adds a record that forgets idempotency outcomes from before a moment.
  void forget_outcomes(std::int64_t before_ms);

 private:
  struct Draft;
  Result<TransactionOutcome> add_transaction(PreparedTransaction& transaction, Draft& draft);
  Status add_document(PreparedDocument& document, Draft& draft, Effect& effect, Version& version);
  Status write_document(PreparedDocument& document, Draft& draft, const std::optional<DocumentHead>& head);
  Status erase_document(const PreparedDocument& document, Draft& draft, const DocumentHead& head);
  Status find_given_up_ids(const PreparedTransaction& transaction, Draft& draft) const;
  static Status check_chunk_id(const PreparedDocument& document, const PreparedEntry& entry, Draft& draft);
  static Result<bool> still_has(const PreparedDocument& document, const std::string& chunk_id,
                                const Draft& draft);
  Status add_library(const PreparedLibrary& change, Draft& draft, Effect& effect);
  Status establish_contract(const PreparedDocument& document, const LibraryDefinition& library, Draft& draft);
  Result<std::optional<WriteResult>> remembered(const IdempotencyKey& idempotency) const;
  Sequence next_sequence() const { return state_.sequence + records_.size() + 1; }

  const DatabaseState& state_;
  const WriteHistory& history_;
  std::int64_t now_ms_;
  PendingView view_;
  std::vector<SequencedRecord> records_;
  std::vector<std::pair<std::string, Sequence>> deletes_;
  std::unordered_map<std::string, std::string>
      outcomes_;  // of this group: record key -> encoded RememberOutcome
};

}  // namespace sextant
