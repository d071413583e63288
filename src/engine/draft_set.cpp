#include "engine/draft_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "engine/contract.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

// Metadata as they will be stored: proven to read back, so that no record can be written that cannot be
// replayed.
Result<std::string> encode_metadata(const Json& metadata) {
  if (!metadata.is_object()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "metadata",
                            fmt::format("metadata must be an object, not {}", metadata.type_name())));
  }
  std::string text = encode_object(metadata);
  if (auto parsed = decode_object(text); !parsed) {
    return fail(field_error(ErrorCode::kInvalidArgument, "metadata",
                            "metadata cannot be written as JSON: " + parsed.error().to_string()));
  }
  return text;
}

Status check_text(std::string_view text) {
  if (is_valid_utf8(text)) return {};
  return fail(field_error(ErrorCode::kInvalidArgument, "text", "the text is not valid UTF-8"));
}

// What a missing thing is to an operation that asked for any version of it.
Error missing(Error error, const std::optional<Version>& if_match) {
  if (!if_match) return error;
  return field_error(ErrorCode::kPreconditionFailed, "if_match", std::move(error.message));
}

Error no_document(const std::string& id) {
  return field_error(ErrorCode::kDocumentNotFound, "id", fmt::format("there is no document '{}'", id));
}

Error no_chunk(const std::string& id) {
  return field_error(ErrorCode::kChunkNotFound, "id", fmt::format("there is no chunk '{}'", id));
}

}  // namespace

DraftSet::DraftSet(Snapshot snapshot, Isolation isolation, DraftLimits limits,
                   std::function<LibraryId()> new_library_id)
    : snapshot_(std::move(snapshot)),
      isolation_(isolation),
      limits_(limits),
      new_library_id_(std::move(new_library_id)) {}

Status DraftSet::add(const Operation& operation) {
  struct Visitor {
    DraftSet& set;
    Status operator()(const UpsertDocument& o) { return set.add_upsert(o); }
    Status operator()(const PatchDocument& o) { return set.add_patch(o); }
    Status operator()(const DeleteDocument& o) { return set.add_delete(o); }
    Status operator()(const PutChunk& o) { return set.add_put_chunk(o); }
    Status operator()(const PatchChunk& o) { return set.add_patch_chunk(o); }
    Status operator()(const DeleteChunk& o) { return set.add_delete_chunk(o); }
    Status operator()(const CreateLibrary& o) { return set.add_create_library(o); }
    Status operator()(const UpdateLibrary& o) { return set.add_update_library(o); }
    Status operator()(const DropLibrary& o) { return set.add_drop_library(o); }
  };
  auto status = std::visit(Visitor{*this}, operation);
  ++operation_;
  return status;
}

// ---- Finding things in this set's view ----

const DraftSet::LibraryDraft* DraftSet::find_library_draft(const std::string& name) const {
  const auto it = libraries_.find(name);
  return it == libraries_.end() ? nullptr : &it->second;
}

Result<DraftSet::LibraryDraft*> DraftSet::library_draft(const std::string& name) {
  auto it = libraries_.find(name);
  if (it == libraries_.end()) {
    TRY_ASSIGN(const LibraryView view, find_library(snapshot_, name));
    LibraryDraft draft;
    draft.definition = *view.state->definition;
    draft.field = draft.definition.spec.field;
    draft.as_of = draft.definition.version;
    it = libraries_.emplace(name, std::move(draft)).first;
  }
  if (it->second.change == PreparedLibrary::Change::kDrop) {
    return fail(ErrorCode::kLibraryNotFound,
                fmt::format("library '{}' is dropped by this transaction", name));
  }
  return &it->second;
}

std::optional<LibraryView> DraftSet::snapshot_view(LibraryId id) const {
  const LibraryState* state = snapshot_->library(id);
  if (state == nullptr) return std::nullopt;
  return LibraryView{snapshot_, state, {id, kSharedPartition}};
}

DraftSet::DocumentDraft* DraftSet::find_draft(LibraryId library, const std::string& id) {
  const auto it = documents_.find({library, id});
  return it == documents_.end() ? nullptr : &it->second;
}

DraftSet::DocumentDraft& DraftSet::new_draft(LibraryId library, const std::string& id) {
  DocumentDraft& draft = documents_[{library, id}];
  draft.step = step_count_++;
  return draft;
}

