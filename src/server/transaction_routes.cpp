// Transactions: operations on any libraries, all or nothing.
#include <fmt/format.h>

#include "server/document_writes.h"
#include "server/json_codec_document.h"
#include "server/routes.h"

namespace sextant {

namespace {

struct DeleteRequest {
  std::string id;
  std::optional<VersionMatch> if_match;
};

const ObjectType<DeleteRequest>& delete_type() {
  static const ObjectType<DeleteRequest> type(
      "DocumentDelete", "",
      {
          field<DeleteRequest>("id", "", string_value(), &DeleteRequest::id, Presence::kRequired),
          field<DeleteRequest>("if_match", "The ETag the document must have; \"*\": it must exist.",
                               version_match_value(), &DeleteRequest::if_match),
      });
  return type;
}

/// An id, or {id, if_match?}.
ValueType<DeleteRequest> delete_value() {
  const auto object = nested(delete_type());
  return {[object](SchemaBook& book) {
            Json choice = Json::object();
            choice.set("anyOf", Json::Array{string_schema(), object.schema(book)});
            return choice;
          },
          [object](const Json& json, const FieldPath& path,
                   const ServiceLimits& limits) -> Result<DeleteRequest> {
            if (json.is_string()) return DeleteRequest{json.as_string(), std::nullopt};
            if (!json.is_object()) return path.expected("an id or an object", json);
            return object.read(json, path, limits);
          }};
}

/// One of the three lists, on one library.
struct OperationRequest {
  std::string library;
  std::optional<std::vector<DocumentRequest>> upserts;
  std::optional<std::vector<DeleteRequest>> deletes;
  std::optional<std::vector<PatchChunk>> patches;
  WriteSettings settings;
  bool has_upsert_settings = false;
};

Status one_list(const OperationRequest& operation, const FieldPath& path) {
  const int lists = (operation.upserts ? 1 : 0) + (operation.deletes ? 1 : 0) + (operation.patches ? 1 : 0);
  if (lists != 1)
    return path.refuse("must have exactly one of upsert_documents, delete_documents and patch_chunks");
  if (operation.has_upsert_settings && !operation.upserts) {
    return path.refuse("on_conflict and model belong to upsert_documents");
  }
  return {};
}

const ObjectType<OperationRequest>& operation_type() {
  static const ObjectType<OperationRequest> type(
      "Operation", "Exactly one of upsert_documents, delete_documents and patch_chunks.",
      {
          field<OperationRequest>("library", "", string_value(), &OperationRequest::library,
                                  Presence::kRequired),
          field<OperationRequest>("upsert_documents", "",
                                  list_of(nested(document_type()), &ServiceLimits::max_documents_per_request),
                                  &OperationRequest::upserts),
          field<OperationRequest>("delete_documents", "Ids, or {id, if_match}.",
                                  list_of(delete_value(), &ServiceLimits::max_documents_per_request),
                                  &OperationRequest::deletes),
          field<OperationRequest>(
              "patch_chunks", "",
              list_of(nested(chunk_patch_type()), &ServiceLimits::max_documents_per_request),
              &OperationRequest::patches),
          field_with<OperationRequest>(
              "on_conflict", "What becomes of a document whose id exists; replace by default.",
              on_conflict_value(),
              [](OnConflict on_conflict, const FieldPath&, OperationRequest& out) -> Status {
                out.settings.on_conflict = on_conflict;
                out.has_upsert_settings = true;
                return {};
              }),
          field_with<OperationRequest>(
              "model", "The model that made the vectors given.", string_value(),
              [](std::string model, const FieldPath&, OperationRequest& out) -> Status {
                out.settings.model = std::move(model);
                out.has_upsert_settings = true;
                return {};
              }),
      },
      one_list);
  return type;
}

struct TransactionRequest {
  std::vector<OperationRequest> operations;
  Durability durability = Durability::kFsync;
};

const ObjectType<TransactionRequest>& transaction_type() {
  static const ObjectType<TransactionRequest> type(
      "TransactionRequest", "Operations that happen all or not at all.",
      {
          field<TransactionRequest>("operations", "", list_of(nested(operation_type())),
                                    &TransactionRequest::operations, Presence::kRequired),
          field<TransactionRequest>("durability", "", durability_value(), &TransactionRequest::durability),
          unbuilt_field<TransactionRequest>("priority"),
      });
  return type;
}

/// Operations for the service, and for each the words of the request: its path and its library.
class TransactionBuilder {
 public:
  explicit TransactionBuilder(Call& call) : call_(call) {}

  void add(std::size_t index, OperationRequest request) {
    if (request.upserts) add_upserts(index, request);
    if (request.deletes) add_deletes(index, request);
    if (request.patches) add_patches(index, request);
  }

