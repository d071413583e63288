// Between the engine's types and the messages of commit_record.proto.
#pragma once

#include "engine/commit_record.pb.h"
#include "engine/types.h"

namespace sextant {

void encode_library(const LibraryDefinition& definition, record::Library& out);
Result<LibraryDefinition> decode_library(const record::Library& message);

void encode_result(const WriteResult& result, record::RememberOutcome& out);
WriteResult decode_result(const record::RememberOutcome& message);

/// A stored JSON object; empty bytes are {}.
Result<Json> decode_object(std::string_view bytes);
/// "" for an empty object.
std::string encode_object(const Json& object);

Result<record::StoredDocument> parse_stored_document(std::string_view bytes);
Result<record::StoredChunk> parse_stored_chunk(std::string_view bytes);

/// Without the chunks themselves.
Result<Document> decode_document(std::string_view id, std::string_view bytes);
Result<Chunk> decode_chunk(RowId row, std::string_view bytes);

}  // namespace sextant
