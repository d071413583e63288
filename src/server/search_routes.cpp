// Searches: by vector or text, one or many, and the neighbours of a stored chunk.
#include "server/document_writes.h"
#include "server/json_codec_search.h"
#include "server/routes.h"

namespace sextant {

namespace {

constexpr const char* kTag = "search";

HttpResponse one_result(const Call& call, const SearchResult& result, const ResultFormat& format) {
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object();
    write_search_result(writer, result, format);
    write_commit(writer, call, result.sequence);
    writer.end_object();
  });
}

HttpResponse many_results(const Call& call, const std::vector<SearchResult>& results,
                          const std::vector<ResultFormat>& formats) {
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().key("results").begin_array();
    for (std::size_t i = 0; i < results.size(); ++i) {
      writer.begin_object();
      write_search_result(writer, results[i], formats[i]);
      writer.end_object();
    }
    writer.end_array();
    write_commit(writer, call, results.empty() ? 0 : results.front().sequence);  // all saw one snapshot
    writer.end_object();
  });
}

Result<HttpResponse> search(Call& call, SearchRequest request) {
  call.limit_to_ms(request.timeout_ms);
  call.context.consistency = request.consistency;
  TRY(wait_for(call, request.after));
  std::vector<TableQuery> queries;
  std::vector<ResultFormat> formats;
  const auto add = [&](QueryRequest& query) {
    query.table.query.k = query.k.value_or(call.service.limits().default_k());
    formats.push_back(query.format());
    queries.push_back(std::move(query.table));
  };
  if (request.queries) {
    for (QueryRequest& query : *request.queries) add(query);
  } else {
    add(request);
  }
  TRY_ASSIGN(const std::vector<SearchResult> results,
             call.service.search(call.context, call.library(), std::move(queries)));
  return request.queries ? many_results(call, results, formats)
                         : one_result(call, results.front(), formats.front());
}

Result<HttpResponse> similar(Call& call, SimilarRequest request) {
  call.limit_to_ms(request.timeout_ms);
  TRY(wait_for(call, request.after));
  const ResultFormat format = request.format();
  request.table.query.k = request.k.value_or(call.service.limits().default_k());
  TRY_ASSIGN(const SearchResult result, call.service.similar(call.context, call.library(), request.chunk_id,
                                                             std::move(request.table.query)));
  return one_result(call, result, format);
}

Json commit_schema() { return nullable_schema(string_schema("Token of the commit that the answer saw.")); }

Json one_result_schema(SchemaBook& book) {
  std::vector<SchemaMember> members = search_result_members(book);
  members.push_back({"commit", commit_schema()});
  return record_schema(std::move(members));
}

Json search_schema(SchemaBook& book) {
  Json many = record_schema(
      {{"results", array_schema(record_schema(search_result_members(book)))}, {"commit", commit_schema()}});
  Json choice = Json::object();
  choice.set("anyOf", Json::Array{one_result_schema(book), std::move(many)});
  return choice;
}

}  // namespace

std::vector<Route> search_routes() {
  return {
      with_body({.method = HttpMethod::kPost,
                 .pattern = "/v1/libraries/{library}/search",
                 .operation_id = "search",
                 .summary = "Find the chunks nearest to a vector or a text",
                 .tag = kTag,
                 .responses = {{200, "Hits, nearest first.", search_schema}}},
                search_type(), search),
      with_body({.method = HttpMethod::kPost,
                 .pattern = "/v1/libraries/{library}/similar",
                 .operation_id = "similar",
                 .summary = "Find the neighbours of a stored chunk",
                 .tag = kTag,
                 .responses = {{200, "Hits, nearest first, the chunk itself left out.", one_result_schema}}},
                similar_type(), similar),
  };
}

}  // namespace sextant