  /// Rejected when an operation could not be made: a repeated request is answered all the same.
  TransactionInput take_transaction() {
    return {.operations = std::move(operations_), .rejected = std::move(rejected_)};
  }
  const std::string& library(std::size_t operation) const { return libraries_[operation]; }

  /// The error in the words of the request.
  Error located(Error error) const {
    LocatedError located = locate_error(std::move(error));
    if (!located.operation || *located.operation >= paths_.size()) return std::move(located.error);
    return in_field(paths_[*located.operation], std::move(located.error));
  }

 private:
  void add_upserts(std::size_t index, OperationRequest& request) {
    for (std::size_t i = 0; i < request.upserts->size(); ++i) {
      std::string path = fmt::format("operations[{}].upsert_documents[{}]", index, i);
      UpsertDocument upsert;
      if (!rejected_) {  // behind a failure only the places count
        auto made = upsert_of(call_, request.library, std::move((*request.upserts)[i]), request.settings);
        if (made) {
          upsert = *std::move(made);
        } else {
          rejected_ = in_field(fmt::format("operations[{}]", operations_.size()), std::move(made).error());
        }
      }
      push(request.library, std::move(path), std::move(upsert));
    }
  }

  void add_deletes(std::size_t index, OperationRequest& request) {
    for (std::size_t i = 0; i < request.deletes->size(); ++i) {
      std::string path = fmt::format("operations[{}].delete_documents[{}]", index, i);
      DeleteRequest& wanted = (*request.deletes)[i];
      DeleteDocument operation{.library = request.library, .id = wanted.id};
      if (wanted.if_match) operation.if_match = version_of(*wanted.if_match);
      push(request.library, std::move(path), std::move(operation));
    }
  }

  void add_patches(std::size_t index, OperationRequest& request) {
    for (std::size_t i = 0; i < request.patches->size(); ++i) {
      PatchChunk patch = std::move((*request.patches)[i]);
      patch.library = request.library;
      push(request.library, fmt::format("operations[{}].patch_chunks[{}]", index, i), std::move(patch));
    }
  }

  void push(const std::string& library, std::string path, Operation operation) {
    operations_.push_back(std::move(operation));
    libraries_.push_back(library);
    paths_.push_back(std::move(path));
  }

  Call& call_;
  std::vector<Operation> operations_;
  std::vector<std::string> libraries_;
  std::vector<std::string> paths_;
  std::optional<Error> rejected_;
};

Result<HttpResponse> transact(Call& call, TransactionRequest request) {
  TransactionBuilder builder(call);
  for (std::size_t i = 0; i < request.operations.size(); ++i) {
    builder.add(i, std::move(request.operations[i]));
  }
  WriteRequest write = call.write_request();
  write.durability = request.durability;
  write.transactions.push_back(builder.take_transaction());
  TRY_ASSIGN(const WriteResult result, call.service.write(call.context, std::move(write)));
  if (result.transactions.size() != 1)
    return fail(ErrorCode::kInternal, "one transaction has another number of outcomes");
  if (!result.transactions[0]) return fail(builder.located(result.transactions[0].error()));
  const std::vector<OperationOutcome>& outcomes = result.transactions[0]->operations;
  HttpResponse response = json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().key("results").begin_array();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      writer.begin_object();
      writer.member("library", builder.library(i));
      writer.member("id", outcomes[i].id);
      writer.member("effect", effect_name(outcomes[i].effect));
      if (outcomes[i].version != 0) write_version(writer, outcomes[i].version);
      writer.end_object();
    }
    writer.end_array();
    write_commit(writer, call, result.sequence);
    writer.end_object();
  });
  mark_replayed(response, result);
  return response;
}

Json results_schema(SchemaBook&) {
  Json result = record_schema({{"library", string_schema("As the request named it.")},
                               {"id", string_schema()},
                               {"effect", effect_schema()},
                               {"version", integer_schema(), Given::kSometimes},
                               {"etag", string_schema(), Given::kSometimes}});
  return record_schema({{"results", array_schema(std::move(result))},
                        {"commit", nullable_schema(string_schema("Commit token."))}});
}

}  // namespace

std::vector<Route> transaction_routes() {
  return {with_body({.method = HttpMethod::kPost,
                     .pattern = "/v1/transactions",
                     .operation_id = "transact",
                     .summary = "Change documents and chunks of any libraries, all or nothing",
                     .tag = "transactions",
                     .place = WorkPlace::kWrite,
                     .responses = {{200, "What each operation did, in order.", results_schema}}},
                    transaction_type(), transact)};
}

}  // namespace sextant
