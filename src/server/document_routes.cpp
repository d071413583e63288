// Documents: write many, list, show, replace, patch, delete.
#include "server/bulk_upload.h"
#include "server/cursor.h"
#include "server/document_writes.h"
#include "server/json_codec_search.h"
#include "server/problem.h"
#include "server/routes.h"

namespace sextant {

namespace {

constexpr const char* kTag = "documents";

Json commit_schema() { return nullable_schema(string_schema("Commit token.")); }

// ---- POST /documents ----

void write_outcome(JsonWriter& writer, const DocumentOutcome& outcome, std::size_t index, const Call& call) {
  writer.begin_object();
  if (!outcome.id.empty()) writer.member("id", outcome.id);
  switch (outcome.status) {
    case DocumentOutcome::Status::kCommitted:
      writer.member("status", "committed").member("effect", effect_name(outcome.effect));
      write_version(writer, outcome.version);
      break;
    case DocumentOutcome::Status::kFailed:
      writer.member("status", "failed").key("error");
      write_problem(writer, in_field("documents[" + std::to_string(index) + "]", outcome.error),
                    call.context.trace_id);
      break;
    case DocumentOutcome::Status::kNotAttempted:
      writer.member("status", "not_attempted");
      break;
  }
  writer.end_object();
}

HttpResponse documents_response(const Call& call, const std::vector<DocumentOutcome>& outcomes,
                                Sequence sequence) {
  std::size_t committed = 0;
  std::optional<Error> error;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].status == DocumentOutcome::Status::kCommitted) ++committed;
    if (outcomes[i].status == DocumentOutcome::Status::kFailed) {
      error = in_field("documents[" + std::to_string(i) + "]", outcomes[i].error);
    }
  }
  const bool refused = committed == 0 && error;
  HttpResponse response = refused ? problem_head(*error, status_of(*error)) : HttpResponse();
  JsonWriter writer(response.body);
  writer.begin_object();
  if (refused) write_problem_members(writer, *error, response.status, call.context.trace_id);
  writer.key("results").begin_array();
  for (std::size_t i = 0; i < outcomes.size(); ++i) write_outcome(writer, outcomes[i], i, call);
  writer.end_array();
  if (!refused) {
    writer.member("committed", std::uint64_t{committed});
    write_commit(writer, call, committed == 0 ? 0 : sequence);
  }
  writer.end_object();
  return response;
}

Result<HttpResponse> write_documents(Call& call, DocumentsRequest request) {
  std::vector<std::string> ids;
  for (const DocumentRequest& document : request.documents) ids.push_back(document.document.id);
  if (ids.empty()) return documents_response(call, {}, 0);
  WriteRequest write = call.write_request();
  write.durability = request.durability;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == 0 || !request.atomic) write.transactions.emplace_back();
    TransactionInput& transaction = write.transactions.back();
    Result<UpsertDocument> upsert = upsert_of(call, call.library(), std::move(request.documents[i]), request);
    if (!upsert) {
      const std::size_t operation = transaction.operations.size();
      transaction.rejected =
          in_field("operations[" + std::to_string(operation) + "]", std::move(upsert).error());
      break;  // the first failure ends the request
    }
    transaction.operations.emplace_back(*std::move(upsert));
  }
  TRY_ASSIGN(WriteResult result, call.service.write(call.context, std::move(write)));
  const bool repeated = result.repeated;
  const Sequence sequence = result.sequence;
  HttpResponse response =
      documents_response(call, document_outcomes(ids, request.atomic, std::move(result)), sequence);
  if (repeated) response.headers.emplace_back("Idempotency-Replayed", "true");
  return response;
}

Json documents_result_schema(SchemaBook& book) {
  Json result = record_schema({
      {"id", string_schema(), Given::kSometimes},
      {"status", enum_schema({"committed", "failed", "not_attempted"})},
      {"effect", effect_schema(), Given::kSometimes},
      {"version", integer_schema(), Given::kSometimes},
      {"etag", string_schema(), Given::kSometimes},
      {"error", problem_schema(book), Given::kSometimes},
  });
  Json lines = bulk_summary_schema(book);
  Json documents = record_schema({{"results", array_schema(std::move(result))},
                                  {"committed", integer_schema("How many documents.")},
                                  {"commit", commit_schema()}});
  Json choice = Json::object();
  choice.set("anyOf", Json::Array{std::move(documents), std::move(lines)});
  return choice;
}

// ---- GET /documents ----

struct DocumentsQuery {
  std::optional<std::size_t> limit;
  std::optional<std::string> cursor;
  Filter where;
  bool count = false;
  std::vector<std::string> after;
};

