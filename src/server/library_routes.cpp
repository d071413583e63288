// Libraries: create, list, show, change, drop.
#include <limits>

#include "server/cursor.h"
#include "server/document_writes.h"
#include "server/json_codec_library.h"
#include "server/json_codec_search.h"
#include "server/routes.h"

namespace sextant {

namespace {

constexpr const char* kTag = "libraries";

Json written_library_schema(SchemaBook& book) {
  return record_schema({{"library", nullable_schema(library_schema(book))},
                        {"commit", nullable_schema(string_schema("Commit token."))}});
}

Json commit_schema(SchemaBook&) {
  return record_schema({{"commit", nullable_schema(string_schema("Commit token."))}});
}

// The library as it stands now; null when somebody dropped it meanwhile, as may be when an old request is
// repeated.
Result<HttpResponse> written_library(Call& call, int status, const std::string& name,
                                     const WriteResult& result) {
  // It is written: a deadline that passes now must not make a failure of it.
  RequestContext context = call.context;
  context.deadline_ns = std::numeric_limits<std::int64_t>::max();
  const Result<LibraryInfo> info = call.service.library(context, name);
  if (!info && info.error().code != ErrorCode::kLibraryNotFound) return fail(info.error());
  HttpResponse response = json_response(status, [&](JsonWriter& writer) {
    writer.begin_object().key("library");
    if (info) {
      write_library(writer, *info);
    } else {
      writer.null();
    }
    write_commit(writer, call, result.sequence);
    writer.end_object();
  });
  mark_replayed(response, result);
  return response;
}

Result<HttpResponse> create_library(Call& call, LibrarySpec spec) {
  const std::string name = spec.name;
  TRY_ASSIGN(const WriteResult result,
             call.service.create_library(call.context, std::move(spec), call.write_request()));
  return written_library(call, 201, name, result);
}

struct LibrariesQuery {
  std::optional<std::size_t> limit;
  std::optional<std::string> cursor;
};

const ObjectType<LibrariesQuery>& libraries_query_type() {
  static const ObjectType<LibrariesQuery> type(
      "LibrariesQuery", "",
      {
          field<LibrariesQuery>("limit", "How many to list; 100 by default.",
                                count_value(1, &ServiceLimits::max_page), &LibrariesQuery::limit),
          field<LibrariesQuery>("cursor", "Where to go on, as the last answer said.", string_value(),
                                &LibrariesQuery::cursor),
      });
  return type;
}

Result<HttpResponse> list_libraries(Call& call, LibrariesQuery query) {
  TRY_ASSIGN(const std::string after, read_cursor(Listing::kLibraries, query.cursor.value_or("")));
  const std::size_t limit = query.limit.value_or(call.service.limits().default_page());
  TRY_ASSIGN(std::vector<LibraryInfo> libraries, call.service.libraries(call.context, after, limit));
  const bool more = libraries.size() > limit;
  if (more) libraries.resize(limit);
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().key("libraries").begin_array();
    for (const LibraryInfo& info : libraries) write_library(writer, info);
    writer.end_array().key("cursor");
    more ? writer.value(make_cursor(Listing::kLibraries, libraries.back().definition.spec.name))
         : writer.null();
    writer.end_object();
  });
}

Result<HttpResponse> get_library(Call& call) {
  TRY_ASSIGN(const LibraryInfo info, call.service.library(call.context, call.library()));
  return json_response(200, [&](JsonWriter& writer) { write_library(writer, info); });
}

Result<HttpResponse> update_library(Call& call, UpdateLibrary update) {
  update.library = call.library();
  TRY_ASSIGN(const WriteResult result,
             call.service.update_library(call.context, std::move(update), call.write_request()));
  return written_library(call, 200, call.library(), result);
}

Result<HttpResponse> drop_library(Call& call) {
  TRY_ASSIGN(const WriteResult result,
             call.service.drop_library(call.context, call.library(), call.write_request()));
  HttpResponse response = json_response(200, [&](JsonWriter& writer) {
    writer.begin_object();
    write_commit(writer, call, result.sequence);
    writer.end_object();
  });
  mark_replayed(response, result);
  return response;
}

}  // namespace

std::vector<Route> library_routes() {
  const auto list_schema = [](SchemaBook& book) {
    return record_schema({{"libraries", array_schema(library_schema(book))},
                          {"cursor", nullable_schema(string_schema("Where to go on."))}});
  };
  return {
      with_body({.method = HttpMethod::kPost,
                 .pattern = "/v1/libraries",
                 .operation_id = "create_library",
                 .summary = "Create a library",
                 .tag = kTag,
                 .place = WorkPlace::kWrite,
                 .responses = {{201, "The library as it stands.", written_library_schema}}},
                library_spec_type(), create_library),
      with_query({.method = HttpMethod::kGet,
                  .pattern = "/v1/libraries",
                  .operation_id = "list_libraries",
                  .summary = "List libraries in order of their names",
                  .tag = kTag,
                  .responses = {{200, "A page of libraries.", list_schema}}},
                 libraries_query_type(), list_libraries),
      with_nothing({.method = HttpMethod::kGet,
                    .pattern = "/v1/libraries/{library}",
                    .operation_id = "get_library",
                    .summary = "Show a library: definition, contract, counts, index state",
                    .tag = kTag,
                    .responses = {{200, "The library.", library_schema}}},
                   get_library),
      with_body({.method = HttpMethod::kPatch,
                 .pattern = "/v1/libraries/{library}",
                 .operation_id = "update_library",
                 .summary = "Change a library's metadata or settings",
                 .tag = kTag,
                 .place = WorkPlace::kWrite,
                 .responses = {{200, "The library as it stands.", written_library_schema}}},
                update_library_type(), update_library),
      with_nothing({.method = HttpMethod::kDelete,
                    .pattern = "/v1/libraries/{library}",
                    .operation_id = "drop_library",
                    .summary = "Drop a library with everything in it",
                    .tag = kTag,
                    .place = WorkPlace::kWrite,
                    .responses = {{200, "It is gone.", commit_schema}}},
                   drop_library),
  };
}

}  // namespace sextant
