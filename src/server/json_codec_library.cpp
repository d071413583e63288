#include "server/json_codec_library.h"

#include <algorithm>
#include <limits>

#include "engine/contract.h"

namespace sextant {

namespace {

std::string_view kind_name(LibraryKind kind) {
  switch (kind) {
    case LibraryKind::kShared:
      return "shared";
    case LibraryKind::kUser:
      return "user";
    case LibraryKind::kStream:
      return "stream";
    case LibraryKind::kSystem:
      return "system";
  }
  return "shared";
}

std::string_view element_name(ElementType element) { return element == ElementType::kF16 ? "f16" : "f32"; }

/// The one storage of vectors that there is; reading it leaves nothing to keep.
enum class FieldType : std::uint8_t { kDense };

const ObjectType<VectorField>& vector_field_type() {
  static const ObjectType<VectorField> type(
      "VectorField",
      "The embedding contract. What is not given here is settled by the first committed chunk.",
      {
          field_with<VectorField>("type", "",
                                  enum_value<FieldType>({{"dense", FieldType::kDense}}, {"sparse", "multi"}),
                                  [](FieldType, const FieldPath&, VectorField&) -> Status { return {}; }),
          field<VectorField>("element", "", enum_value<ElementType>({{"f32", ElementType::kF32}}, {"f16"}),
                             &VectorField::element),
          field_with<VectorField>(
              "dimension", "", nullable(count_value(1, &ServiceLimits::max_dimension)),
              [](std::optional<std::size_t> dimension, const FieldPath&, VectorField& out) -> Status {
                // What does not fit is far above any limit, and stays above it.
                constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
                out.dimension = static_cast<std::uint32_t>(std::min(dimension.value_or(0), kMost));
                return {};
              }),
          field<VectorField>("model", "The name of the model that makes the vectors.",
                             nullable(string_value()), &VectorField::model),
          field<VectorField>(
              "metric", "How vectors are compared; cosine by default.",
              enum_value<Metric>({{"cosine", Metric::kCosine}, {"dot", Metric::kDot}, {"l2", Metric::kL2}}),
              &VectorField::metric),
          field<VectorField>("normalize", "Whether vectors are brought to unit length; true by default.",
                             boolean_value(), &VectorField::normalize),
      });
  return type;
}

ValueType<Json> with_schema(ValueType<Json> type, Json schema) {
  type.schema = [schema = std::move(schema)](SchemaBook&) { return schema; };
  return type;
}

Json index_schema() {
  return record_schema({{"kind", enum_schema({"auto", "flat"}), Given::kSometimes},
                        {"target_recall", number_schema("Above 0, at most 1."), Given::kSometimes}});
}

Json chunking_schema() {
  return record_schema({{"format", enum_schema({"markdown", "plain"}), Given::kSometimes},
                        {"max_bytes", integer_schema("Of one chunk's text."), Given::kSometimes},
                        {"min_bytes", integer_schema("Shorter neighbours are joined."), Given::kSometimes}});
}

ValueType<Json> embedding_value() {
  Json schema = object_schema();
  Json properties = Json::object();
  properties.set("provider", string_schema("local or hashed."));
  properties.set("model", string_schema());
  properties.set("dimension", integer_schema());
  schema.set("properties", std::move(properties));
  ValueType<std::optional<Json>> type = nullable(with_schema(object_value(), std::move(schema)));
  return {type.schema,
          [read = type.read](const Json& json, const FieldPath& path,
                             const ServiceLimits& limits) -> Result<Json> {
            TRY_ASSIGN(std::optional<Json> settings, read(json, path, limits));
            return settings ? *std::move(settings) : Json();
          }};
}

}  // namespace

const ObjectType<LibrarySpec>& library_spec_type() {
  static const ObjectType<LibrarySpec> type(
      "LibraryRequest", "A new library.",
      {
          field<LibrarySpec>(
              "name", "\"namespace.name\", or \"name\" in namespace default; parts of A-Z a-z 0-9 _ -.",
              string_value(), &LibrarySpec::name, Presence::kRequired),
          field<LibrarySpec>("kind", "",
                             enum_value<LibraryKind>({{"shared", LibraryKind::kShared}}, {"user", "stream"}),
                             &LibrarySpec::kind),
          field<LibrarySpec>("provider", "Where the library lives; native by default.", string_value(),
                             &LibrarySpec::provider),
          field<LibrarySpec>("vectors", "The vector field, by its name.",
                             by_field(nested(vector_field_type())), &LibrarySpec::field),
          field<LibrarySpec>("embedding", "What makes vectors of texts; null is the server's default.",
                             embedding_value(), &LibrarySpec::embedding),
          field<LibrarySpec>("index", "", with_schema(object_value(), index_schema()), &LibrarySpec::index),
          field<LibrarySpec>("chunking", "How texts of documents are cut into chunks.",
                             with_schema(object_value(), chunking_schema()), &LibrarySpec::chunking),
          field<LibrarySpec>("metadata", "", object_value(), &LibrarySpec::metadata),
          unbuilt_field<LibrarySpec>("ttl_seconds"),
          unbuilt_field<LibrarySpec>("priority"),
      });
  return type;
}

const ObjectType<UpdateLibrary>& update_library_type() {
  static const ObjectType<UpdateLibrary> type(
      "LibraryPatch", "Merge patches (RFC 7396) of what may change; the embedding contract may not.",
      {
          field<UpdateLibrary>("metadata", "", object_value(), &UpdateLibrary::metadata_patch),
          field<UpdateLibrary>("index", "", object_value(), &UpdateLibrary::index_patch),
          field<UpdateLibrary>("chunking", "", object_value(), &UpdateLibrary::chunking_patch),
          unbuilt_field<UpdateLibrary>("ttl_seconds"),
      });
  return type;
}

namespace {

void write_vector_field(JsonWriter& writer, const VectorField& vector_field) {
  writer.begin_object();
  writer.member("type", "dense");
  writer.member("element", element_name(vector_field.element));
  writer.key("dimension");
  vector_field.dimension == 0 ? writer.null() : writer.value(vector_field.dimension);
  writer.key("model");
  vector_field.model.value_or("").empty() ? writer.null() : writer.value(*vector_field.model);
  writer.member("metric", metric_name(vector_field.metric));
  writer.member("normalize", vector_field.normalize);
  writer.member("established", vector_field.established());
  writer.end_object();
}

}  // namespace

void write_library(JsonWriter& writer, const LibraryInfo& info) {
  const LibrarySpec& spec = info.definition.spec;
  writer.begin_object();
  writer.member("name", spec.name);
  writer.member("kind", kind_name(spec.kind));
  writer.member("provider", spec.provider);
  writer.key("vectors").begin_object().key(spec.field.name);
  write_vector_field(writer, spec.field);
  writer.end_object();
  writer.member("embedding", spec.embedding);
  writer.member("index", spec.index);
  writer.member("chunking", spec.chunking);
  writer.member("metadata", spec.metadata);
  writer.key("created").time(info.definition.created_ms);
  writer.key("updated").time(info.definition.updated_ms);
  writer.member("version", info.definition.version);
  writer.member("documents", info.documents);
  writer.member("chunks", info.chunks);
  writer.key("bytes").begin_object().member("vectors", info.vector_bytes).end_object();
  writer.member("dead_chunks", info.dead_chunks);
  writer.key("index_state").begin_object();
  writer.member("kind", "flat").member("state", "ready").member("exact", true);
  writer.end_object();
  writer.end_object();
}

Json library_schema(SchemaBook& book) {
  return book.reference("Library", [](SchemaBook&) {
    Json vector_field = record_schema({
        {"type", enum_schema({"dense"})},
        {"element", enum_schema({"f32", "f16"})},
        {"dimension", nullable_schema(integer_schema())},
        {"model", nullable_schema(string_schema())},
        {"metric", enum_schema({"cosine", "dot", "l2"})},
        {"normalize", boolean_schema()},
        {"established", boolean_schema("Whether dimension and model are fixed.")},
    });
    Json vectors = object_schema("Vector fields by name.");
    vectors.set("additionalProperties", std::move(vector_field));
    return record_schema({
        {"name", string_schema("In full: namespace.name")},
        {"kind", enum_schema({"shared", "user", "stream", "system"})},
        {"provider", string_schema()},
        {"vectors", std::move(vectors)},
        {"embedding", nullable_schema(object_schema())},
        {"index", object_schema()},
        {"chunking", object_schema()},
        {"metadata", object_schema()},
        {"created", string_schema("RFC 3339")},
        {"updated", string_schema("RFC 3339")},
        {"version", integer_schema()},
        {"documents", integer_schema()},
        {"chunks", integer_schema()},
        {"bytes", record_schema({{"vectors", integer_schema("Resident, dead chunks included.")}})},
        {"dead_chunks", integer_schema("Replaced or deleted, not yet merged away.")},
        {"index_state",
         record_schema({{"kind", string_schema()}, {"state", string_schema()}, {"exact", boolean_schema()}})},
    });
  });
}

}  // namespace sextant
