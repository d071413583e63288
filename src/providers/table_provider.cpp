#include "providers/table_provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/random.h"
#include "engine/contract.h"
#include "providers/chunking_settings.h"

namespace sextant {

namespace {

constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

/// A text that has no vector, and where the vector goes.
struct MissingVector {
  std::size_t operation = 0;
  std::size_t chunk = kNoIndex;  // of a whole document
  const std::string* text = nullptr;
  std::vector<float>* vector = nullptr;
  std::string* model = nullptr;
};

// The field of a part of a chunk below its operation.
std::string chunk_field(const Operation& operation, std::size_t chunk, std::string_view part) {
  std::string field;
  if (chunk != kNoIndex) {
    field = fmt::format("document.chunks[{}]", chunk);
  } else if (std::holds_alternative<PutChunk>(operation)) {
    field = "chunk";
  }
  if (!part.empty()) field.append(field.empty() ? "" : ".").append(part);
  return field;
}

/// Gives ids and lists what has to be embedded.
class Collector {
 public:
  explicit Collector(const RequestContext& context) : context_(context) {}

  Status collect(std::size_t index, Operation& operation) {
    index_ = index;
    operation_ = &operation;
    if (auto* upsert = std::get_if<UpsertDocument>(&operation)) return collect_document(upsert->document);
    if (auto* put = std::get_if<PutChunk>(&operation)) return collect_chunk(put->chunk, kNoIndex);
    if (auto* patch = std::get_if<PatchChunk>(&operation)) return collect_patch(*patch);
    return {};
  }

  const std::vector<MissingVector>& missing() const { return missing_; }

 private:
  Status collect_document(DocumentInput& document) {
    if (document.id.empty()) document.id = uuid_v7(*context_.clock, system_random());
    for (std::size_t n = 0; n < document.chunks.size(); ++n) {
      ChunkInput& chunk = document.chunks[n];
      if (chunk.id.empty()) chunk.id = fmt::format("{}#{}", document.id, n);
      TRY(collect_chunk(chunk, n));
    }
    return {};
  }
  Status collect_chunk(ChunkInput& chunk, std::size_t n) {
    if (!chunk.vector.empty()) return {};
    if (chunk.text.empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, chunk_field(*operation_, n, ""),
                              "the chunk needs text or a vector"));
    }
    missing_.push_back({index_, n, &chunk.text, &chunk.vector, &chunk.model});
    return {};
  }
  Status collect_patch(PatchChunk& patch) {
    if (!patch.text || !patch.vector.empty()) return {};
    if (patch.text->empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, "text",
                              "an empty text cannot be embedded: the chunk needs text or a vector"));
    }
    missing_.push_back({index_, kNoIndex, &*patch.text, &patch.vector, &patch.model});
    return {};
  }

  const RequestContext& context_;
  std::size_t index_ = 0;
  Operation* operation_ = nullptr;
  std::vector<MissingVector> missing_;
};

// i of a field "texts[i]".
std::optional<std::size_t> text_index(std::string_view field) {
  constexpr std::string_view kPrefix = "texts[";
  if (!field.starts_with(kPrefix)) return std::nullopt;
  field.remove_prefix(kPrefix.size());
  std::size_t index = 0;
  const auto [end, status] = std::from_chars(field.data(), field.data() + field.size(), index);
  if (status != std::errc() || end == field.data() + field.size() || *end != ']') return std::nullopt;
  return index;
}

/// A failed embedding: of one text, or of the call that begins with it.
struct EmbeddingFailure {
  std::size_t text = 0;
  bool of_text = false;
  Error error;
};

// Embeds texts in calls as large as the embedder allows; `place(i, vector)` takes the results of each call
// that succeeded.
template <typename Place>
std::expected<void, EmbeddingFailure> embed_all(const RequestContext& context, Embedder& embedder,
                                                std::span<const std::string* const> texts,
                                                EmbeddingPurpose purpose, Place place) {
  const std::size_t most = embedder.limits().max_texts_per_call;
  const std::size_t step = most == 0 ? texts.size() : most;
  std::vector<std::string> call;
  for (std::size_t begin = 0; begin < texts.size(); begin += step) {
    const std::size_t count = std::min(step, texts.size() - begin);
    call.clear();
    for (const std::string* text : texts.subspan(begin, count)) call.push_back(*text);
    auto vectors = embedder.embed(context, call, purpose);
    if (vectors && vectors->size() != count) {
      vectors = fail(ErrorCode::kEmbeddingUnavailable,
                     fmt::format("the embedder '{}' answered {} vectors for {} texts", embedder.provider(),
                                 vectors->size(), count));
    }
    if (!vectors) {
      const auto index = text_index(vectors.error().field);
      const bool of_text = index && *index < count;
      return std::unexpected(
          EmbeddingFailure{begin + (of_text ? *index : 0), of_text, std::move(vectors).error()});
    }
    for (std::size_t i = 0; i < count; ++i) place(begin + i, std::move((*vectors)[i]));
  }
  return {};
}

