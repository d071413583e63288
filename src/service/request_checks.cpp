#include "service/request_checks.h"

#include <fmt/format.h>

namespace sextant {

namespace {

Error over_limit(std::string field, std::string_view what, std::size_t value, std::size_t limit) {
  return field_error(ErrorCode::kLimitExceeded, std::move(field),
                     fmt::format("{} {}, the limit is {}", what, value, limit));
}

Status check_id(std::string_view id, std::string_view field, const ServiceLimits& limits) {
  if (id.empty())
    return fail(field_error(ErrorCode::kInvalidArgument, std::string(field), "the id is empty"));
  if (id.size() <= limits.max_id_bytes) return {};
  return fail(over_limit(std::string(field), "bytes of the id:", id.size(), limits.max_id_bytes));
}

Status check_text(std::string_view text, const ServiceLimits& limits) {
  if (text.size() <= limits.max_text_bytes) return {};
  return fail(over_limit("text", "bytes of the text:", text.size(), limits.max_text_bytes));
}

Status check_vector(std::span<const float> vector, const ServiceLimits& limits) {
  if (vector.size() <= limits.max_dimension) return {};
  return fail(over_limit("vector", "dimensions of the vector:", vector.size(), limits.max_dimension));
}

Status check_chunk(const ChunkInput& chunk, const ServiceLimits& limits) {
  if (!chunk.id.empty()) TRY(check_id(chunk.id, "id", limits));
  TRY(check_text(chunk.text, limits));
  TRY(check_vector(chunk.vector, limits));
  return check_metadata(chunk.metadata, "metadata", limits);
}

Status check_document(const DocumentInput& document, const ServiceLimits& limits) {
  if (!document.id.empty()) TRY(check_id(document.id, "id", limits));
  TRY(check_metadata(document.metadata, "metadata", limits));
  if (document.chunks.size() > limits.max_chunks_per_document) {
    return fail(over_limit("chunks", "chunks of the document:", document.chunks.size(),
                           limits.max_chunks_per_document));
  }
  for (std::size_t i = 0; i < document.chunks.size(); ++i) {
    if (auto status = check_chunk(document.chunks[i], limits); !status) {
      return fail(in_field(fmt::format("chunks[{}]", i), std::move(status).error()));
    }
  }
  return {};
}

Status in(std::string_view field, Status status) {
  if (status) return status;
  return fail(in_field(field, std::move(status).error()));
}

struct OperationCheck {
  const ServiceLimits& limits;

  Status operator()(const UpsertDocument& o) const {
    return in("document", check_document(o.document, limits));
  }
  Status operator()(const PatchDocument& o) const {
    TRY(check_id(o.id, "id", limits));
    return check_metadata(o.metadata_patch, "metadata", limits);
  }
  Status operator()(const DeleteDocument& o) const { return check_id(o.id, "id", limits); }
  Status operator()(const PutChunk& o) const {
    TRY(check_id(o.chunk.id, "chunk.id", limits));
    if (!o.document_id.empty()) TRY(check_id(o.document_id, "document_id", limits));
    return in("chunk", check_chunk(o.chunk, limits));
  }
  Status operator()(const PatchChunk& o) const {
    TRY(check_id(o.id, "id", limits));
    if (o.text) TRY(check_text(*o.text, limits));
    TRY(check_vector(o.vector, limits));
    return check_metadata(o.metadata_patch, "metadata", limits);
  }
  Status operator()(const DeleteChunk& o) const { return check_id(o.id, "id", limits); }
  Status operator()(const auto&) const {
    return fail(ErrorCode::kInvalidArgument,
                "a library is not created, changed or dropped among writes of documents");
  }
};

}  // namespace

Status check_operation(const Operation& operation, const ServiceLimits& limits) {
  return std::visit(OperationCheck{limits}, operation);
}

Status EmbeddedBytes::add(std::string_view text, std::string_view field) {
  bytes_ += text.size();
  if (bytes_ <= limit_) return {};
  return fail(
      field_error(ErrorCode::kLimitExceeded, std::string(field),
                  fmt::format("the texts to be embedded, up to this one, have {} bytes, the limit of a "
                              "request is {} (max_embedded_bytes): send fewer at a time",
                              bytes_, limit_)));
}

Status EmbeddedBytes::add(const Operation& operation) {
  if (const auto* upsert = std::get_if<UpsertDocument>(&operation)) {
    for (std::size_t i = 0; i < upsert->document.chunks.size(); ++i) {
      const ChunkInput& chunk = upsert->document.chunks[i];
      if (chunk.vector.empty()) TRY(add(chunk.text, fmt::format("document.chunks[{}].text", i)));
    }
  } else if (const auto* put = std::get_if<PutChunk>(&operation)) {
    if (put->chunk.vector.empty()) return add(put->chunk.text, "chunk.text");
  } else if (const auto* patch = std::get_if<PatchChunk>(&operation)) {
    if (patch->text && patch->vector.empty()) return add(*patch->text, "text");
  }
  return {};
}

Status check_query(const TableQuery& query, const ServiceLimits& limits) {
  if (query.text) TRY(check_text(*query.text, limits));
  return check_search(query.query, limits);
}

Status check_search(const SearchQuery& query, const ServiceLimits& limits) {
  if (query.k == 0) return fail(field_error(ErrorCode::kInvalidArgument, "k", "must be at least 1"));
  if (query.k > limits.max_k) return fail(over_limit("k", "k is", query.k, limits.max_k));
  return check_vector(query.vector, limits);
}

Status check_page(std::size_t limit, const ServiceLimits& limits) {
  if (limit == 0) return fail(field_error(ErrorCode::kInvalidArgument, "limit", "must be at least 1"));
  if (limit > limits.max_page) return fail(over_limit("limit", "limit is", limit, limits.max_page));
  return {};
}

Status check_ids(std::span<const std::string> ids, std::size_t limit, const ServiceLimits& limits) {
  if (ids.size() > limit) return fail(over_limit("ids", "ids given:", ids.size(), limit));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (auto status = check_id(ids[i], "", limits); !status) {
      return fail(in_field(fmt::format("ids[{}]", i), std::move(status).error()));
    }
  }
  return {};
}

Status check_metadata(const Json& metadata, std::string_view field, const ServiceLimits& limits) {
  if (!metadata.is_object()) {
    return fail(field_error(ErrorCode::kInvalidArgument, std::string(field),
                            fmt::format("must be an object, not {}", metadata.type_name())));
  }
  if (metadata.size() == 0) return {};
  const std::size_t bytes = metadata.to_string().size();
  if (bytes <= limits.max_metadata_bytes) return {};
  return fail(
      over_limit(std::string(field), "bytes of the metadata as JSON:", bytes, limits.max_metadata_bytes));
}

}  // namespace sextant
