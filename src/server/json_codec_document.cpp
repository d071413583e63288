#include "server/json_codec_document.h"

#include "server/json_codec_library.h"
#include "server/vector_codec.h"

namespace sextant {

namespace {

Status take_vector(std::vector<float> vector, const FieldPath& path, ChunkInput& out) {
  if (!out.vector.empty()) return path.refuse("give either vector or vectors, not both");
  out.vector = std::move(vector);
  return {};
}

const ObjectType<ChunkInput>& chunk_type() {
  static const ObjectType<ChunkInput> type(
      "ChunkInput", "A chunk of a document; what has no vector is embedded from its text.",
      {
          field<ChunkInput>("id", "\"{document}#{n}\" when it is not given.", string_value(),
                            &ChunkInput::id),
          field<ChunkInput>("text", "", string_value(), &ChunkInput::text),
          field_with<ChunkInput>("vector", "", vector_value(), take_vector),
          field_with<ChunkInput>("vectors", "The vector by its field's name.", by_field(vector_value()),
                                 take_vector),
          field<ChunkInput>("metadata", "", object_value(), &ChunkInput::metadata),
      });
  return type;
}

Status take_chunks(std::vector<ChunkInput> chunks, const FieldPath&, DocumentRequest& out) {
  out.document.chunks = std::move(chunks);
  out.has_chunks = true;
  return {};
}

Status take_metadata(Json metadata, const FieldPath&, DocumentRequest& out) {
  out.document.metadata = std::move(metadata);
  return {};
}

Status text_or_chunks(const DocumentRequest& request, const FieldPath& path) {
  if (request.text && request.has_chunks)
    return FieldPath(path, "text").refuse("give either text or chunks, not both");
  return {};
}

Field<DocumentRequest> text_field() {
  return field<DocumentRequest>("text", "Cut into chunks by the library's settings and embedded.",
                                string_value(), &DocumentRequest::text);
}
Field<DocumentRequest> chunks_field() {
  return field_with<DocumentRequest>(
      "chunks", "", list_of(nested(chunk_type()), &ServiceLimits::max_chunks_per_document), take_chunks);
}
Field<DocumentRequest> document_metadata_field() {
  return field_with<DocumentRequest>("metadata", "", object_value(), take_metadata);
}

template <typename T>
std::vector<Field<T>> write_settings_fields() {
  return {
      field<T>("durability",
               "What an acknowledged write survives: flushed a crash of the process, fsync power loss.",
               durability_value(), &T::durability),
      field<T>("on_conflict", "What becomes of a document whose id exists; replace by default.",
               on_conflict_value(), &T::on_conflict),
      field<T>("model", "The model that made the vectors given.", string_value(), &T::model),
      unbuilt_field<T>("priority"),
  };
}

template <typename T>
std::vector<Field<T>> joined(std::vector<Field<T>> a, std::vector<Field<T>> b) {
  for (Field<T>& f : b) a.push_back(std::move(f));
  return a;
}

std::vector<Field<ChunkRequest>> chunk_fields() {
  return {
      field<ChunkRequest>("text", "", string_value(), &ChunkRequest::text),
      field<ChunkRequest>("vector", "Without it, it is embedded from the text.", vector_value(),
                          &ChunkRequest::vector),
      field<ChunkRequest>("metadata", "", object_value(), &ChunkRequest::metadata),
      field<ChunkRequest>("model", "The model that made the vector.", string_value(), &ChunkRequest::model),
  };
}

}  // namespace

ValueType<Durability> durability_value() {
  return enum_value<Durability>({{"fsync", Durability::kFsync}, {"flushed", Durability::kFlushed}},
                                {"quorum"});
}

ValueType<OnConflict> on_conflict_value() {
  return enum_value<OnConflict>(
      {{"replace", OnConflict::kReplace}, {"error", OnConflict::kError}, {"ignore", OnConflict::kIgnore}});
}

ValueType<VersionMatch> version_match_value() {
  return {[](SchemaBook&) { return string_schema(); },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<VersionMatch> {
            if (!json.is_string()) return path.expected("a string", json);
            Result<VersionMatch> match = parse_version_match(json.as_string());
            if (!match) return path.refuse(match.error().code, match.error().message);
            return match;
          },
          ParameterText::kString};
}

const ObjectType<DocumentRequest>& document_type() {
  static const ObjectType<DocumentRequest> type(
      "DocumentInput", "A document with its text or its chunks.",
      {
          field_with<DocumentRequest>("id", "A UUIDv7 is given when it is not.", string_value(),
                                      [](std::string id, const FieldPath&, DocumentRequest& out) -> Status {
                                        out.document.id = std::move(id);
                                        return {};
                                      }),
          document_metadata_field(),
          text_field(),
          chunks_field(),
          field<DocumentRequest>("if_match", "The ETag the document must have; \"*\": it must exist.",
                                 version_match_value(), &DocumentRequest::if_match),
      },
      text_or_chunks);
  return type;
}

const ObjectType<DocumentRequest>& put_document_type() {
  static const ObjectType<DocumentRequest> type(
      "DocumentPut", "The whole of a document.",
      {
          document_metadata_field(),
          text_field(),
          chunks_field(),
          field<DocumentRequest>("model", "The model that made the vectors given.", string_value(),
                                 &DocumentRequest::model),
      },
      text_or_chunks);
  return type;
}

const ObjectType<WriteSettings>& write_settings_type() {
  static const ObjectType<WriteSettings> type("WriteSettings", "", write_settings_fields<WriteSettings>());
  return type;
}

const ObjectType<DocumentsRequest>& documents_type() {
  static const ObjectType<DocumentsRequest> type(
      "DocumentsRequest", "Documents to be written in order, each all or nothing.",
      joined<DocumentsRequest>(
          {
              field<DocumentsRequest>(
                  "documents", "",
                  list_of(nested(document_type()), &ServiceLimits::max_documents_per_request),
                  &DocumentsRequest::documents, Presence::kRequired),
              field<DocumentsRequest>("atomic", "All documents or none.", boolean_value(),
                                      &DocumentsRequest::atomic),
          },
          write_settings_fields<DocumentsRequest>()));
  return type;
}

const ObjectType<ChunkRequest>& put_chunk_type() {
  static const ObjectType<ChunkRequest> type(
      "ChunkPut", "The whole of a chunk.",
      joined<ChunkRequest>(
          {field<ChunkRequest>("document_id",
                               "Where a new chunk belongs; it may be left out for one that exists.",
                               string_value(), &ChunkRequest::document_id)},
          chunk_fields()));
  return type;
}

const ObjectType<ChunkRequest>& patch_chunk_type() {
  static const ObjectType<ChunkRequest> type(
      "ChunkPatch", "What is to change of a chunk; metadata is a merge patch.", chunk_fields());
  return type;
}

const ObjectType<PatchChunk>& chunk_patch_type() {
  static const ObjectType<PatchChunk> type(
      "ChunkPatchOf", "A patch of the chunk with this id.",
      {
          field<PatchChunk>("id", "", string_value(), &PatchChunk::id, Presence::kRequired),
          field<PatchChunk>("text", "", string_value(), &PatchChunk::text),
          field<PatchChunk>("vector", "", vector_value(), &PatchChunk::vector),
          field<PatchChunk>("metadata", "A merge patch.", object_value(), &PatchChunk::metadata_patch),
          field<PatchChunk>("model", "", string_value(), &PatchChunk::model),
      });
  return type;
}

std::string_view effect_name(Effect effect) {
  switch (effect) {
    case Effect::kCreated:
      return "created";
    case Effect::kReplaced:
      return "replaced";
    case Effect::kPatched:
      return "patched";
    case Effect::kDeleted:
      return "deleted";
    case Effect::kIgnored:
      return "ignored";
  }
  return "ignored";
}

Json effect_schema() { return enum_schema({"created", "replaced", "patched", "deleted", "ignored"}); }

void write_version(JsonWriter& writer, Version version) {
  writer.member("version", version);
  writer.member("etag", etag_of(version));
}

namespace {

void write_document_members(JsonWriter& writer, const Document& document) {
  writer.member("id", document.id);
  write_version(writer, document.version);
  writer.member("metadata", document.metadata);
  writer.key("created").time(document.created_ms);
  writer.key("updated").time(document.updated_ms);
}

void write_chunk_content(JsonWriter& writer, const Chunk& chunk, Shown shown) {
  if (shown.text) writer.member("text", chunk.text);
  if (shown.metadata) writer.member("metadata", chunk.metadata);
  writer.member("norm", chunk.norm);
  if (shown.vector) writer.key("vector").value(std::span<const float>(chunk.vector));
}

}  // namespace

void write_document_summary(JsonWriter& writer, const Document& document) {
  writer.begin_object();
  write_document_members(writer, document);
  writer.member("chunks", std::uint64_t{document.chunk_ids.size()});
  writer.end_object();
}

void write_document(JsonWriter& writer, const Document& document, bool with_chunks, Shown shown) {
  writer.begin_object();
  write_document_members(writer, document);
  writer.key("chunk_ids").begin_array();
  for (const std::string& id : document.chunk_ids) writer.value(id);
  writer.end_array();
  if (with_chunks) {
    writer.key("chunks").begin_array();
    for (const Chunk& chunk : document.chunks) {
      writer.begin_object().member("id", chunk.id);
      write_chunk_content(writer, chunk, shown);
      writer.end_object();
    }
    writer.end_array();
  }
  writer.end_object();
}

void write_chunk(JsonWriter& writer, const Chunk& chunk, Shown shown) {
  writer.begin_object();
  writer.member("id", chunk.id);
  writer.member("document_id", chunk.document_id);
  write_chunk_content(writer, chunk, shown);
  writer.end_object();
}

namespace {

std::vector<SchemaMember> document_members() {
  return {{"id", string_schema()},
          {"version", integer_schema("The commit that last changed it.")},
          {"etag", string_schema("The version in hexadecimal.")},
          {"metadata", object_schema()},
          {"created", string_schema("RFC 3339")},
          {"updated", string_schema("RFC 3339")}};
}

std::vector<SchemaMember> chunk_members() {
  return {{"text", string_schema(), Given::kSometimes},
          {"metadata", object_schema(), Given::kSometimes},
          {"norm", number_schema("Of the vector as it was given.")},
          {"vector", array_schema(number_schema()), Given::kSometimes}};
}

}  // namespace

Json document_summary_schema(SchemaBook& book) {
  return book.reference("DocumentSummary", [](SchemaBook&) {
    std::vector<SchemaMember> members = document_members();
    members.push_back({"chunks", integer_schema("How many it has.")});
    return record_schema(std::move(members));
  });
}

Json document_schema(SchemaBook& book) {
  return book.reference("Document", [](SchemaBook&) {
    std::vector<SchemaMember> members = document_members();
    members.push_back({"chunk_ids", array_schema(string_schema())});
    std::vector<SchemaMember> chunk = chunk_members();
    chunk.insert(chunk.begin(), {"id", string_schema()});
    members.push_back({"chunks", array_schema(record_schema(std::move(chunk))), Given::kSometimes});
    return record_schema(std::move(members));
  });
}

Json chunk_schema(SchemaBook& book) {
  return book.reference("Chunk", [](SchemaBook&) {
    std::vector<SchemaMember> members = chunk_members();
    members.insert(members.begin(), {{"id", string_schema()}, {"document_id", string_schema()}});
    return record_schema(std::move(members));
  });
}

}  // namespace sextant