Error without_field(Error error) {
  error.field.clear();
  return error;
}

// A model that the request names beside a text must be the one that will embed it.
Status check_named_model(std::string_view named, const Embedder& embedder, std::string field) {
  if (named.empty() || named == embedder.model_name()) return {};
  return fail(
      field_error(ErrorCode::kEmbeddingContractViolation, std::move(field),
                  fmt::format("the request names model '{}', but its text would be embedded with model '{}'",
                              named, embedder.model_name())));
}

}  // namespace

std::string query_field(std::size_t query, std::size_t of, std::string_view part) {
  return of == 1 ? std::string(part) : fmt::format("queries[{}].{}", query, part);
}

TableProvider::TableProvider(std::string library, std::shared_ptr<DatabaseProvider> database,
                             std::shared_ptr<Embedder> embedder)
    : library_(std::move(library)), database_(std::move(database)), embedder_(std::move(embedder)) {}

// Whether texts may be embedded for this library at all: asked before any time goes into a model.
Status TableProvider::check_embedder(const RequestContext& context, std::string field) {
  if (embedder_ == nullptr) {
    return fail(
        field_error(ErrorCode::kEmbeddingUnavailable, std::move(field),
                    fmt::format("library '{}' has no embedder for its text: give vectors", library_)));
  }
  TRY_ASSIGN(const LibraryInfo library, info(context));
  const VectorField& contract = library.definition.spec.field;
  const auto dimension = static_cast<std::uint32_t>(embedder_->dimension());
  if (const auto status = check_contract(contract, dimension, embedder_->model_name()); !status) {
    const std::string kept = contract.model && !contract.model->empty()
                                 ? fmt::format("model '{}'", *contract.model)
                                 : std::string("a model that was not named");
    return fail(
        field_error(status.error().code, std::move(field),
                    fmt::format("library '{}' keeps vectors of {} ({} dimensions), but its text would be "
                                "embedded with model '{}' "
                                "({} dimensions); vectors of different models cannot be compared",
                                library_, kept, contract.dimension, embedder_->model_name(), dimension)));
  }
  return {};
}

std::expected<void, OperationError> TableProvider::complete(const RequestContext& context,
                                                            std::span<Operation* const> operations) {
  Collector collector(context);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (auto status = collector.collect(i, *operations[i]); !status) {
      return std::unexpected(OperationError{i, std::move(status).error()});
    }
  }
  const auto& missing = collector.missing();
  if (missing.empty()) return {};
  const auto field_of = [&](const MissingVector& m, std::string_view part) {
    return chunk_field(*operations[m.operation], m.chunk, part);
  };
  if (auto status = check_embedder(context, field_of(missing[0], "text")); !status) {
    return std::unexpected(OperationError{missing[0].operation, std::move(status).error()});
  }
  std::vector<const std::string*> texts;
  texts.reserve(missing.size());
  for (const MissingVector& m : missing) {
    if (auto status = check_named_model(*m.model, *embedder_, field_of(m, "model")); !status) {
      return std::unexpected(OperationError{m.operation, std::move(status).error()});
    }
    texts.push_back(m.text);
  }
  auto embedded = embed_all(context, *embedder_, texts, EmbeddingPurpose::kDocument,
                            [&](std::size_t i, std::vector<float> vector) {
                              *missing[i].vector = std::move(vector);
                              *missing[i].model = embedder_->model_name();
                            });
  if (embedded) return {};
  EmbeddingFailure& failure = embedded.error();
  const MissingVector& m = missing[failure.text];
  Error error = without_field(std::move(failure.error));
  if (failure.of_text) error.field = field_of(m, "text");
  return std::unexpected(OperationError{m.operation, std::move(error)});
}