Result<DraftSet::DocumentDraft*> DraftSet::load(LibraryId library, const std::string& id) {
  if (DocumentDraft* draft = find_draft(library, id)) {
    if (!draft->exists) return nullptr;
    // What is built on "there was none" must not be dropped because there is one by now.
    if (draft->on_conflict != OnConflict::kReplace) draft->was_read = true;
    return draft;
  }
  const auto view = snapshot_view(library);
  if (!view) return nullptr;
  TRY_ASSIGN(auto document, find_document(*view, id));
  if (!document) return nullptr;
  DocumentDraft& draft = new_draft(library, id);
  draft.was_read = true;
  draft.base_version = document->version;
  draft.metadata = std::move(document->metadata);
  for (std::size_t i = 0; i < document->rows.size(); ++i) {
    draft.entries.push_back({document->chunk_ids[i], document->rows[i], {}, 0});
  }
  return &draft;
}

Result<std::optional<std::string>> DraftSet::chunk_owner(LibraryId library,
                                                         const std::string& chunk_id) const {
  for (auto it = documents_.lower_bound({library, {}}); it != documents_.end() && it->first.first == library;
       ++it) {
    const DocumentDraft& draft = it->second;
    if (draft.exists &&
        std::ranges::any_of(draft.entries, [&](const Entry& e) { return e.chunk_id == chunk_id; })) {
      return it->first.second;
    }
  }
  const auto view = snapshot_view(library);
  if (!view) return std::optional<std::string>();
  TRY_ASSIGN(const auto place, find_chunk(*view, chunk_id));
  // A document that has a draft has what its draft says, and that was looked at above.
  if (!place || documents_.contains({library, place->document_id})) return std::optional<std::string>();
  return std::optional<std::string>(place->document_id);
}

// ---- Checks ----

Status DraftSet::check_id(std::string_view id, std::string_view field) const {
  if (id.empty())
    return fail(field_error(ErrorCode::kInvalidArgument, std::string(field), "the id is empty"));
  if (id.size() > limits_.max_id_bytes) {
    return fail(
        field_error(ErrorCode::kLimitExceeded, std::string(field),
                    fmt::format("the id has {} bytes, the limit is {}", id.size(), limits_.max_id_bytes)));
  }
  if (!is_valid_utf8(id)) {
    return fail(field_error(ErrorCode::kInvalidArgument, std::string(field), "the id is not valid UTF-8"));
  }
  return {};
}

Status DraftSet::check_if_match(const std::optional<Version>& if_match, const DocumentDraft& draft) const {
  if (!if_match || !draft.if_match || *draft.if_match == *if_match) return {};
  return fail(field_error(ErrorCode::kPreconditionFailed, "if_match",
                          "two operations expect different versions of the document"));
}

Status DraftSet::take_model(DocumentDraft& draft, const std::string& model) const {
  if (model.empty() || draft.model == model) return {};
  if (!draft.model.empty()) {
    return fail(ErrorCode::kEmbeddingContractViolation,
                fmt::format("vectors of models '{}' and '{}' in one document", draft.model, model));
  }
  draft.model = model;
  return {};
}

Result<PreparedChunk> DraftSet::prepare_chunk(LibraryDraft& library, DocumentDraft& document,
                                              const ChunkInput& input) const {
  TRY(check_text(input.text));
  PreparedChunk chunk;
  TRY_ASSIGN(chunk.metadata, encode_metadata(input.metadata));
  VectorField& field = library.field;
  if (input.vector.empty()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "vector", "the chunk has no vector"));
  }
  if (input.vector.size() > limits_.max_dimension) {
    return fail(field_error(ErrorCode::kLimitExceeded, "vector",
                            fmt::format("the vector has {} dimensions, the limit is {}", input.vector.size(),
                                        limits_.max_dimension)));
  }
  auto prepared = prepare_vector(field, input.vector, input.model);
  if (prepared) {
    if (auto status = take_model(document, input.model); !status)
      return fail(in_field("vector", std::move(status).error()));
  } else {
    return fail(in_field("vector", std::move(prepared).error()));
  }
  // Until the contract is established the first vector of the set speaks for the others.
  field.dimension = static_cast<std::uint32_t>(input.vector.size());
  chunk.text = input.text;
  chunk.vector = std::move(prepared->values);
  chunk.norm = prepared->norm;
  return chunk;
}

Result<std::vector<DraftSet::Entry>> DraftSet::prepare_entries(LibraryDraft& library, DocumentDraft& draft,
                                                               const DocumentInput& input) const {
  std::vector<Entry> entries;
  std::unordered_set<std::string> ids;
  for (std::size_t i = 0; i < input.chunks.size(); ++i) {
    const std::string field = fmt::format("document.chunks[{}]", i);
    const ChunkInput& chunk = input.chunks[i];
    std::string id = chunk.id.empty() ? fmt::format("{}#{}", input.id, i) : chunk.id;
    if (auto status = check_id(id, "id"); !status) return fail(in_field(field, std::move(status).error()));
    if (!ids.insert(id).second) {
      return fail(field_error(ErrorCode::kInvalidArgument, field + ".id",
                              fmt::format("the chunk id '{}' occurs twice in the document", id)));
    }
    auto prepared = prepare_chunk(library, draft, chunk);
    if (!prepared) return fail(in_field(field, std::move(prepared).error()));
    entries.push_back({std::move(id), {}, *std::move(prepared), operation_});
  }
  return entries;
}

