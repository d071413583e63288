// The words of the engine: what is asked of it and what it answers. Plain data, no behaviour.
//
// Thread rule: values; share them const.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/filter.h"
#include "index/vector_view.h"
#include "storage/commit_log.h"

namespace sextant {

using LibraryId = std::uint32_t;    // never reused
using PartitionId = std::uint32_t;  // 0 is the only one of a shared library
using RowId = std::uint64_t;        // of a chunk version, within its partition; only grows
using Version = Sequence;           // of a document: the commit that last changed it

/// As if_match: whatever the version, but there must be one.
inline constexpr Version kAnyVersion = ~Version{0};

// ---- Libraries ----

enum class LibraryKind : std::uint8_t { kShared, kUser, kStream, kSystem };
enum class ElementType : std::uint8_t { kF32, kF16 };

/// A vector field. metric and normalize are fixed at creation; dimension and model at creation or by the
/// first committed chunk.
struct VectorField {
  std::string name = "embedding";
  std::uint32_t number = 0;
  ElementType element = ElementType::kF32;
  Metric metric = Metric::kCosine;
  bool normalize = true;             // always true for cosine
  std::uint32_t dimension = 0;       // 0: not established
  std::optional<std::string> model;  // "" once established: the client never named one
  bool established() const { return dimension != 0 && model.has_value(); }
};

/// What the creator chooses.
struct LibrarySpec {
  std::string name;  // full name: "namespace.name", or "name" in namespace "default"
  LibraryKind kind = LibraryKind::kShared;
  std::string provider = "native";
  VectorField field;
  Json embedding;  // {"provider": ..., "model": ...} or null: the server's default
  Json index = Json::object();
  Json chunking = Json::object();
  Json metadata = Json::object();
};

struct LibraryDefinition {
  LibraryId id = 0;
  LibrarySpec spec;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  Version version = 0;
};

struct LibraryInfo {
  LibraryDefinition definition;
  std::uint64_t documents = 0;
  std::uint64_t chunks = 0;
  std::uint64_t vector_bytes = 0;  // resident, dead rows included
  std::uint64_t dead_chunks = 0;   // rows replaced or deleted and not yet merged away
};

// ---- Documents ----

struct ChunkInput {
  std::string id;  // empty: "{document}#{n}"
  std::string text;
  Json metadata = Json::object();
  std::vector<float> vector;  // empty: to be embedded from text before it reaches the engine
  std::string model;          // that made the vector; empty: not said
};

struct DocumentInput {
  std::string id;  // empty: a UUIDv7 is given
  Json metadata = Json::object();
  std::vector<ChunkInput> chunks;
};

struct Chunk {
  std::string id;
  std::string document_id;
  RowId row = 0;
  std::string text;
  Json metadata = Json::object();
  double norm = 0;            // of the vector as it was given; 1 where nothing was normalised
  std::vector<float> vector;  // filled when asked for
};

struct Document {
  std::string id;
  Version version = 0;
  Json metadata = Json::object();
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::vector<std::string> chunk_ids;
  std::vector<RowId> rows;    // of chunk_ids
  std::vector<Chunk> chunks;  // filled when asked for
};

// ---- Writing ----

enum class OnConflict : std::uint8_t { kReplace, kError, kIgnore };
enum class MissingPolicy : std::uint8_t { kError, kIgnore };
enum class Durability : std::uint8_t { kFlushed, kFsync };

struct UpsertDocument {
  std::string library;
  DocumentInput document;
  OnConflict on_conflict = OnConflict::kReplace;
  std::optional<Version> if_match = {};
};
/// Merges into the document's metadata (RFC 7396); chunks stay.
struct PatchDocument {
  std::string library;
  std::string id;
  Json metadata_patch;
  std::optional<Version> if_match = {};
};
struct DeleteDocument {
  std::string library;
  std::string id;
  MissingPolicy missing = MissingPolicy::kError;
  std::optional<Version> if_match = {};
};
/// Replaces a chunk whole, or adds it to document_id when there is none of its id.
struct PutChunk {
  std::string library;
  std::string document_id;  // empty: the document that has the chunk
  ChunkInput chunk;
  std::optional<Version> if_match = {};  // of the document
};
struct PatchChunk {
  std::string library;
  std::string id;
  std::optional<std::string> text = {};  // a new text needs a new vector
  std::vector<float> vector = {};        // empty: stays
  std::string model = {};
  Json metadata_patch = Json::object();
  std::optional<Version> if_match = {};
};
struct DeleteChunk {
  std::string library;
  std::string id;
  MissingPolicy missing = MissingPolicy::kError;
  std::optional<Version> if_match = {};
};
struct CreateLibrary {
  LibrarySpec spec;
};
/// Merge patches of what may change after creation; the contract may not.
struct UpdateLibrary {
  std::string library;
  Json metadata_patch = Json::object();
  Json index_patch = Json::object();
  Json chunking_patch = Json::object();
};
struct DropLibrary {
  std::string library;
};

using Operation = std::variant<UpsertDocument, PatchDocument, DeleteDocument, PutChunk, PatchChunk,
                               DeleteChunk, CreateLibrary, UpdateLibrary, DropLibrary>;

/// All of its operations happen, or none.
struct TransactionInput {
  std::vector<Operation> operations;
  std::optional<Error> rejected = {};  // refused before it came here; counts as failed in its place
};

struct IdempotencyKey {
  std::string scope;  // principal and route
  std::string key;
  std::string request_hash;  // a repeat with another hash is kIdempotencyKeyReused
};

struct WriteRequest {
  std::vector<TransactionInput> transactions;  // committed in order; the first failure ends the request
  Durability durability = Durability::kFsync;
  std::optional<IdempotencyKey> idempotency = {};
};

enum class Effect : std::uint8_t { kCreated, kReplaced, kPatched, kDeleted, kIgnored };

struct OperationOutcome {
  std::string id;           // document, chunk or library the operation named, or the id it was given
  std::string document_id;  // empty for libraries
  Version version = 0;      // after it; 0 after a deletion
  Effect effect = Effect::kCreated;
};

struct TransactionOutcome {
  Sequence sequence = 0;  // 0: nothing had to change
  std::vector<OperationOutcome> operations;
};

struct WriteResult {
  /// One a transaction up to and including the first failure; those after it were not attempted.
  std::vector<Result<TransactionOutcome>> transactions;
  Sequence sequence = 0;  // everything in this result is visible at this sequence
  bool repeated = false;  // the stored outcome of an earlier request with the same idempotency key
};

// ---- Reading ----

struct PageRequest {
  Filter where = {};
  Filter where_document = {};  // chunks only
  std::size_t limit = 100;
  std::string after_id = {};  // continue behind this id
};

struct DocumentPage {
  std::vector<Document> documents;  // in id order
  bool more = false;
};
struct ChunkPage {
  std::vector<Chunk> chunks;  // in id order
  bool more = false;
};

struct Include {
  bool text = true;
  bool metadata = true;
  bool vector = false;
  bool document = false;  // the document's metadata and version
};

struct SearchQuery {
  std::vector<float> vector;
  std::size_t k = 10;
  Filter where = {};
  Filter where_document = {};
  std::optional<double> min_score = {};
  Include include = {};
  std::string model = {};          // that made the vector; empty: not said
  std::string exclude_chunk = {};  // "similar" does not answer the chunk it was asked about
};

struct Hit {
  Chunk chunk;         // text, metadata, vector as included
  float distance = 0;  // the metric's own
  float score = 0;     // higher is better
  std::optional<Document> document;
};

struct SearchExplain {
  std::string plan;             // "exact_scan"
  std::uint64_t rows = 0;       // in the partition, dead ones included
  std::uint64_t matches = 0;    // after filter and tombstones
  std::uint64_t distances = 0;  // computed
  std::int64_t filter_ns = 0;
  std::int64_t scan_ns = 0;
  std::int64_t payload_ns = 0;
  std::string kernels;
};

struct SearchResult {
  std::vector<Hit> hits;  // nearest first, ties by the older row
  bool exact = true;
  Sequence sequence = 0;  // of the snapshot that answered
  SearchExplain explain;
};

}  // namespace sextant
