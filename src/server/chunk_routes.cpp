// Chunks: show, write, patch, delete; by id, or many by ids or filter.
#include "server/cursor.h"
#include "server/document_writes.h"
#include "server/json_codec_search.h"
#include "server/routes.h"

namespace sextant {

namespace {

constexpr const char* kTag = "chunks";

Json commit_schema() { return nullable_schema(string_schema("Commit token.")); }

// ---- One chunk ----

struct ChunkQuery {
  Shown shown;
  std::vector<std::string> after;
};

const ObjectType<ChunkQuery>& chunk_query_type() {
  enum class Part : std::uint8_t { kVector };
  static const ObjectType<ChunkQuery> type(
      "ChunkQuery", "",
      {
          field_with<ChunkQuery>("include", "vector.", list_of(enum_value<Part>({{"vector", Part::kVector}})),
                                 [](std::vector<Part> parts, const FieldPath&, ChunkQuery& out) -> Status {
                                   out.shown.vector = !parts.empty();
                                   return {};
                                 }),
          field<ChunkQuery>("after", "A commit token that the answer must have seen.", after_value(),
                            &ChunkQuery::after),
      });
  return type;
}

Result<Chunk> find_chunk(Call& call, const Include& include) {
  TRY_ASSIGN(std::vector<Chunk> chunks,
             call.service.chunks_by_id(call.context, call.library(), std::span(&call.id(), 1), include));
  if (chunks.empty()) return fail(ErrorCode::kChunkNotFound, "there is no chunk '" + call.id() + "'");
  return std::move(chunks.front());
}

Result<HttpResponse> get_chunk(Call& call, ChunkQuery query) {
  TRY(wait_for(call, query.after));
  TRY_ASSIGN(const Chunk chunk, find_chunk(call, {.vector = query.shown.vector}));
  return json_response(200, [&](JsonWriter& writer) { write_chunk(writer, chunk, query.shown); });
}

Result<HttpResponse> write_one(Call& call, Operation operation) {
  WriteRequest write = call.write_request();
  write.transactions.push_back({.operations = {std::move(operation)}});
  TRY_ASSIGN(WriteResult result, call.service.write(call.context, std::move(write)));
  TRY_ASSIGN(const OperationOutcome outcome, single_outcome(result));
  HttpResponse response =
      json_response(outcome.effect == Effect::kCreated ? 201 : 200, [&](JsonWriter& writer) {
        writer.begin_object();
        writer.member("id", outcome.id);
        writer.member("document_id", outcome.document_id);
        writer.member("effect", effect_name(outcome.effect));
        write_version(writer, outcome.version);
        write_commit(writer, call, result.sequence);
        writer.end_object();
      });
  mark_replayed(response, result);
  return response;
}

Result<HttpResponse> put_chunk(Call& call, ChunkRequest request) {
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  PutChunk put;
  put.library = call.library();
  put.document_id = std::move(request.document_id).value_or("");
  put.if_match = if_match;
  put.chunk.id = call.id();
  put.chunk.text = std::move(request.text).value_or("");
  put.chunk.vector = std::move(request.vector);
  put.chunk.model = std::move(request.model);
  if (request.metadata) put.chunk.metadata = *std::move(request.metadata);
  return write_one(call, std::move(put));
}

Result<HttpResponse> patch_chunk(Call& call, ChunkRequest request) {
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  PatchChunk patch{
      .library = call.library(), .id = call.id(), .text = std::move(request.text), .if_match = if_match};
  patch.vector = std::move(request.vector);
  patch.model = std::move(request.model);
  if (request.metadata) patch.metadata_patch = *std::move(request.metadata);
  return write_one(call, std::move(patch));
}

Result<HttpResponse> delete_chunk(Call& call) {
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  return write_one(call, DeleteChunk{.library = call.library(), .id = call.id(), .if_match = if_match});
}

Json written_chunk_schema(SchemaBook&) {
  return record_schema({{"id", string_schema()},
                        {"document_id", string_schema()},
                        {"effect", effect_schema()},
                        {"version", integer_schema("Of the document.")},
                        {"etag", string_schema()},
                        {"commit", commit_schema()}});
}

// ---- Many chunks ----

/// Chunks by ids or by filter.
struct ChunkChoice {
  std::optional<std::vector<std::string>> ids;
  std::optional<Filter> where;
  std::optional<Filter> where_document;
  std::vector<std::string> after;
};

template <typename T>
std::vector<Field<T>> choice_fields(std::size_t ServiceLimits::* limit) {
  return {
      field<T>("ids", "The chunks of these ids.", list_of(string_value(), limit), &T::ids),
      field<T>("where", "Instead of ids: a filter on metadata.", where_value(), &T::where),
      field<T>("where_document", "Instead of ids: a filter on text.", where_document_value(),
               &T::where_document),
  };
}

Status ids_or_filter(const ChunkChoice& choice, const FieldPath& path) {
  if (!choice.ids || (!choice.where && !choice.where_document)) return {};
  return FieldPath(path, "ids").refuse("give either ids or a filter, not both");
}

struct ChunksRequest : ChunkChoice {
  std::optional<std::size_t> limit;
  std::optional<std::string> cursor;
  Include include;
};

const ObjectType<ChunksRequest>& chunks_type() {
  static const ObjectType<ChunksRequest> type = [] {
    std::vector<Field<ChunksRequest>> fields = choice_fields<ChunksRequest>(&ServiceLimits::max_page);
    fields.push_back(field<ChunksRequest>("limit", "How many to list; 100 by default.",
                                          count_value(1, &ServiceLimits::max_page), &ChunksRequest::limit));
    fields.push_back(field<ChunksRequest>("cursor", "Where to go on, as the last answer said.",
                                          nullable(string_value()), &ChunksRequest::cursor));
    fields.push_back(field<ChunksRequest>("include", "What to show; text and metadata by default.",
                                          include_value(IncludeNames::kChunk), &ChunksRequest::include));
    fields.push_back(field<ChunksRequest>("after", "Commit tokens that the answer must have seen.",
                                          after_value(), &ChunksRequest::after));
    return ObjectType<ChunksRequest>(
        "ChunksRequest", "Chunks by ids, or a page of those that a filter selects.", std::move(fields),
        [](const ChunksRequest& request, const FieldPath& path) -> Status {
          TRY(ids_or_filter(request, path));
          if (request.ids && request.cursor)
            return FieldPath(path, "cursor").refuse("has no meaning with ids");
          if (request.ids && request.limit) return FieldPath(path, "limit").refuse("has no meaning with ids");
          return {};
        });
  }();
  return type;
}

HttpResponse chunks_response(const std::vector<Chunk>& chunks, const Include& include, bool more) {
  const Shown shown{.text = include.text, .metadata = include.metadata, .vector = include.vector};
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().key("chunks").begin_array();
    for (const Chunk& chunk : chunks) write_chunk(writer, chunk, shown);
    writer.end_array().key("cursor");
    more ? writer.value(make_cursor(Listing::kChunks, chunks.back().id)) : writer.null();
    writer.end_object();
  });
}