void DraftSet::record(std::string id, const std::string& document_id, DocumentDraft& draft, Effect effect,
                      const std::optional<Version>& if_match) {
  if (if_match) draft.if_match = if_match;
  // Whether a first, unread write creates, replaces or deletes anything is settled by the lane.
  const bool settled_by_step = !draft.changed && !draft.was_read;
  draft.changed = true;
  draft.operation = operation_;
  operations_.push_back({{std::move(id), document_id, 0, effect}, draft.step, settled_by_step});
}

void DraftSet::record_ignored(const std::string& id, const std::string& document_id, Version version) {
  operations_.push_back({{id, document_id, version, Effect::kIgnored}, PreparedOperation::kNoStep, false});
}

void DraftSet::record_library(const std::string& name, LibraryDraft& draft, Effect effect) {
  draft.operation = operation_;
  operations_.push_back({{name, {}, 0, effect}, draft.step, false});
}

Result<PreparedChunk> DraftSet::read_row(LibraryId library, RowId row) const {
  const auto view = snapshot_view(library);
  if (!view) return fail(ErrorCode::kInternal, "a row of a library that is not there");
  TRY_ASSIGN(auto chunks, read_chunks(*view, {&row, 1}, Include{true, true, true, false}));
  Chunk& chunk = chunks.front();
  return PreparedChunk{std::move(chunk.text), encode_object(chunk.metadata), std::move(chunk.vector),
                       chunk.norm};
}

// ---- Documents ----

Status DraftSet::add_upsert(const UpsertDocument& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  const DocumentInput& input = operation.document;
  TRY(check_id(input.id, "document.id"));
  if (auto metadata = encode_metadata(input.metadata); !metadata) {
    return fail(in_field("document", std::move(metadata).error()));
  }
  DocumentDraft fresh;
  const VectorField field_before = library->field;
  auto entries = prepare_entries(*library, fresh, input);
  if (!entries) {
    library->field = field_before;
    return fail(std::move(entries).error());
  }
  fresh.entries = *std::move(entries);
  fresh.metadata = input.metadata;
  fresh.metadata_changed = true;
  fresh.all_given_up_at = operation_;
  const LibraryId id = library->definition.id;
  if (operation.on_conflict != OnConflict::kReplace) {
    TRY_ASSIGN(DocumentDraft* const existing, load(id, input.id));
    if (existing != nullptr) library->field = field_before;
    if (existing != nullptr && operation.if_match && *operation.if_match != kAnyVersion &&
        existing->base_version != *operation.if_match) {
      return fail(field_error(ErrorCode::kPreconditionFailed, "if_match",
                              fmt::format("document '{}' is at version {:x}, not {:x}", input.id,
                                          existing->base_version, *operation.if_match)));
    }
    if (existing != nullptr && operation.on_conflict == OnConflict::kError) {
      return fail(field_error(ErrorCode::kDocumentExists, "document.id",
                              fmt::format("there is a document '{}' already", input.id)));
    }
    if (existing != nullptr) {
      record_ignored(input.id, input.id, existing->base_version);
      return {};
    }
  }
  DocumentDraft* before = find_draft(id, input.id);
  if (before == nullptr) {
    fresh.on_conflict = operation.on_conflict;
    fresh.step = step_count_++;
    DocumentDraft& draft = documents_[{id, input.id}] = std::move(fresh);
    record(input.id, input.id, draft, Effect::kCreated, operation.if_match);
    return {};
  }
  if (auto matches = check_if_match(operation.if_match, *before); !matches) {
    library->field = field_before;
    return matches;
  }
  const Effect effect = before->exists ? Effect::kReplaced : Effect::kCreated;
  fresh.step = before->step;
  fresh.was_read = before->was_read;
  fresh.base_version = before->base_version;
  fresh.missing = before->missing;
  fresh.if_match = before->if_match;
  fresh.changed = before->changed;
  fresh.given_up_at = std::move(before->given_up_at);
  if (before->all_given_up_at) fresh.all_given_up_at = before->all_given_up_at;
  *before = std::move(fresh);
  record(input.id, input.id, *before, effect, operation.if_match);
  return {};
}