const ObjectType<DocumentsQuery>& documents_query_type() {
  static const ObjectType<DocumentsQuery> type(
      "DocumentsQuery", "",
      {
          field<DocumentsQuery>("limit", "How many to list; 100 by default.",
                                count_value(1, &ServiceLimits::max_page), &DocumentsQuery::limit),
          field<DocumentsQuery>("cursor", "Where to go on, as the last answer said.", string_value(),
                                &DocumentsQuery::cursor),
          field<DocumentsQuery>("where", "A filter on metadata, as JSON.", where_value(),
                                &DocumentsQuery::where),
          field<DocumentsQuery>("count", "Answer `total` too: all that match.", boolean_value(),
                                &DocumentsQuery::count),
          field<DocumentsQuery>("after", "A commit token that the answer must have seen.", after_value(),
                                &DocumentsQuery::after),
      });
  return type;
}

Result<HttpResponse> list_documents(Call& call, DocumentsQuery query) {
  PageRequest page{.where = query.where, .limit = query.limit.value_or(call.service.limits().default_page())};
  TRY_ASSIGN(page.after_id, read_cursor(Listing::kDocuments, query.cursor.value_or("")));
  TRY(wait_for(call, query.after));
  TRY_ASSIGN(const DocumentPage found, call.service.documents(call.context, call.library(), page));
  std::uint64_t total = 0;
  if (query.count) {
    TRY_ASSIGN(total, call.service.count_documents(call.context, call.library(), query.where));
  }
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().key("documents").begin_array();
    for (const Document& document : found.documents) write_document_summary(writer, document);
    writer.end_array().key("cursor");
    found.more ? writer.value(make_cursor(Listing::kDocuments, found.documents.back().id)) : writer.null();
    if (query.count) writer.member("total", total);
    writer.end_object();
  });
}

// ---- One document ----

std::string quoted_etag(Version version) { return "\"" + etag_of(version) + "\""; }

struct DocumentQuery {
  Shown shown;
  bool chunks = false;
  std::vector<std::string> after;
};

const ObjectType<DocumentQuery>& document_query_type() {
  enum class Part : std::uint8_t { kChunks, kVector };
  static const ObjectType<DocumentQuery> type(
      "DocumentQuery", "",
      {
          field_with<DocumentQuery>(
              "include", "chunks, vector (which brings the chunks too).",
              list_of(enum_value<Part>({{"chunks", Part::kChunks}, {"vector", Part::kVector}})),
              [](std::vector<Part> parts, const FieldPath&, DocumentQuery& out) -> Status {
                for (const Part part : parts) {
                  out.chunks = true;
                  if (part == Part::kVector) out.shown.vector = true;
                }
                return {};
              }),
          field<DocumentQuery>("after", "A commit token that the answer must have seen.", after_value(),
                               &DocumentQuery::after),
      });
  return type;
}

Result<HttpResponse> get_document(Call& call, DocumentQuery query) {
  TRY(wait_for(call, query.after));
  const Include include{.text = query.chunks, .metadata = query.chunks, .vector = query.shown.vector};
  TRY_ASSIGN(const Document document,
             call.service.document(call.context, call.library(), call.id(), include));
  HttpResponse response = json_response(
      200, [&](JsonWriter& writer) { write_document(writer, document, query.chunks, query.shown); });
  response.headers.emplace_back("ETag", quoted_etag(document.version));
  return response;
}

// Performs the one operation of a request and tells what it did. An operation that could not be made goes
// along as refused, because a repeated request is answered what the first one was.
Result<HttpResponse> write_one(Call& call, Result<Operation> operation) {
  WriteRequest write = call.write_request();
  TransactionInput& transaction = write.transactions.emplace_back();
  if (operation) {
    transaction.operations.push_back(*std::move(operation));
  } else {
    transaction.rejected = in_field("operations[0]", std::move(operation).error());
  }
  TRY_ASSIGN(WriteResult result, call.service.write(call.context, std::move(write)));
  TRY_ASSIGN(const OperationOutcome outcome, single_outcome(result));
  const bool deleted = outcome.effect == Effect::kDeleted;
  HttpResponse response =
      json_response(outcome.effect == Effect::kCreated ? 201 : 200, [&](JsonWriter& writer) {
        writer.begin_object().member("id", outcome.id);
        if (!deleted) {
          writer.member("effect", effect_name(outcome.effect));
          write_version(writer, outcome.version);
        }
        write_commit(writer, call, result.sequence);
        writer.end_object();
      });
  if (!deleted) response.headers.emplace_back("ETag", quoted_etag(outcome.version));
  mark_replayed(response, result);
  return response;
}

// A failed condition is 412, whatever made it fail.
Result<HttpResponse> as_precondition(Result<HttpResponse> response, ErrorCode failed_condition) {
  if (response || response.error().code != failed_condition) return response;
  return fail(ErrorCode::kPreconditionFailed, response.error().message);
}

