#include "service/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "providers/hashed_embedder.h"
#include "service/metered_embedder.h"
#include "service/request_checks.h"
#include "service/service_run.h"

namespace sextant {

namespace {

// Makes the embedders that libraries have of their own: those that cost nothing and read no files. Any other
// is the server's one embedder, or there is none.
EmbedderFactory own_embedders(Metrics& metrics, Clock& clock) {
  return [&metrics, &clock](std::string_view provider,
                            const Json& settings) -> Result<std::shared_ptr<Embedder>> {
    const auto known = embedder_providers();
    if (provider != kHashedProvider && std::ranges::find(known, provider) != known.end()) {
      return fail(field_error(
          ErrorCode::kInvalidArgument, "provider",
          fmt::format("this server has no embedder '{}': which one it has is set in its configuration",
                      provider)));
    }
    TRY_ASSIGN(auto made, make_embedder(provider, settings));
    return metered(std::move(made), metrics, clock);
  };
}

}  // namespace

Service::Service(std::shared_ptr<DatabaseProvider> database, std::shared_ptr<Embedder> embedder,
                 ServiceOptions options)
    : options_(options),
      database_(std::move(database)),
      embedder_(std::move(embedder)),
      admission_(options_.limits.max_in_flight),
      metrics_([this] {
        return GaugeReadings{.database = stats(),
                             .requests_in_flight = admission_.in_flight(),
                             .requests_refused = admission_.refused(),
                             .table_providers = schemas_.provider_count()};
      }),
      schemas_(database_, metered(embedder_, metrics_, *options_.clock),
               own_embedders(metrics_, *options_.clock), *options_.clock) {}

Status Service::check_entry(Verb verb, const RequestContext& context) const {
  if (closing_.load(std::memory_order_acquire))
    return fail(ErrorCode::kShuttingDown, "the server is shutting down");
  if (context.role == Role::kReader && changes_state(verb)) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("user '{}' may read only, and {} writes", context.user, verb_name(verb)));
  }
  return context.check_deadline("waiting to be served");
}

Result<LibraryInfo> Service::library(const RequestContext& context, const std::string& name) {
  return run(Verb::kLibrary, context, [&]() -> Result<LibraryInfo> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, name));
    return table->info(context);
  });
}

Result<std::vector<LibraryInfo>> Service::libraries(const RequestContext& context,
                                                    const std::string& after_name, std::size_t limit) {
  return run(Verb::kLibraries, context, [&]() -> Result<std::vector<LibraryInfo>> {
    TRY(check_page(limit, limits()));
    return database_->libraries(context, after_name, limit);
  });
}

Result<Document> Service::document(const RequestContext& context, const std::string& library,
                                   const std::string& id, const Include& include) {
  return run(Verb::kDocument, context, [&]() -> Result<Document> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->document(context, id, include);
  });
}

Result<DocumentPage> Service::documents(const RequestContext& context, const std::string& library,
                                        const PageRequest& page) {
  return run(Verb::kDocuments, context, [&]() -> Result<DocumentPage> {
    TRY(check_page(page.limit, limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->documents(context, page);
  });
}

Result<std::uint64_t> Service::count_documents(const RequestContext& context, const std::string& library,
                                               const Filter& where) {
  return run(Verb::kCountDocuments, context, [&]() -> Result<std::uint64_t> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->count_documents(context, where);
  });
}

Result<std::vector<Chunk>> Service::chunks_by_id(const RequestContext& context, const std::string& library,
                                                 std::span<const std::string> ids, const Include& include) {
  return run(Verb::kChunksById, context, [&]() -> Result<std::vector<Chunk>> {
    TRY(check_ids(ids, limits().max_page, limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->chunks_by_id(context, ids, include);
  });
}

Result<ChunkPage> Service::chunks(const RequestContext& context, const std::string& library,
                                  const PageRequest& page, const Include& include) {
  return run(Verb::kChunks, context, [&]() -> Result<ChunkPage> {
    TRY(check_page(page.limit, limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->chunks(context, page, include);
  });
}

Result<std::uint64_t> Service::count_chunks(const RequestContext& context, const std::string& library,
                                            const Filter& where, const Filter& where_document) {
  return run(Verb::kCountChunks, context, [&]() -> Result<std::uint64_t> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->count_chunks(context, where, where_document);
  });
}

Result<std::vector<SearchResult>> Service::search(const RequestContext& context, const std::string& library,
                                                  std::vector<TableQuery> queries) {
  return run(Verb::kSearch, context, [&]() -> Result<std::vector<SearchResult>> {
    const std::size_t most = limits().max_queries_per_request;
    if (queries.empty() || queries.size() > most) {
      return fail(
          field_error(queries.empty() ? ErrorCode::kInvalidArgument : ErrorCode::kLimitExceeded, "queries",
                      fmt::format("{} queries were given, allowed are 1 to {}", queries.size(), most)));
    }
    EmbeddedBytes embedded(limits());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      auto status = check_query(queries[i], limits());
      if (status && queries[i].text) status = embedded.add(*queries[i].text, "text");
      if (!status) {
        Error error = std::move(status).error();
        error.field = query_field(i, queries.size(), error.field);
        return fail(std::move(error));
      }
    }
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->search(context, std::move(queries));
  });
}

Result<SearchResult> Service::similar(const RequestContext& context, const std::string& library,
                                      const std::string& chunk_id, SearchQuery query) {
  return run(Verb::kSimilar, context, [&]() -> Result<SearchResult> {
    TRY(check_search(query, limits()));
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->similar(context, chunk_id, std::move(query));
  });
}

Result<std::vector<ChunkInput>> Service::split(const RequestContext& context, const std::string& library,
                                               const std::string& text) {
  return run(Verb::kSplit, context, [&]() -> Result<std::vector<ChunkInput>> {
    TRY_ASSIGN(const auto table, schemas_.provider(context, library));
    return table->split(context, text);
  });
}

std::string Service::commit_token(Sequence sequence) const { return database_->commit_token(sequence); }

Status Service::wait_for(const RequestContext& context, std::span<const std::string> tokens) {
  return run(Verb::kWaitFor, context, [&] { return database_->wait_for(context, tokens); });
}

HealthReport Service::health() {
  HealthReport report;
  if (closing_.load(std::memory_order_acquire)) {
    report.checks.push_back({"database", false, "shutting down"});
    return report;
  }
  const auto database = database_->health();
  report.checks.push_back({"database", database.has_value(),
                           database
                               ? fmt::format("'{}' serves at commit {}", database_->name(), stats().sequence)
                               : database.error().to_string()});
  if (embedder_ == nullptr) {
    report.checks.push_back(
        {"embedder", true, "none is configured: libraries that name none take vectors only"});
  } else {
    const EmbedderHealth health = embedder_->health();
    std::string detail = fmt::format("'{}' with model '{}' of {} dimensions", embedder_->provider(),
                                     embedder_->model_name(), embedder_->dimension());
    if (embedder_->lexical_only()) detail += ", finds words, not meaning";
    if (!health.detail.empty()) detail += ": " + health.detail;
    report.checks.push_back({"embedder", health.ready, std::move(detail)});
  }
  report.ready = true;
  for (const HealthReport::Check& check : report.checks) report.ready = report.ready && check.ok;
  return report;
}

ProviderStats Service::stats() { return database_->stats(); }

Status Service::close() {
  const MutexLock lock(close_mutex_);
  if (!closed_) {
    closing_.store(true, std::memory_order_release);
    closed_ = database_->close();
  }
  return *closed_;
}

}  // namespace sextant
