// Documents and chunks as JSON: what writes them, and how they are shown.
//
// Stateless; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/types.h"
#include "server/json_fields.h"
#include "server/json_writer.h"
#include "server/request_scope.h"

namespace sextant {

// ---- Requests ----

/// One document of a request: chunks, or a text that is to be cut into chunks.
struct DocumentRequest {
  DocumentInput document;
  std::optional<std::string> text = {};
  bool has_chunks = false;
  std::optional<VersionMatch> if_match = {};
  std::string model = {};  // of the vectors given; only where one document is the request
};
/// One of many: {id?, metadata?, text? | chunks?, if_match?}.
const ObjectType<DocumentRequest>& document_type();
/// The body of PUT /documents/{id}: {metadata?, text? | chunks?, model?}.
const ObjectType<DocumentRequest>& put_document_type();

/// How documents are written; the body's or, for lines, the query's part of POST /documents.
struct WriteSettings {
  Durability durability = Durability::kFsync;
  OnConflict on_conflict = OnConflict::kReplace;
  std::string model;
};
const ObjectType<WriteSettings>& write_settings_type();

struct DocumentsRequest : WriteSettings {
  std::vector<DocumentRequest> documents;
  bool atomic = false;
};
const ObjectType<DocumentsRequest>& documents_type();

struct ChunkRequest {
  std::optional<std::string> document_id = {};
  std::optional<std::string> text = {};
  std::vector<float> vector = {};
  std::optional<Json> metadata = {};
  std::string model = {};
};
/// The body of PUT /chunks/{id}.
const ObjectType<ChunkRequest>& put_chunk_type();
/// The body of PATCH /chunks/{id}.
const ObjectType<ChunkRequest>& patch_chunk_type();

/// A patch of one chunk among many: {id, text?, vector?, metadata?, model?}.
const ObjectType<PatchChunk>& chunk_patch_type();

ValueType<Durability> durability_value();
ValueType<OnConflict> on_conflict_value();
/// An ETag, or "*".
ValueType<VersionMatch> version_match_value();

// ---- Answers ----

std::string_view effect_name(Effect effect);
Json effect_schema();

/// What is shown of documents and chunks beside their ids and versions.
struct Shown {
  bool text = true;
  bool metadata = true;
  bool vector = false;
};
void write_version(JsonWriter& writer, Version version);
/// A document of a list: the number of its chunks.
void write_document_summary(JsonWriter& writer, const Document& document);
/// One document: the ids of its chunks, and the chunks if they were read.
void write_document(JsonWriter& writer, const Document& document, bool with_chunks, Shown shown);
void write_chunk(JsonWriter& writer, const Chunk& chunk, Shown shown);

Json document_summary_schema(SchemaBook& book);
Json document_schema(SchemaBook& book);
Json chunk_schema(SchemaBook& book);

}  // namespace sextant