Status DraftSet::add_patch(const PatchDocument& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  if (!operation.metadata_patch.is_object()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "metadata", "the patch must be an object"));
  }
  TRY_ASSIGN(DocumentDraft* const draft, load(library->definition.id, operation.id));
  if (draft == nullptr) return fail(missing(no_document(operation.id), operation.if_match));
  TRY(check_if_match(operation.if_match, *draft));
  Json merged = draft->metadata;
  merged.merge_patch(operation.metadata_patch);
  TRY(encode_metadata(merged));
  draft->metadata = std::move(merged);
  draft->metadata_changed = true;
  record(operation.id, operation.id, *draft, Effect::kPatched, operation.if_match);
  return {};
}

Status DraftSet::add_delete(const DeleteDocument& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  TRY(check_id(operation.id, "id"));
  const LibraryId id = library->definition.id;
  const bool first_touch = find_draft(id, operation.id) == nullptr;
  TRY_ASSIGN(DocumentDraft* const draft, load(id, operation.id));
  if (draft == nullptr) {
    if (operation.if_match || operation.missing == MissingPolicy::kError) {
      return fail(missing(no_document(operation.id), operation.if_match));
    }
    record_ignored(operation.id, operation.id, 0);
    return {};
  }
  TRY(check_if_match(operation.if_match, *draft));
  draft->exists = false;
  draft->entries.clear();
  if (!draft->all_given_up_at) draft->all_given_up_at = operation_;
  // A deletion takes whatever is there; what this set itself made may have never been there.
  if (first_touch) {
    draft->was_read = false;
    draft->missing = operation.missing;
  } else if (!draft->was_read || draft->base_version == 0) {
    draft->missing = MissingPolicy::kIgnore;
  }
  record(operation.id, operation.id, *draft, Effect::kDeleted, operation.if_match);
  return {};
}

Status DraftSet::add_put_chunk(const PutChunk& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  TRY(check_id(operation.chunk.id, "id"));
  const LibraryId id = library->definition.id;
  TRY_ASSIGN(const auto owner, chunk_owner(id, operation.chunk.id));
  if (!owner && operation.if_match == kAnyVersion)
    return fail(missing(no_chunk(operation.chunk.id), operation.if_match));
  if (!owner && operation.document_id.empty()) {
    return fail(
        field_error(ErrorCode::kChunkNotFound, "document_id",
                    fmt::format("there is no chunk '{}'; to add it, name its document", operation.chunk.id)));
  }
  if (owner && !operation.document_id.empty() && *owner != operation.document_id) {
    return fail(
        field_error(ErrorCode::kChunkIdTaken, "document_id",
                    fmt::format("the chunk id '{}' belongs to document '{}'", operation.chunk.id, *owner)));
  }
  const std::string document_id = owner ? *owner : operation.document_id;
  TRY_ASSIGN(DocumentDraft* const draft, load(id, document_id));
  if (draft == nullptr) {
    return fail(field_error(ErrorCode::kDocumentNotFound, "document_id",
                            fmt::format("there is no document '{}'", document_id)));
  }
  TRY(check_if_match(operation.if_match, *draft));
  TRY_ASSIGN(PreparedChunk chunk, prepare_chunk(*library, *draft, operation.chunk));
  const auto at = std::ranges::find(draft->entries, operation.chunk.id, &Entry::chunk_id);
  const bool replaces = at != draft->entries.end();
  if (replaces) {
    *at = {operation.chunk.id, {}, std::move(chunk), at->taken_at};
  } else {
    draft->entries.push_back({operation.chunk.id, {}, std::move(chunk), operation_});
  }
  record(operation.chunk.id, document_id, *draft, replaces ? Effect::kReplaced : Effect::kCreated,
         operation.if_match);
  return {};
}

