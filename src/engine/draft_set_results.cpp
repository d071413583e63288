// What a set of drafts comes to: reads of its own writes, and the transaction for the commit lane.
#include <fmt/format.h>

#include <algorithm>

#include "engine/draft_set.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

std::string operation_field(std::size_t operation) { return fmt::format("operations[{}]", operation); }

}  // namespace

Result<PreparedTransaction> DraftSet::prepare() && {
  std::vector<std::optional<PreparedStep>> steps(step_count_);
  for (const auto& [name, draft] : libraries_) {
    if (!draft.change) continue;
    steps[draft.step] =
        PreparedLibrary{*draft.change, draft.definition, draft.as_of, operation_field(draft.operation)};
  }
  std::size_t bytes = 0;
  for (auto& [key, draft] : documents_) {
    if (!draft.changed) continue;
    PreparedDocument document;
    document.field = operation_field(draft.operation);
    document.library = key.first;
    document.partition = kSharedPartition;
    document.id = key.second;
    document.erase = !draft.exists;
    document.given_up_at = std::move(draft.given_up_at);
    document.all_given_up_at = draft.all_given_up_at;
    document.model = draft.model;
    document.on_conflict = draft.on_conflict;
    document.missing = draft.missing;
    document.if_match = draft.if_match;
    if (draft.was_read || isolation_ == Isolation::kSnapshot) document.as_of = snapshot_->sequence;
    document.metadata = encode_object(draft.metadata);
    bytes += document.id.size() + document.metadata.size();
    for (Entry& entry : draft.entries) {
      PreparedEntry prepared{std::move(entry.chunk_id), entry.kept_row, std::move(entry.chunk),
                             entry.taken_at};
      if (entry.kept_row && draft.metadata_changed) {
        TRY_ASSIGN(prepared.chunk, read_row(key.first, *entry.kept_row));
        prepared.kept_row.reset();
      }
      bytes += prepared.chunk_id.size() + prepared.chunk.text.size() + prepared.chunk.metadata.size() +
               prepared.chunk.vector.size() * sizeof(float) + 64;
      document.entries.push_back(std::move(prepared));
    }
    steps[draft.step] = std::move(document);
  }
  if (bytes > limits_.max_transaction_bytes) {
    return fail(ErrorCode::kPayloadTooLarge, fmt::format("the transaction has {} bytes, the limit is {}",
                                                         bytes, limits_.max_transaction_bytes));
  }
  PreparedTransaction transaction;
  std::vector<std::size_t> position(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    position[i] = transaction.steps.size();
    if (steps[i]) transaction.steps.push_back(*std::move(steps[i]));
  }
  transaction.operations = std::move(operations_);
  for (PreparedOperation& operation : transaction.operations) {
    if (operation.step != PreparedOperation::kNoStep) operation.step = position[operation.step];
  }
  return transaction;
}

Result<LibraryView> DraftSet::library_view(const std::string& library) const {
  const LibraryDraft* draft = find_library_draft(library);
  if (draft == nullptr) return find_library(snapshot_, library);
  if (draft->change == PreparedLibrary::Change::kDrop) {
    return fail(ErrorCode::kLibraryNotFound,
                fmt::format("library '{}' is dropped by this transaction", library));
  }
  auto state = std::make_shared<DatabaseState>(*snapshot_);
  const LibraryState* current = snapshot_->library(draft->definition.id);
  auto with = std::make_shared<LibraryState>(current == nullptr ? LibraryState{} : *current);
  LibraryDefinition definition = draft->definition;
  definition.spec.field = draft->field;
  with->definition = std::make_shared<const LibraryDefinition>(std::move(definition));
  state->libraries = state->libraries.with(draft->definition.id, std::move(with));
  state->names = state->names.with(library, draft->definition.id);
  return find_library(std::move(state), library);
}

Result<std::optional<Document>> DraftSet::document(const std::string& library, const std::string& id,
                                                   const Include& include) const {
  TRY_ASSIGN(const LibraryView view, library_view(library));
  const auto it = documents_.find({view.place.library, id});
  if (it == documents_.end()) {
    TRY_ASSIGN(auto document, find_document(view, id));
    if (document) {
      TRY_ASSIGN(document->chunks, read_chunks(view, document->rows, include));
    }
    return document;
  }
  const DocumentDraft& draft = it->second;
  if (!draft.exists) return std::optional<Document>();
  Document document;
  document.id = id;
  document.metadata = draft.metadata;
  for (const Entry& entry : draft.entries) {
    PreparedChunk prepared = entry.chunk;
    if (entry.kept_row) {
      TRY_ASSIGN(prepared, read_row(view.place.library, *entry.kept_row));
    }
    Chunk chunk;
    chunk.id = entry.chunk_id;
    chunk.document_id = id;
    if (include.text) chunk.text = std::move(prepared.text);
    if (include.metadata) {
      TRY_ASSIGN(chunk.metadata, decode_object(prepared.metadata));
    }
    chunk.norm = prepared.norm;
    if (include.vector) chunk.vector = std::move(prepared.vector);
    document.chunk_ids.push_back(entry.chunk_id);
    document.chunks.push_back(std::move(chunk));
  }
  return std::optional<Document>(std::move(document));
}

Result<PrivateRows> DraftSet::private_rows(const std::string& library) const {
  PrivateRows own;
  TRY_ASSIGN(const LibraryView view, library_view(library));
  const auto in_snapshot = snapshot_view(view.place.library);
  for (auto it = documents_.lower_bound({view.place.library, {}});
       it != documents_.end() && it->first.first == view.place.library; ++it) {
    if (in_snapshot) {
      TRY_ASSIGN(const auto before, find_document(*in_snapshot, it->first.second));
      if (before) own.hidden.insert(own.hidden.end(), before->rows.begin(), before->rows.end());
    }
    TRY_ASSIGN(auto after, document(library, it->first.second, Include{true, true, true, false}));
    if (!after) continue;
    for (Chunk& chunk : after->chunks) {
      own.added.push_back(std::move(chunk));
      own.documents.push_back(after->metadata);
    }
  }
  std::ranges::sort(own.hidden);
  return own;
}

}  // namespace sextant
