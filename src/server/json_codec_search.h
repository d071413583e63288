// Searches as JSON.
//
// Stateless; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/request_context.h"
#include "providers/table_provider.h"
#include "server/json_codec_document.h"
#include "server/json_fields.h"
#include "server/json_writer.h"

namespace sextant {

/// What is shown of a search's result.
struct ResultFormat {
  Include include;
  bool explain = false;
};

/// One query: what is sought, how many, among what, and what to show of it.
struct QueryRequest {
  TableQuery table;  // its k is settled by k
  std::optional<std::size_t> k = {};
  bool has_vector = false;
  bool explain = false;

  ResultFormat format() const { return {table.query.include, explain}; }
};

struct SearchRequest : QueryRequest {
  std::optional<std::vector<QueryRequest>> queries = {};  // instead of the fields of one
  std::vector<std::string> after = {};
  Consistency consistency = Consistency::kStrong;
  std::optional<std::size_t> timeout_ms = {};
  bool has_query_fields = false;
};
const ObjectType<SearchRequest>& search_type();

struct SimilarRequest : QueryRequest {
  std::string chunk_id;
  std::vector<std::string> after = {};
  std::optional<std::size_t> timeout_ms = {};
};
const ObjectType<SimilarRequest>& similar_type();

/// One commit token or a list of them.
ValueType<std::vector<std::string>> after_value();
/// Milliseconds, within the longest deadline.
ValueType<std::size_t> timeout_value();
/// A list of "text", "metadata", "vector"; what it does not name is left out. With kDocument "document" may
/// be named too.
enum class IncludeNames : std::uint8_t { kChunk, kDocument };
ValueType<Include> include_value(IncludeNames names);

/// The members of a search's answer but `commit`: hits, exact, explain.
void write_search_result(JsonWriter& writer, const SearchResult& result, const ResultFormat& format);
/// The members of the above.
std::vector<SchemaMember> search_result_members(SchemaBook& book);

}  // namespace sextant