Status DraftSet::add_patch_chunk(const PatchChunk& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  if (!operation.metadata_patch.is_object()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "metadata", "the patch must be an object"));
  }
  if (operation.text && operation.vector.empty()) {
    return fail(field_error(ErrorCode::kInvalidArgument, "text", "a new text needs a new vector"));
  }
  const LibraryId id = library->definition.id;
  TRY_ASSIGN(const auto owner, chunk_owner(id, operation.id));
  if (!owner) return fail(missing(no_chunk(operation.id), operation.if_match));
  TRY_ASSIGN(DocumentDraft* const draft, load(id, *owner));
  if (draft == nullptr) return fail(missing(no_chunk(operation.id), operation.if_match));
  TRY(check_if_match(operation.if_match, *draft));
  const auto entry = std::ranges::find(draft->entries, operation.id, &Entry::chunk_id);
  if (entry == draft->entries.end()) return fail(no_chunk(operation.id));
  PreparedChunk chunk = entry->chunk;
  if (entry->kept_row) {
    TRY_ASSIGN(chunk, read_row(id, *entry->kept_row));
  }
  TRY_ASSIGN(Json metadata, decode_object(chunk.metadata));
  metadata.merge_patch(operation.metadata_patch);
  TRY_ASSIGN(chunk.metadata, encode_metadata(metadata));
  if (operation.text) {
    TRY(check_text(*operation.text));
    chunk.text = *operation.text;
  }
  if (!operation.vector.empty()) {
    ChunkInput input{operation.id, chunk.text, std::move(metadata), operation.vector, operation.model};
    TRY_ASSIGN(chunk, prepare_chunk(*library, *draft, input));
  }
  entry->kept_row.reset();
  entry->chunk = std::move(chunk);
  record(operation.id, *owner, *draft, Effect::kPatched, operation.if_match);
  return {};
}

Status DraftSet::add_delete_chunk(const DeleteChunk& operation) {
  TRY_ASSIGN(LibraryDraft* const library, library_draft(operation.library));
  const LibraryId id = library->definition.id;
  TRY_ASSIGN(const auto owner, chunk_owner(id, operation.id));
  DocumentDraft* draft = nullptr;
  if (owner) {
    TRY_ASSIGN(draft, load(id, *owner));
  }
  if (draft == nullptr) {
    if (operation.if_match || operation.missing == MissingPolicy::kError) {
      return fail(missing(no_chunk(operation.id), operation.if_match));
    }
    record_ignored(operation.id, {}, 0);
    return {};
  }
  TRY(check_if_match(operation.if_match, *draft));
  std::erase_if(draft->entries, [&](const Entry& entry) { return entry.chunk_id == operation.id; });
  draft->given_up_at[operation.id] = operation_;
  record(operation.id, *owner, *draft, Effect::kDeleted, operation.if_match);
  return {};
}

// ---- Libraries ----

Status DraftSet::add_create_library(const CreateLibrary& operation) {
  const std::string& name = operation.spec.name;
  if (libraries_.contains(name) || snapshot_->library(name) != nullptr) {
    return fail(
        field_error(ErrorCode::kLibraryExists, "name", fmt::format("there is a library '{}' already", name)));
  }
  for (const Json* json : {&operation.spec.index, &operation.spec.chunking, &operation.spec.metadata}) {
    TRY(encode_metadata(*json));
  }
  if (!operation.spec.embedding.is_null()) TRY(encode_metadata(operation.spec.embedding));
  LibraryDraft draft;
  draft.definition.id = new_library_id_();
  draft.definition.spec = operation.spec;
  VectorField& field = draft.definition.spec.field;
  field.normalize = field.normalize || field.metric == Metric::kCosine;
  draft.field = field;
  draft.change = PreparedLibrary::Change::kCreate;
  draft.step = step_count_++;
  record_library(name, draft, Effect::kCreated);
  libraries_.emplace(name, std::move(draft));
  return {};
}

Status DraftSet::add_update_library(const UpdateLibrary& operation) {
  TRY_ASSIGN(LibraryDraft* const draft, library_draft(operation.library));
  LibrarySpec& spec = draft->definition.spec;
  LibrarySpec patched = spec;
  const std::pair<Json*, const Json*> parts[] = {{&patched.metadata, &operation.metadata_patch},
                                                 {&patched.index, &operation.index_patch},
                                                 {&patched.chunking, &operation.chunking_patch}};
  for (const auto& [target, patch] : parts) {
    target->merge_patch(*patch);
    TRY(encode_metadata(*target));
  }
  spec = std::move(patched);
  if (!draft->change) {
    draft->change = PreparedLibrary::Change::kUpdate;
    draft->step = step_count_++;
  }
  record_library(operation.library, *draft, Effect::kPatched);
  return {};
}

Status DraftSet::add_drop_library(const DropLibrary& operation) {
  TRY_ASSIGN(LibraryDraft* const draft, library_draft(operation.library));
  const auto first = documents_.lower_bound({draft->definition.id, {}});
  if (draft->change || (first != documents_.end() && first->first.first == draft->definition.id)) {
    return fail(field_error(ErrorCode::kInvalidArgument, "library",
                            "a transaction that changes a library or its documents cannot drop it too"));
  }
  draft->change = PreparedLibrary::Change::kDrop;
  draft->step = step_count_++;
  record_library(operation.library, *draft, Effect::kDeleted);
  return {};
}

}  // namespace sextant
