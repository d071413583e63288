#include "server/json_codec_search.h"

#include <fmt/format.h>

#include <type_traits>

#include "server/json_codec_library.h"
#include "server/vector_codec.h"

namespace sextant {

namespace {

/// The fields that say what is found of what was sought; shared by searches and "similar".
template <typename T>
std::vector<Field<T>> result_fields() {
  return {
      field_with<T>("k", "How many hits; 10 by default.", count_value(1, &ServiceLimits::max_k),
                    [](std::size_t k, const FieldPath&, T& out) -> Status {
                      out.k = k;
                      return {};
                    }),
      field_with<T>("where", "Which chunks may be found, by metadata.", where_value(),
                    [](Filter where, const FieldPath&, T& out) -> Status {
                      out.table.query.where = std::move(where);
                      return {};
                    }),
      field_with<T>("where_document", "Which chunks may be found, by text.", where_document_value(),
                    [](Filter where, const FieldPath&, T& out) -> Status {
                      out.table.query.where_document = std::move(where);
                      return {};
                    }),
      field_with<T>("min_score", "Hits below it are left out.", number_value(),
                    [](double score, const FieldPath&, T& out) -> Status {
                      out.table.query.min_score = score;
                      return {};
                    }),
      field_with<T>("include", "What to show of hits; text and metadata by default.",
                    include_value(IncludeNames::kDocument),
                    [](Include include, const FieldPath&, T& out) -> Status {
                      out.table.query.include = include;
                      return {};
                    }),
      field<T>("explain", "Tell how the answer was found.", boolean_value(), &T::explain),
  };
}

template <typename T>
Status take_vector(std::vector<float> vector, const FieldPath& path, T& out) {
  if (out.has_vector) return path.refuse("give either vector or vectors, not both");
  out.table.query.vector = std::move(vector);
  out.has_vector = true;
  return {};
}

enum class FieldName : std::uint8_t { kEmbedding };

ValueType<FieldName> field_name_value() {
  ValueType<FieldName> type = enum_value<FieldName>({{"embedding", FieldName::kEmbedding}});
  type.read = [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<FieldName> {
    if (!json.is_string()) return path.expected("a string", json);
    if (json.as_string() == "embedding") return FieldName::kEmbedding;
    return path.refuse(ErrorCode::kNotSupportedYet,
                       "several vector fields are not supported yet; there is 'embedding'");
  };
  return type;
}

template <typename T>
std::vector<Field<T>> query_fields() {
  std::vector<Field<T>> fields = {
      field_with<T>("vector", "What is sought: this, or text, or vectors.", vector_value(), take_vector<T>),
      field_with<T>("vectors", "The vector by its field's name.", by_field(vector_value()), take_vector<T>),
      field_with<T>("text", "Embedded by the library's model.", string_value(),
                    [](std::string text, const FieldPath&, T& out) -> Status {
                      out.table.text = std::move(text);
                      return {};
                    }),
      field_with<T>("field", "The vector field.", field_name_value(),
                    [](FieldName, const FieldPath&, T&) -> Status { return {}; }),
      field_with<T>("model", "The model that made the vector; another than the library's is refused.",
                    string_value(),
                    [](std::string model, const FieldPath&, T& out) -> Status {
                      out.table.query.model = std::move(model);
                      return {};
                    }),
      // Every search is exact, which is as good as any recall that may be asked for.
      field_with<T>("target_recall", "The least recall wanted.", fraction_value(),
                    [](double, const FieldPath&, T&) -> Status { return {}; }),
      field_with<T>("exact", "Compare with every chunk.", boolean_value(),
                    [](bool, const FieldPath&, T&) -> Status { return {}; }),
      unbuilt_field<T>("priority"),
  };
  for (Field<T>& f : result_fields<T>()) fields.push_back(std::move(f));
  return fields;
}

Status one_query(const QueryRequest& query, const FieldPath& path) {
  if (query.has_vector && query.table.text) {
    return FieldPath(path, "text").refuse("give one of vector, vectors and text, not two");
  }
  if (!query.has_vector && !query.table.text) {
    return FieldPath(path, "vector").refuse("one of vector, vectors and text must be given");
  }
  return {};
}

const ObjectType<QueryRequest>& query_type() {
  static const ObjectType<QueryRequest> type("Query", "One of several queries, which all see the same data.",
                                             query_fields<QueryRequest>(), one_query);
  return type;
}

Status one_or_many(const SearchRequest& request, const FieldPath& path) {
  if (!request.queries) return one_query(request, path);
  if (request.has_query_fields) {
    return FieldPath(path, "queries")
        .refuse("with queries, what is asked stands in each of them and not beside them");
  }
  return {};
}

ValueType<Consistency> consistency_value() {
  return enum_value<Consistency>({{"strong", Consistency::kStrong}, {"stale_ok", Consistency::kStaleOk}});
}

}  // namespace

const ObjectType<SearchRequest>& search_type() {
  static const ObjectType<SearchRequest> type = [] {
    std::vector<Field<SearchRequest>> fields = query_fields<SearchRequest>();
    for (Field<SearchRequest>& f : fields) {
      f.read = [read = std::move(f.read)](const Json& json, const FieldPath& path,
                                          const ServiceLimits& limits, SearchRequest& out) -> Status {
        out.has_query_fields = true;
        return read(json, path, limits, out);
      };
    }
    fields.push_back(field<SearchRequest>(
        "queries", "Several queries at once, instead of the fields of one.",
        list_of(nested(query_type()), &ServiceLimits::max_queries_per_request), &SearchRequest::queries));
    fields.push_back(field<SearchRequest>("after", "Commit tokens that the answer must have seen.",
                                          after_value(), &SearchRequest::after));
    fields.push_back(
        field<SearchRequest>("consistency", "", consistency_value(), &SearchRequest::consistency));
    fields.push_back(field<SearchRequest>("timeout_ms", "", timeout_value(), &SearchRequest::timeout_ms));
    return ObjectType<SearchRequest>("SearchRequest", "One query, or several.", std::move(fields),
                                     one_or_many);
  }();
  return type;
}

const ObjectType<SimilarRequest>& similar_type() {
  static const ObjectType<SimilarRequest> type = [] {
    std::vector<Field<SimilarRequest>> fields = result_fields<SimilarRequest>();
    fields.insert(fields.begin(),
                  field<SimilarRequest>("chunk_id", "The chunk whose neighbours are sought.", string_value(),
                                        &SimilarRequest::chunk_id, Presence::kRequired));
    fields.push_back(field<SimilarRequest>("after", "Commit tokens that the answer must have seen.",
                                           after_value(), &SimilarRequest::after));
    fields.push_back(field<SimilarRequest>("timeout_ms", "", timeout_value(), &SimilarRequest::timeout_ms));
    return ObjectType<SimilarRequest>("SimilarRequest", "Neighbours of a stored chunk.", std::move(fields));
  }();
  return type;
}

ValueType<std::vector<std::string>> after_value() {
  const auto list = list_of(string_value());
  return {[list](SchemaBook& book) {
            Json choice = Json::object();
            choice.set("anyOf", Json::Array{string_schema(), list.schema(book)});
            return choice;
          },
          [list](const Json& json, const FieldPath& path,
                 const ServiceLimits& limits) -> Result<std::vector<std::string>> {
            if (json.is_string()) return std::vector<std::string>{json.as_string()};
            if (!json.is_array()) return path.expected("a commit token or an array of them", json);
            return list.read(json, path, limits);
          },
          ParameterText::kString};
}

ValueType<std::size_t> timeout_value() {
  ValueType<std::size_t> type = count_value(1);
  type.schema = [schema = std::move(type.schema)](SchemaBook& book) {
    Json s = schema(book);
    s.set("maximum", kMaxDeadlineMs);
    return s;
  };
  type.read = [read = std::move(type.read)](const Json& json, const FieldPath& path,
                                            const ServiceLimits& limits) -> Result<std::size_t> {
    TRY_ASSIGN(const std::size_t ms, read(json, path, limits));
    if (ms > static_cast<std::size_t>(kMaxDeadlineMs))
      return path.refuse(fmt::format("must be at most {}", kMaxDeadlineMs));
    return ms;
  };
  return type;
}

ValueType<Include> include_value(IncludeNames names) {
  using Part = bool Include::*;
  std::vector<EnumName<Part>> parts = {
      {"text", &Include::text}, {"metadata", &Include::metadata}, {"vector", &Include::vector}};
  if (names == IncludeNames::kDocument) parts.push_back({"document", &Include::document});
  const auto list = list_of(enum_value<Part>(std::move(parts)));
  return {list.schema,
          [read = list.read](const Json& json, const FieldPath& path,
                             const ServiceLimits& limits) -> Result<Include> {
            TRY_ASSIGN(const std::vector<Part> named, read(json, path, limits));
            Include include{.text = false, .metadata = false};
            for (const Part part : named) include.*part = true;
            return include;
          },
          ParameterText::kList};
}

namespace {

void write_hit(JsonWriter& writer, const Hit& hit, const Include& include) {
  const Chunk& chunk = hit.chunk;
  writer.begin_object();
  writer.member("chunk_id", chunk.id);
  writer.member("document_id", chunk.document_id);
  writer.member("score", hit.score);
  writer.member("distance", hit.distance);
  if (include.text) writer.member("text", chunk.text);
  if (include.metadata) writer.member("metadata", chunk.metadata);
  if (include.vector) {
    writer.key("vector").value(std::span<const float>(chunk.vector));
    writer.member("norm", chunk.norm);
  }
  if (include.document && hit.document) {
    writer.key("document").begin_object();
    writer.member("id", hit.document->id);
    writer.member("version", hit.document->version);
    writer.member("metadata", hit.document->metadata);
    writer.end_object();
  }
  writer.end_object();
}

void write_explain(JsonWriter& writer, const SearchExplain& explain) {
  writer.begin_object();
  writer.member("plan", explain.plan);
  writer.member("rows", explain.rows);
  writer.member("matches", explain.matches);
  writer.member("distances", explain.distances);
  writer.member("filter_ns", explain.filter_ns);
  writer.member("scan_ns", explain.scan_ns);
  writer.member("payload_ns", explain.payload_ns);
  writer.member("kernels", explain.kernels);
  writer.end_object();
}

Json hit_schema(SchemaBook& book) {
  return book.reference("Hit", [](SchemaBook&) {
    return record_schema({
        {"chunk_id", string_schema()},
        {"document_id", string_schema()},
        {"score", number_schema("Higher is better: cosine similarity, dot product, 1/(1+distance) for l2.")},
        {"distance", number_schema("1 - cosine, negative dot product, Euclidean.")},
        {"text", string_schema(), Given::kSometimes},
        {"metadata", object_schema(), Given::kSometimes},
        {"vector", array_schema(number_schema()), Given::kSometimes},
        {"norm", number_schema(), Given::kSometimes},
        {"document",
         record_schema(
             {{"id", string_schema()}, {"version", integer_schema()}, {"metadata", object_schema()}}),
         Given::kSometimes},
    });
  });
}

Json explain_schema(SchemaBook& book) {
  return book.reference("Explain", [](SchemaBook&) {
    return record_schema({
        {"plan", string_schema()},
        {"rows", integer_schema("Dead ones included.")},
        {"matches", integer_schema("After filter and deletions.")},
        {"distances", integer_schema("Computed.")},
        {"filter_ns", integer_schema()},
        {"scan_ns", integer_schema()},
        {"payload_ns", integer_schema()},
        {"kernels", string_schema("The instruction set.")},
    });
  });
}

}  // namespace

void write_search_result(JsonWriter& writer, const SearchResult& result, const ResultFormat& format) {
  writer.key("hits").begin_array();
  for (const Hit& hit : result.hits) write_hit(writer, hit, format.include);
  writer.end_array();
  writer.member("exact", result.exact);
  if (format.explain) {
    writer.key("explain");
    write_explain(writer, result.explain);
  }
}

std::vector<SchemaMember> search_result_members(SchemaBook& book) {
  return {{"hits", array_schema(hit_schema(book))},
          {"exact", boolean_schema("Whether every chunk was compared.")},
          {"explain", explain_schema(book), Given::kSometimes}};
}

}  // namespace sextant