Result<HttpResponse> get_chunks(Call& call, ChunksRequest request) {
  TRY(wait_for(call, request.after));
  if (request.ids) {
    TRY_ASSIGN(const std::vector<Chunk> chunks,
               call.service.chunks_by_id(call.context, call.library(), *request.ids, request.include));
    return chunks_response(chunks, request.include, false);
  }
  PageRequest page{.where = request.where.value_or(Filter()),
                   .where_document = request.where_document.value_or(Filter()),
                   .limit = request.limit.value_or(call.service.limits().default_page())};
  TRY_ASSIGN(page.after_id, read_cursor(Listing::kChunks, request.cursor.value_or("")));
  TRY_ASSIGN(const ChunkPage found, call.service.chunks(call.context, call.library(), page, request.include));
  return chunks_response(found.chunks, request.include, found.more);
}

struct CountRequest {
  Filter where;
  Filter where_document;
  std::vector<std::string> after;
};

const ObjectType<CountRequest>& count_type() {
  static const ObjectType<CountRequest> type(
      "ChunkCountRequest", "Which chunks to count; all without a filter.",
      {
          field<CountRequest>("where", "A filter on metadata.", where_value(), &CountRequest::where),
          field<CountRequest>("where_document", "A filter on text.", where_document_value(),
                              &CountRequest::where_document),
          field<CountRequest>("after", "Commit tokens that the answer must have seen.", after_value(),
                              &CountRequest::after),
      });
  return type;
}

Result<HttpResponse> count_chunks(Call& call, CountRequest request) {
  TRY(wait_for(call, request.after));
  TRY_ASSIGN(const std::uint64_t count,
             call.service.count_chunks(call.context, call.library(), request.where, request.where_document));
  return json_response(
      200, [&](JsonWriter& writer) { writer.begin_object().member("count", count).end_object(); });
}

Result<ChunkSelection> selection_of(ChunkChoice choice) {
  if (!choice.ids && !choice.where && !choice.where_document) {
    return fail(field_error(ErrorCode::kInvalidArgument, "where",
                            "ids or a filter must be given; {\"where\": {}} selects everything"));
  }
  ChunkSelection selection;
  selection.by_filter = !choice.ids;
  if (choice.ids) selection.ids = *std::move(choice.ids);
  selection.where = choice.where.value_or(Filter());
  selection.where_document = choice.where_document.value_or(Filter());
  return selection;
}

struct PatchChunksRequest : ChunkChoice {
  Json metadata;
};

const ObjectType<PatchChunksRequest>& patch_chunks_type() {
  static const ObjectType<PatchChunksRequest> type = [] {
    auto fields = choice_fields<PatchChunksRequest>(&ServiceLimits::max_selected_chunks);
    fields.push_back(field<PatchChunksRequest>("metadata", "A merge patch (RFC 7396) for each of them.",
                                               object_value(), &PatchChunksRequest::metadata,
                                               Presence::kRequired));
    return ObjectType<PatchChunksRequest>("ChunksPatch", "Chunks by ids or by a filter, all or none.",
                                          std::move(fields),
                                          [](const PatchChunksRequest& request, const FieldPath& path) {
                                            return ids_or_filter(request, path);
                                          });
  }();
  return type;
}

