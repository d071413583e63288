// Keys of the record store, format version 1. docs/format.md lists them.
//
// Integers are big-endian, so that a library, and in it a partition, is one contiguous range of each family.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "engine/types.h"

namespace sextant::keys {

// kMeta
std::string library(LibraryId id);                                        // 'L' id
std::string outcome(std::string_view scope, std::string_view key);        // 'I' sha256(scope NUL key), hex
std::string outcome_age(std::int64_t time_ms, std::string_view outcome);  // 'A' time, then the outcome's key
inline constexpr char kOutcomeAgePrefix = 'A';
inline constexpr std::size_t kOutcomeAgeHeader = 1 + 8;

// kIds and kPayload: library, partition, kind, then the id or row.
struct Place {
  LibraryId library;
  PartitionId partition;
};
std::string chunk_id(Place place, std::string_view id);  // kIds 'c' id -> row, document id
std::string chunk_ids(Place place);                      // prefix of those
std::string document(Place place, std::string_view id);  // kPayload 'd' id -> StoredDocument
std::string documents(Place place);                      // prefix of those
std::string row(Place place, RowId row);                 // kPayload 'r' row -> StoredChunk
std::string rows(Place place);                           // prefix of those
std::string all_of(LibraryId library);                   // prefix of everything of a library

/// The value under chunk_id: which row is the chunk's and which document it belongs to.
struct ChunkPlace {
  RowId row = 0;
  std::string document_id;
};
std::string encode(const ChunkPlace& place);
Result<ChunkPlace> decode_chunk_place(std::string_view value);

}  // namespace sextant::keys