Result<std::vector<ChunkInput>> TableProvider::split(const RequestContext& context, const std::string& text) {
  TRY_ASSIGN(const LibraryInfo library, info(context));
  TRY_ASSIGN(const ChunkingSettings settings, parse_chunking(library.definition.spec.chunking));
  std::vector<ChunkInput> chunks;
  for (TextChunk& piece : chunk_text(text, settings)) {
    chunks.emplace_back();
    chunks.back().text = std::move(piece.text);
  }
  if (chunks.empty()) return fail(field_error(ErrorCode::kInvalidArgument, "text", "there is no text in it"));
  return chunks;
}

Result<LibraryInfo> TableProvider::info(const RequestContext& context) {
  return database_->library(context, library_);
}

Result<Document> TableProvider::document(const RequestContext& context, const std::string& id,
                                         const Include& include) {
  return database_->document(context, library_, id, include);
}

Result<DocumentPage> TableProvider::documents(const RequestContext& context, const PageRequest& page) {
  return database_->documents(context, library_, page);
}

Result<std::uint64_t> TableProvider::count_documents(const RequestContext& context, const Filter& where) {
  return database_->count_documents(context, library_, where);
}

Result<std::vector<Chunk>> TableProvider::chunks_by_id(const RequestContext& context,
                                                       std::span<const std::string> ids,
                                                       const Include& include) {
  return database_->chunks_by_id(context, library_, ids, include);
}

Result<ChunkPage> TableProvider::chunks(const RequestContext& context, const PageRequest& page,
                                        const Include& include) {
  return database_->chunks(context, library_, page, include);
}

Result<std::uint64_t> TableProvider::count_chunks(const RequestContext& context, const Filter& where,
                                                  const Filter& where_document) {
  return database_->count_chunks(context, library_, where, where_document);
}

Result<std::vector<SearchResult>> TableProvider::search(const RequestContext& context,
                                                        std::vector<TableQuery> queries) {
  std::vector<const std::string*> texts;
  std::vector<std::size_t> asked;  // texts[i] is of queries[asked[i]]
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const TableQuery& query = queries[q];
    if (query.text.has_value() == !query.query.vector.empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, query_field(q, queries.size(), "text"),
                              "a query has either a text or a vector"));
    }
    if (!query.text) continue;
    if (query.text->empty()) {
      return fail(field_error(ErrorCode::kInvalidArgument, query_field(q, queries.size(), "text"),
                              "an empty text cannot be embedded"));
    }
    texts.push_back(&*query.text);
    asked.push_back(q);
  }
  const auto field_of = [&](std::size_t i, std::string_view part) {
    return query_field(asked[i], queries.size(), part);
  };
  if (!texts.empty()) {
    TRY(check_embedder(context, field_of(0, "text")));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      TRY(check_named_model(queries[asked[i]].query.model, *embedder_, field_of(i, "model")));
    }
    auto embedded = embed_all(context, *embedder_, texts, EmbeddingPurpose::kQuery,
                              [&](std::size_t i, std::vector<float> vector) {
                                queries[asked[i]].query.vector = std::move(vector);
                                queries[asked[i]].query.model = embedder_->model_name();
                              });
    if (!embedded) {
      EmbeddingFailure& failure = embedded.error();
      Error error = without_field(std::move(failure.error));
      if (failure.of_text) error.field = field_of(failure.text, "text");
      return fail(std::move(error));
    }
  }
  std::vector<SearchQuery> vectors;
  vectors.reserve(queries.size());
  for (TableQuery& query : queries) vectors.push_back(std::move(query.query));
  return database_->search(context, library_, vectors);
}

Result<SearchResult> TableProvider::similar(const RequestContext& context, const std::string& chunk_id,
                                            SearchQuery query) {
  const std::string ids[] = {chunk_id};
  TRY_ASSIGN(auto found, chunks_by_id(context, ids, {.text = false, .metadata = false, .vector = true}));
  if (found.empty()) {
    return fail(field_error(ErrorCode::kChunkNotFound, "chunk_id",
                            fmt::format("there is no chunk '{}' in library '{}'", chunk_id, library_)));
  }
  query.vector = std::move(found[0].vector);
  query.exclude_chunk = chunk_id;
  TRY_ASSIGN(auto results, database_->search(context, library_, std::span(&query, 1)));
  if (results.size() != 1) {
    return fail(ErrorCode::kInternal,
                fmt::format("'{}' answered {} results for a query", database_->name(), results.size()));
  }
  return std::move(results[0]);
}

}  // namespace sextant
