// Applier: folds the commit log into state. The only code that changes what readers see.
//
// Deterministic: the same groups give the same state, whatever the number of threads. It validates nothing a
// sequencer already decided; a record that contradicts the state is kDamaged. One thread calls.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/thread_pool.h"
#include "engine/commit_record.pb.h"
#include "engine/state.h"
#include "storage/commit_log.h"
#include "storage/record_store.h"

namespace sextant {

class Applier {
 public:
  /// `pool` (may be null) decodes the records of a group in parallel.
  Applier(RecordStore& records, ThreadPool* pool) : records_(records), pool_(pool) {}

  /// Applies a group on top of everything before. Groups the record store already holds (at or below its
  /// applied_through) change memory only. After an error the applier must not be used any
  /// more, nor its state be published.
  Status apply(const LogGroup& group);

  /// The state after the last group, with a snapshot of the record store.
  Snapshot publishable() const;
  const DatabaseState& state() const { return state_; }
  /// Above every id that any library, dropped ones included, ever had.
  LibraryId next_library_id() const { return next_library_id_; }

 private:
  struct Decoded;
  Status decode(const LogEntry& entry, Decoded& out) const;
  Status apply_record(const Decoded& decoded, Sequence sequence);
  Status apply_change(const record::Change& change, const Decoded& decoded, Sequence sequence);
  Status create_library(const record::Library& message, Sequence sequence);
  Status update_library(const record::Library& message, Sequence sequence);
  Status drop_library(LibraryId id);
  Status establish_contract(const record::EstablishContract& message, Sequence sequence);
  Status write_document(const record::WriteDocument& message, const Decoded& decoded, Sequence sequence);
  Status delete_document(const record::DeleteDocument& message);
  void remember_outcome(const record::RememberOutcome& message);
  Status forget_outcomes(const record::ForgetOutcomes& message);
  void store_definition(const LibraryDefinition& definition);
  void put_library(LibraryState library);
  VectorStore& store_for(LibraryId library, PartitionId partition, std::size_t dimension);

  RecordStore& records_;
  ThreadPool* pool_;
  DatabaseState state_;
  LibraryId next_library_id_ = 1;
  RecordBatch batch_;
  // The appending ends of the partitions' stores; state_ holds their views.
  std::unordered_map<std::uint64_t, std::unique_ptr<VectorStore>> stores_;
  // What the current record reads from its raw vectors and parsed metadata, in order.
  std::size_t next_vector_byte_ = 0;
  std::size_t next_metadata_ = 0;
};

}  // namespace sextant
