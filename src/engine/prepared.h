// What a transaction hands to the commit lane: complete, checked, encoded; only what depends on other writers
// is open.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/types.h"

namespace sextant {

struct PreparedChunk {
  std::string text;
  std::string metadata;       // JSON text; "" = {}
  std::vector<float> vector;  // as it will be stored
  double norm = 1;
};

struct PreparedEntry {
  std::string chunk_id;
  std::optional<RowId> kept_row;  // the row stays; else `chunk` becomes a new one
  PreparedChunk chunk;
  std::size_t taken_at = 0;  // the operation that gave the id to this document
};

/// A document as it shall be afterwards, or its end.
struct PreparedDocument {
  LibraryId library = 0;
  PartitionId partition = 0;
  std::string id;
  bool erase = false;
  std::string metadata;  // JSON text; "" = {}
  std::vector<PreparedEntry> entries;
  // Which operation gave up a chunk id that the document has until then: by name, or with all others.
  std::map<std::string, std::size_t> given_up_at = {};
  std::optional<std::size_t> all_given_up_at = {};
  std::string model;  // of the new vectors; "" = not said

  OnConflict on_conflict = OnConflict::kReplace;
  MissingPolicy missing = MissingPolicy::kError;  // of an erasure
  std::optional<Version> if_match;
  std::optional<Sequence> as_of;  // no other commit may have changed the document after this sequence
  std::string field;              // path of the operation in the request, for errors
};

struct PreparedLibrary {
  enum class Change : std::uint8_t { kCreate, kUpdate, kDrop };
  Change change = Change::kCreate;
  LibraryDefinition definition;  // the whole of it; only id and name matter for a drop
  Version as_of = 0;             // of an update: the definition it was made from must be current
  std::string field;
};

using PreparedStep = std::variant<PreparedDocument, PreparedLibrary>;

struct PreparedOperation {
  static constexpr std::size_t kNoStep = ~std::size_t{0};  // nothing had to be done
  OperationOutcome outcome;                                // version is filled in by the lane
  std::size_t step = 0;                                    // the step that carries it out
  bool effect_of_step = false;                             // created or replaced: only the lane knows
};

struct PreparedTransaction {
  std::vector<PreparedStep> steps;
  std::vector<PreparedOperation> operations;
};

/// One call's worth of transactions: committed in order within one group, up to the first failure.
struct Submission {
  std::vector<Result<PreparedTransaction>> transactions;
  Durability durability = Durability::kFsync;
  std::optional<IdempotencyKey> idempotency;
};

}  // namespace sextant
