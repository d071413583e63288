#include "engine/record_codec.h"

#include <fmt/format.h>

namespace sextant {

namespace {

template <typename Message>
Result<Message> parse_message(std::string_view bytes, std::string_view what) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorCode::kDamaged, fmt::format("a stored {} cannot be decoded", what));
  }
  return message;
}

}  // namespace

Result<Json> decode_object(std::string_view bytes) {
  if (bytes.empty()) return Json::object();
  auto json = parse_json(bytes);
  if (!json)
    return fail(caused_by(ErrorCode::kDamaged, "stored metadata is not JSON", std::move(json).error()));
  return json;
}

std::string encode_object(const Json& object) {
  return object.size() == 0 ? std::string() : object.to_string();
}

void encode_library(const LibraryDefinition& definition, record::Library& out) {
  const LibrarySpec& spec = definition.spec;
  out.set_id(definition.id);
  out.set_name(spec.name);
  out.set_kind(static_cast<std::uint32_t>(spec.kind));
  out.set_provider(spec.provider);
  record::VectorField& field = *out.add_fields();
  field.set_number(spec.field.number);
  field.set_name(spec.field.name);
  field.set_element(static_cast<std::uint32_t>(spec.field.element));
  field.set_metric(static_cast<std::uint32_t>(spec.field.metric));
  field.set_normalize(spec.field.normalize);
  field.set_dimension(spec.field.dimension);
  if (spec.field.model) field.set_model(*spec.field.model);
  if (!spec.embedding.is_null()) out.set_embedding(spec.embedding.to_string());
  out.set_index(encode_object(spec.index));
  out.set_chunking(encode_object(spec.chunking));
  out.set_metadata(encode_object(spec.metadata));
  out.set_created_ms(definition.created_ms);
  out.set_updated_ms(definition.updated_ms);
  out.set_version(definition.version);
}

Result<LibraryDefinition> decode_library(const record::Library& message) {
  if (message.fields_size() != 1) {
    return fail(ErrorCode::kFormatTooNew,
                fmt::format("library '{}' has {} vector fields; this build knows one", message.name(),
                            message.fields_size()));
  }
  LibraryDefinition definition;
  definition.id = message.id();
  definition.created_ms = message.created_ms();
  definition.updated_ms = message.updated_ms();
  definition.version = message.version();
  LibrarySpec& spec = definition.spec;
  spec.name = message.name();
  spec.kind = static_cast<LibraryKind>(message.kind());
  spec.provider = message.provider();
  const record::VectorField& field = message.fields(0);
  spec.field.number = field.number();
  spec.field.name = field.name();
  spec.field.element = static_cast<ElementType>(field.element());
  spec.field.metric = static_cast<Metric>(field.metric());
  spec.field.normalize = field.normalize();
  spec.field.dimension = field.dimension();
  if (field.has_model()) spec.field.model = field.model();
  if (!message.embedding().empty()) {
    TRY_ASSIGN(spec.embedding, decode_object(message.embedding()));
  }
  TRY_ASSIGN(spec.index, decode_object(message.index()));
  TRY_ASSIGN(spec.chunking, decode_object(message.chunking()));
  TRY_ASSIGN(spec.metadata, decode_object(message.metadata()));
  return definition;
}

void encode_result(const WriteResult& result, record::RememberOutcome& out) {
  out.set_sequence(result.sequence);
  for (const auto& transaction : result.transactions) {
    record::TransactionOutcome& to = *out.add_transactions();
    if (!transaction) {
      to.set_error_code(std::string(error_name(transaction.error().code)));
      to.set_error_message(transaction.error().message);
      to.set_error_field(transaction.error().field);
      continue;
    }
    to.set_sequence(transaction->sequence);
    for (const OperationOutcome& operation : transaction->operations) {
      record::OperationOutcome& o = *to.add_operations();
      o.set_id(operation.id);
      o.set_document_id(operation.document_id);
      o.set_version(operation.version);
      o.set_effect(static_cast<std::uint32_t>(operation.effect));
    }
  }
}

WriteResult decode_result(const record::RememberOutcome& message) {
  WriteResult result;
  result.sequence = message.sequence();
  result.repeated = true;
  for (const record::TransactionOutcome& from : message.transactions()) {
    if (!from.error_code().empty()) {
      result.transactions.emplace_back(std::unexpected<Error>(
          field_error(error_code_from_name(from.error_code()), from.error_field(), from.error_message())));
      continue;
    }
    TransactionOutcome outcome;
    outcome.sequence = from.sequence();
    for (const record::OperationOutcome& o : from.operations()) {
      outcome.operations.push_back({o.id(), o.document_id(), o.version(), static_cast<Effect>(o.effect())});
    }
    result.transactions.emplace_back(std::move(outcome));
  }
  return result;
}

Result<record::StoredDocument> parse_stored_document(std::string_view bytes) {
  return parse_message<record::StoredDocument>(bytes, "document");
}

Result<record::StoredChunk> parse_stored_chunk(std::string_view bytes) {
  return parse_message<record::StoredChunk>(bytes, "chunk");
}

Result<Document> decode_document(std::string_view id, std::string_view bytes) {
  TRY_ASSIGN(const record::StoredDocument stored, parse_stored_document(bytes));
  Document document;
  document.id = std::string(id);
  document.version = stored.version();
  document.created_ms = stored.created_ms();
  document.updated_ms = stored.updated_ms();
  TRY_ASSIGN(document.metadata, decode_object(stored.metadata()));
  document.chunk_ids.assign(stored.chunk_ids().begin(), stored.chunk_ids().end());
  document.rows.assign(stored.rows().begin(), stored.rows().end());
  if (document.rows.size() != document.chunk_ids.size()) {
    return fail(ErrorCode::kDamaged, fmt::format("document '{}' lists {} chunk ids and {} rows", document.id,
                                                 document.chunk_ids.size(), document.rows.size()));
  }
  return document;
}

Result<Chunk> decode_chunk(RowId row, std::string_view bytes) {
  TRY_ASSIGN(const record::StoredChunk stored, parse_stored_chunk(bytes));
  Chunk chunk;
  chunk.row = row;
  chunk.id = stored.id();
  chunk.document_id = stored.document_id();
  chunk.text = stored.text();
  TRY_ASSIGN(chunk.metadata, decode_object(stored.metadata()));
  if (stored.vectors_size() > 0) chunk.norm = stored.vectors(0).norm();
  return chunk;
}

}  // namespace sextant