Result<HttpResponse> put_document(Call& call, DocumentRequest request) {
  request.document.id = call.id();
  WriteSettings settings{.model = request.model};
  if (call.if_none_match) {
    if (*call.if_none_match != "*") {
      return fail(field_error(ErrorCode::kInvalidArgument, "If-None-Match",
                              "must be '*': the document must not exist"));
    }
    settings.on_conflict = OnConflict::kError;
  }
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  Result<Operation> operation = [&]() -> Result<Operation> {
    TRY_ASSIGN(UpsertDocument upsert, upsert_of(call, call.library(), std::move(request), settings));
    upsert.if_match = if_match;
    return upsert;
  }();
  return as_precondition(write_one(call, std::move(operation)), ErrorCode::kDocumentExists);
}

struct MetadataPatch {
  Json metadata = Json::object();
};

const ObjectType<MetadataPatch>& metadata_patch_type() {
  static const ObjectType<MetadataPatch> type(
      "DocumentPatch", "",
      {field<MetadataPatch>("metadata", "A merge patch (RFC 7396): null removes a key.", object_value(),
                            &MetadataPatch::metadata, Presence::kRequired)});
  return type;
}

Result<HttpResponse> patch_document(Call& call, MetadataPatch patch) {
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  return write_one(call, PatchDocument{.library = call.library(),
                                       .id = call.id(),
                                       .metadata_patch = std::move(patch.metadata),
                                       .if_match = if_match});
}

Result<HttpResponse> delete_document(Call& call) {
  TRY_ASSIGN(const std::optional<Version> if_match, header_match(call));
  return write_one(call, DeleteDocument{.library = call.library(), .id = call.id(), .if_match = if_match});
}

Json written_schema(SchemaBook&) {
  return record_schema({{"id", string_schema()},
                        {"effect", effect_schema()},
                        {"version", integer_schema()},
                        {"etag", string_schema()},
                        {"commit", commit_schema()}});
}

Json deleted_schema(SchemaBook&) {
  return record_schema({{"id", string_schema()}, {"commit", commit_schema()}});
}

Json document_list_schema(SchemaBook& book) {
  return record_schema({{"documents", array_schema(document_summary_schema(book))},
                        {"cursor", nullable_schema(string_schema("Where to go on."))},
                        {"total", integer_schema(), Given::kSometimes}});
}

}  // namespace

std::vector<Route> document_routes() {
  const std::string many = "/v1/libraries/{library}/documents";
  const std::string one = many + "/{id}";
  Route write_many = with_body({.method = HttpMethod::kPost,
                                .pattern = many,
                                .operation_id = "write_documents",
                                .summary = "Write documents, each all or nothing",
                                .tag = kTag,
                                .place = WorkPlace::kWrite,
                                .responses = {{200, "What became of each.", documents_result_schema}}},
                               documents_type(), write_documents);
  write_many.query = &write_settings_type();
  write_many.lines = begin_bulk_upload;
  return {
      std::move(write_many),
      with_query({.method = HttpMethod::kGet,
                  .pattern = many,
                  .operation_id = "list_documents",
                  .summary = "List documents in order of their ids",
                  .tag = kTag,
                  .responses = {{200, "A page of documents.", document_list_schema}}},
                 documents_query_type(), list_documents),
      with_query({.method = HttpMethod::kGet,
                  .pattern = one,
                  .operation_id = "get_document",
                  .summary = "Show a document",
                  .tag = kTag,
                  .responses = {{200, "The document.", document_schema, "application/json", "ETag"}}},
                 document_query_type(), get_document),
      with_body({.method = HttpMethod::kPut,
                 .pattern = one,
                 .operation_id = "put_document",
                 .summary = "Write a document whole",
                 .tag = kTag,
                 .place = WorkPlace::kWrite,
                 .conditional = true,
                 .create_only = true,
                 .responses = {{200, "It was replaced.", written_schema, "application/json", "ETag"},
                               {201, "It was created.", written_schema, "application/json", "ETag"}}},
                put_document_type(), put_document),
      with_body({.method = HttpMethod::kPatch,
                 .pattern = one,
                 .operation_id = "patch_document",
                 .summary = "Merge into a document's metadata",
                 .tag = kTag,
                 .place = WorkPlace::kWrite,
                 .conditional = true,
                 .responses = {{200, "It was changed.", written_schema, "application/json", "ETag"}}},
                metadata_patch_type(), patch_document),
      with_nothing({.method = HttpMethod::kDelete,
                    .pattern = one,
                    .operation_id = "delete_document",
                    .summary = "Delete a document with its chunks",
                    .tag = kTag,
                    .place = WorkPlace::kWrite,
                    .conditional = true,
                    .responses = {{200, "It is gone.", deleted_schema}}},
                   delete_document),
  };
}

}  // namespace sextant