const ObjectType<ChunkChoice>& delete_chunks_type() {
  static const ObjectType<ChunkChoice> type("ChunksDelete", "Chunks by ids or by a filter, all or none.",
                                            choice_fields<ChunkChoice>(&ServiceLimits::max_selected_chunks),
                                            ids_or_filter);
  return type;
}

// Answers how many chunks had the effect.
HttpResponse changed_response(const Call& call, const WriteResult& result, std::string_view name,
                              Effect effect) {
  std::uint64_t changed = 0;
  for (const auto& transaction : result.transactions) {
    for (const OperationOutcome& outcome : transaction->operations)
      changed += outcome.effect == effect ? 1 : 0;
  }
  HttpResponse response = json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().member(name, changed);
    write_commit(writer, call, changed == 0 ? 0 : result.sequence);
    writer.end_object();
  });
  mark_replayed(response, result);
  return response;
}

Result<HttpResponse> patch_chunks(Call& call, PatchChunksRequest request) {
  const Json metadata = std::move(request.metadata);
  TRY_ASSIGN(const ChunkSelection selection, selection_of(std::move(request)));
  TRY_ASSIGN(const WriteResult result, call.service.patch_chunks(call.context, call.library(), selection,
                                                                 metadata, call.write_request()));
  return changed_response(call, result, "patched", Effect::kPatched);
}

Result<HttpResponse> delete_chunks(Call& call, ChunkChoice choice) {
  TRY_ASSIGN(const ChunkSelection selection, selection_of(std::move(choice)));
  TRY_ASSIGN(const WriteResult result,
             call.service.delete_chunks(call.context, call.library(), selection, call.write_request()));
  return changed_response(call, result, "deleted", Effect::kDeleted);
}

Json chunk_list_schema(SchemaBook& book) {
  return record_schema({{"chunks", array_schema(chunk_schema(book))},
                        {"cursor", nullable_schema(string_schema("Where to go on."))}});
}

Route write_route(HttpMethod method, std::string pattern, std::string operation_id, std::string summary,
                  std::vector<ResponseSpec> responses) {
  return {.method = method,
          .pattern = std::move(pattern),
          .operation_id = std::move(operation_id),
          .summary = std::move(summary),
          .tag = kTag,
          .place = WorkPlace::kWrite,
          .responses = std::move(responses)};
}

Route conditional(Route route) {
  route.conditional = true;
  return route;
}

}  // namespace

std::vector<Route> chunk_routes() {
  const std::string many = "/v1/libraries/{library}/chunks";
  const std::string one = many + "/{id}";
  const auto changed_schema = [](std::string_view name) {
    return [name](SchemaBook&) {
      return record_schema({{name, integer_schema()}, {"commit", commit_schema()}});
    };
  };
  const ResponseSpec changed{200, "It was changed.", written_chunk_schema};
  const ResponseSpec created{201, "It was created.", written_chunk_schema};
  const ResponseSpec counted{200, "The number.",
                             [](SchemaBook&) { return record_schema({{"count", integer_schema()}}); }};
  return {
      with_query({.method = HttpMethod::kGet,
                  .pattern = one,
                  .operation_id = "get_chunk",
                  .summary = "Show a chunk",
                  .tag = kTag,
                  .responses = {{200, "The chunk.", chunk_schema}}},
                 chunk_query_type(), get_chunk),
      with_body(conditional(write_route(HttpMethod::kPut, one, "put_chunk", "Write a chunk whole",
                                        {changed, created})),
                put_chunk_type(), put_chunk),
      with_body(conditional(write_route(HttpMethod::kPatch, one, "patch_chunk", "Change parts of a chunk",
                                        {changed})),
                patch_chunk_type(), patch_chunk),
      with_nothing(conditional(write_route(HttpMethod::kDelete, one, "delete_chunk", "Delete a chunk",
                                           {{200, "It is gone.", written_chunk_schema}})),
                   delete_chunk),
      with_body({.method = HttpMethod::kPost,
                 .pattern = many + ":get",
                 .operation_id = "get_chunks",
                 .summary = "Show chunks by ids, or list them in order of their ids",
                 .tag = kTag,
                 .responses = {{200, "Chunks.", chunk_list_schema}}},
                chunks_type(), get_chunks),
      with_body({.method = HttpMethod::kPost,
                 .pattern = many + ":count",
                 .operation_id = "count_chunks",
                 .summary = "Count chunks",
                 .tag = kTag,
                 .responses = {counted}},
                count_type(), count_chunks),
      with_body(write_route(HttpMethod::kPost, many + ":patch", "patch_chunks",
                            "Merge into the metadata of many chunks",
                            {{200, "How many were changed.", changed_schema("patched")}}),
                patch_chunks_type(), patch_chunks),
      with_body(write_route(HttpMethod::kPost, many + ":delete", "delete_chunks", "Delete many chunks",
                            {{200, "How many were deleted.", changed_schema("deleted")}}),
                delete_chunks_type(), delete_chunks),
  };
}

}  // namespace sextant
