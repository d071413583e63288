// The verbs of Service that write.
#include <fmt/format.h>

#include "base/log.h"
#include "service/library_settings.h"
#include "service/request_checks.h"
#include "service/service_run.h"
#include "service/write_preparation.h"

namespace sextant {

namespace {

// What a library's embedder settles of its contract, unless the creator said otherwise.
Status adopt_contract(VectorField& field, const Embedder& embedder) {
  const auto dimension = static_cast<std::uint32_t>(embedder.dimension());
  if (field.dimension != 0 && field.dimension != dimension) {
    return fail(field_error(ErrorCode::kEmbeddingContractViolation, "vectors.embedding.dimension",
                            fmt::format("is {}, but model '{}' of the embedder makes {} dimensions",
                                        field.dimension, embedder.model_name(), dimension)));
  }
  if (field.model && !field.model->empty() && *field.model != embedder.model_name()) {
    return fail(field_error(
        ErrorCode::kEmbeddingContractViolation, "vectors.embedding.model",
        fmt::format("is '{}', but the embedder's model is '{}'", *field.model, embedder.model_name())));
  }
  field.dimension = dimension;
  field.model = embedder.model_name();
  return {};
}

Json merged(Json settings, const Json& patch) {
  settings.merge_patch(patch);
  return settings;
}

}  // namespace

// The one transaction of a verb; its failure is the verb's.
Result<WriteResult> Service::write_one(const RequestContext& context, WriteRequest request,
                                       std::vector<Operation> operations) {
  request.transactions.clear();
  request.transactions.push_back({.operations = std::move(operations)});
  TRY_ASSIGN(WriteResult result, database_->write(context, std::move(request)));
  if (result.transactions.size() != 1) {
    return fail(ErrorCode::kInternal, fmt::format("'{}' answered {} outcomes for one transaction",
                                                  database_->name(), result.transactions.size()));
  }
  if (!result.transactions[0]) return fail(std::move(result.transactions[0]).error());
  return result;
}

Status Service::adopt_embedding(LibrarySpec& spec, std::shared_ptr<Embedder>& embedder) {
  if (spec.embedding.is_null()) return {};
  TRY(check_embedding_settings(spec.embedding));
  auto found = schemas_.embedder(spec.embedding);
  if (!found) return fail(in_field("embedding", std::move(found).error()));
  embedder = *std::move(found);
  if (embedder->dimension() > limits().max_dimension) {
    return fail(field_error(ErrorCode::kLimitExceeded, "embedding",
                            fmt::format("this embedder makes {} dimensions, the limit is {}",
                                        embedder->dimension(), limits().max_dimension)));
  }
  return adopt_contract(spec.field, *embedder);
}

Result<WriteResult> Service::create_library(const RequestContext& context, LibrarySpec spec,
                                            WriteRequest request) {
  return run_write(Verb::kCreateLibrary, context, request, [&]() -> Result<WriteResult> {
    auto name = full_library_name(spec.name);
    if (!name) return fail(in_field("name", std::move(name).error()));
    spec.name = *name;
    TRY(check_library_spec(spec, database_->name(), limits()));
    std::shared_ptr<Embedder> embedder;  // held until the provider holds it, so that it is made once
    TRY(adopt_embedding(spec, embedder));
    TRY_ASSIGN(WriteResult result, write_one(context, std::move(request), {CreateLibrary{std::move(spec)}}));
    schemas_.forget(*name);
    if (const auto table = schemas_.provider(context, *name); !table) {
      // The library is there all the same: its first use makes the provider.
      log_event(LogLevel::kDebug, "table_provider_deferred",
                {{"library", *name}, {"reason", table.error().to_string()}}, context.trace_id);
    }
    return result;
  });
}

Result<WriteResult> Service::update_library(const RequestContext& context, UpdateLibrary update,
                                            WriteRequest request) {
  return run_write(Verb::kUpdateLibrary, context, request, [&]() -> Result<WriteResult> {
    TRY(check_metadata(update.metadata_patch, "metadata", limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, update.library));
    TRY_ASSIGN(const LibraryInfo info, table->info(context));
    const LibrarySpec& spec = info.definition.spec;
    TRY(check_metadata(merged(spec.metadata, update.metadata_patch), "metadata", limits()));
    TRY(check_index_settings(merged(spec.index, update.index_patch)));
    TRY(check_chunking_settings(merged(spec.chunking, update.chunking_patch), limits()));
    update.library = table->library();
    return write_one(context, std::move(request), {std::move(update)});
  });
}

Result<WriteResult> Service::drop_library(const RequestContext& context, const std::string& name,
                                          WriteRequest request) {
  return run_write(Verb::kDropLibrary, context, request, [&]() -> Result<WriteResult> {
    auto full = full_library_name(name);
    if (!full) return fail(in_field("library", std::move(full).error()));
    TRY_ASSIGN(WriteResult result, write_one(context, std::move(request), {DropLibrary{*full}}));
    schemas_.forget(*full);
    return result;
  });
}

Result<WriteResult> Service::write(const RequestContext& context, WriteRequest request) {
  return run_write(Verb::kWrite, context, request, [&]() -> Result<WriteResult> {
    std::size_t operations = 0;
    for (const TransactionInput& transaction : request.transactions)
      operations += transaction.operations.size();
    const std::size_t most = limits().max_documents_per_request;
    if (operations > most) {
      // What is done all or nothing is a list of operations; what is not, a list of documents.
      const char* const field = request.transactions.size() == 1 ? "operations" : "documents";
      return fail(field_error(
          ErrorCode::kLimitExceeded, field,
          fmt::format("the request changes {} documents or chunks, the limit is {}", operations, most)));
    }
    prepare_transactions(context, limits(), schemas_, request.transactions);
    return database_->write(context, std::move(request));
  });
}

// The ids of the chunks that are selected.
Result<std::vector<std::string>> Service::select(const RequestContext& context, TableProvider& table,
                                                 const ChunkSelection& selection) {
  const std::size_t most = limits().max_selected_chunks;
  if (!selection.by_filter) {
    if (selection.ids.empty())
      return fail(field_error(ErrorCode::kInvalidArgument, "ids", "no ids are given"));
    TRY(check_ids(selection.ids, most, limits()));
    return selection.ids;
  }
  // One page as large as the limit: all of it is read from one snapshot.
  const PageRequest page{.where = selection.where, .where_document = selection.where_document, .limit = most};
  TRY_ASSIGN(ChunkPage found, table.chunks(context, page, {.text = false, .metadata = false}));
  if (found.more) {
    TRY_ASSIGN(const std::uint64_t count,
               table.count_chunks(context, selection.where, selection.where_document));
    return fail(
        field_error(ErrorCode::kLimitExceeded, "where",
                    fmt::format("the filter selects {} chunks, one request changes at most {}: list them by "
                                "pages (chunks:get) and name their ids, or narrow the filter",
                                count, most)));
  }
  std::vector<std::string> ids;
  ids.reserve(found.chunks.size());
  for (Chunk& chunk : found.chunks) ids.push_back(std::move(chunk.id));
  return ids;
}

Result<WriteResult> Service::delete_chunks(const RequestContext& context, const std::string& library,
                                           const ChunkSelection& selection, WriteRequest request) {
  return run_write(Verb::kDeleteChunks, context, request, [&]() -> Result<WriteResult> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    TRY_ASSIGN(auto ids, select(context, *table, selection));
    std::vector<Operation> operations;
    operations.reserve(ids.size());
    for (std::string& id : ids) {
      operations.emplace_back(
          DeleteChunk{.library = table->library(), .id = std::move(id), .missing = MissingPolicy::kIgnore});
    }
    return write_one(context, std::move(request), std::move(operations));
  });
}

Result<WriteResult> Service::patch_chunks(const RequestContext& context, const std::string& library,
                                          const ChunkSelection& selection, const Json& metadata_patch,
                                          WriteRequest request) {
  return run_write(Verb::kPatchChunks, context, request, [&]() -> Result<WriteResult> {
    TRY(check_metadata(metadata_patch, "metadata", limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    TRY_ASSIGN(auto ids, select(context, *table, selection));
    std::vector<Operation> operations;
    operations.reserve(ids.size());
    for (std::string& id : ids) {
      operations.emplace_back(
          PatchChunk{.library = table->library(), .id = std::move(id), .metadata_patch = metadata_patch});
    }
    auto result = write_one(context, std::move(request), std::move(operations));
    if (!result && selection.by_filter && result.error().code == ErrorCode::kChunkNotFound) {
      return fail(
          caused_by(ErrorCode::kTransactionConflict,
                    "a chunk that the filter selected was deleted by another commit meanwhile; try again",
                    std::move(result).error()));
    }
    return result;
  });
}

}  // namespace sextant
