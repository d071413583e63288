// DraftSet: folds a transaction's operations into one draft a document and one a library, over a snapshot.
//
// It is the *prepare* step: checks limits and ids, validates and normalises vectors, encodes metadata, and
// reads what a partial change starts from. Nothing shared is touched. Operations see what earlier ones of the
// same set did. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/prepared.h"
#include "engine/reads.h"
#include "engine/search.h"

namespace sextant {

struct DraftLimits {
  std::size_t max_id_bytes = 512;
  std::size_t max_transaction_bytes = 16ULL << 20U;
  std::size_t max_dimension = 65'535;
};

enum class Isolation : std::uint8_t {
  kSnapshot,  // every document written must be unchanged since the snapshot
  kBlind,     // only documents that were read: a whole replacement takes whatever is there
};

class DraftSet {
 public:
  DraftSet(Snapshot snapshot, Isolation isolation, DraftLimits limits,
           std::function<LibraryId()> new_library_id);

  /// Folds one operation in; an error carries its field below the operation, and leaves the set without it.
  Status add(const Operation& operation);

  /// The document as this set leaves it; nullopt when there is none.
  Result<std::optional<Document>> document(const std::string& library, const std::string& id,
                                           const Include& include) const;
  /// What a search must hide and add to see this set's writes.
  Result<PrivateRows> private_rows(const std::string& library) const;
  /// A view for searching: of the library in the snapshot, or an empty one that this set creates.
  Result<LibraryView> library_view(const std::string& library) const;

  /// What the commit lane needs; kPayloadTooLarge beyond the limit. Ends the set: its contents are moved.
  Result<PreparedTransaction> prepare() &&;

 private:
  struct Entry {
    std::string chunk_id;
    std::optional<RowId> kept_row;
    PreparedChunk chunk;
    std::size_t taken_at = 0;  // the operation that gave the id to the document
  };
  struct DocumentDraft {
    std::size_t step = 0;
    std::size_t operation = 0;  // that changed it last
    bool exists = true;         // after the operations so far
    bool was_read = false;      // made from what the snapshot has
    bool changed = false;       // else an operation that failed only looked at it
    Json metadata = Json::object();
    bool metadata_changed = false;  // rows show their document's metadata to filters: all must be new
    std::vector<Entry> entries;
    std::map<std::string, std::size_t> given_up_at;  // chunk id -> the operation that deleted it
    std::optional<std::size_t> all_given_up_at;  // the first operation that replaced or deleted the document
    std::string model;
    Version base_version = 0;  // in the snapshot, where it was read
    OnConflict on_conflict = OnConflict::kReplace;
    MissingPolicy missing = MissingPolicy::kError;
    std::optional<Version> if_match;
  };
  struct LibraryDraft {
    LibraryDefinition definition;
    VectorField field;  // as the vectors of this set establish it
    std::optional<PreparedLibrary::Change> change;
    std::size_t step = 0;
    std::size_t operation = 0;  // that changed it last
    Version as_of = 0;
  };
  using DocumentKey = std::pair<LibraryId, std::string>;

  Status add_upsert(const UpsertDocument& operation);
  Status add_patch(const PatchDocument& operation);
  Status add_delete(const DeleteDocument& operation);
  Status add_put_chunk(const PutChunk& operation);
  Status add_patch_chunk(const PatchChunk& operation);
  Status add_delete_chunk(const DeleteChunk& operation);
  Status add_create_library(const CreateLibrary& operation);
  Status add_update_library(const UpdateLibrary& operation);
  Status add_drop_library(const DropLibrary& operation);

  Result<LibraryDraft*> library_draft(const std::string& name);
  const LibraryDraft* find_library_draft(const std::string& name) const;
  /// The library in the snapshot; nullopt for one that this set creates.
  std::optional<LibraryView> snapshot_view(LibraryId id) const;
  DocumentDraft* find_draft(LibraryId library, const std::string& id);
  /// The draft of an existing document, read from the snapshot if need be. Null when there is none.
  Result<DocumentDraft*> load(LibraryId library, const std::string& id);
  DocumentDraft& new_draft(LibraryId library, const std::string& id);
  /// The id of the document that has the chunk in this set's view.
  Result<std::optional<std::string>> chunk_owner(LibraryId library, const std::string& chunk_id) const;
  Result<PreparedChunk> prepare_chunk(LibraryDraft& library, DocumentDraft& document,
                                      const ChunkInput& input) const;
  Result<std::vector<Entry>> prepare_entries(LibraryDraft& library, DocumentDraft& draft,
                                             const DocumentInput& input) const;
  Result<PreparedChunk> read_row(LibraryId library, RowId row) const;
  Status take_model(DocumentDraft& draft, const std::string& model) const;
  Status check_id(std::string_view id, std::string_view field) const;
  Status check_if_match(const std::optional<Version>& if_match, const DocumentDraft& draft) const;
  void record(std::string id, const std::string& document_id, DocumentDraft& draft, Effect effect,
              const std::optional<Version>& if_match);
  void record_ignored(const std::string& id, const std::string& document_id, Version version);
  void record_library(const std::string& name, LibraryDraft& draft, Effect effect);

  Snapshot snapshot_;
  Isolation isolation_;
  DraftLimits limits_;
  std::function<LibraryId()> new_library_id_;
  std::map<std::string, LibraryDraft> libraries_;  // by full name
  std::map<DocumentKey, DocumentDraft> documents_;
  std::size_t step_count_ = 0;
  std::size_t operation_ = 0;  // that is being added, counted from 0
  std::vector<PreparedOperation> operations_;
};

}  // namespace sextant
