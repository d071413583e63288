#include "providers/native_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/reads.h"
#include "engine/search.h"

namespace sextant {

NativeDatabase::NativeDatabase(std::unique_ptr<Database> database) : database_(std::move(database)) {}

NativeDatabase::~NativeDatabase() = default;

Result<std::shared_ptr<Database>> NativeDatabase::engine() const {
  const SharedLock lock(mutex_);
  if (!database_) return fail(ErrorCode::kShuttingDown, "the database is closed");
  return database_;
}

Result<LibraryView> NativeDatabase::open_library(const std::string& name) const {
  TRY_ASSIGN(const auto database, engine());
  return find_library(database->snapshot(), name);
}

Status NativeDatabase::health() {
  TRY_ASSIGN(const auto database, engine());
  return database->health();
}

ProviderStats NativeDatabase::stats() {
  const auto database = engine();
  if (!database) return {};
  const DatabaseStats stats = (*database)->stats();
  return {stats.sequence,     stats.durable_through,     stats.libraries,   stats.log_bytes,
          stats.record_bytes, stats.record_memory_bytes, stats.vector_bytes};
}

std::string NativeDatabase::commit_token(Sequence sequence) const {
  const auto database = engine();
  return database ? (*database)->commit_token(sequence) : std::string();
}

Status NativeDatabase::wait_for(const RequestContext& context, std::span<const std::string> tokens) {
  TRY_ASSIGN(const auto database, engine());
  TRY(context.check_deadline("waiting for a commit"));
  for (const std::string& token : tokens) {
    TRY_ASSIGN(const Sequence sequence, database->parse_commit_token(token));
    // A token is given out when its commit is visible: one from the future is of another history of this
    // database.
    if (database->snapshot()->sequence < sequence) {
      return fail(field_error(ErrorCode::kCommitNotVisible, "after",
                              fmt::format("the commit '{}' is not in this database", token)));
    }
  }
  return {};
}

Result<WriteResult> NativeDatabase::write(const RequestContext& context, WriteRequest request) {
  TRY_ASSIGN(const auto database, engine());
  return database->write(context, request);
}

Result<std::optional<WriteResult>> NativeDatabase::remembered(const RequestContext& context,
                                                              const IdempotencyKey& idempotency) {
  TRY(context.check_deadline("looking up an earlier outcome"));
  TRY_ASSIGN(const auto database, engine());
  return database->remembered(idempotency);
}

Result<LibraryInfo> NativeDatabase::library(const RequestContext& context, const std::string& name) {
  TRY(context.check_deadline("reading a library"));
  TRY_ASSIGN(const LibraryView view, open_library(name));
  return describe_library(*view.state);
}

Result<std::vector<LibraryInfo>> NativeDatabase::libraries(const RequestContext& context,
                                                           const std::string& after_name, std::size_t limit) {
  TRY(context.check_deadline("listing libraries"));
  TRY_ASSIGN(const auto database, engine());
  const Snapshot snapshot = database->snapshot();
  std::vector<const LibraryState*> found;
  snapshot->libraries.for_each([&](LibraryId, const std::shared_ptr<const LibraryState>& library) {
    if (library->definition->spec.name > after_name) found.push_back(library.get());
  });
  const auto count = static_cast<std::ptrdiff_t>(std::min(found.size(), limit + 1));
  std::ranges::partial_sort(
      found, found.begin() + count, {},
      [](const LibraryState* library) -> const std::string& { return library->definition->spec.name; });
  std::vector<LibraryInfo> infos;
  for (std::ptrdiff_t i = 0; i < count; ++i)
    infos.push_back(describe_library(*found[static_cast<std::size_t>(i)]));
  return infos;
}

Result<Document> NativeDatabase::document(const RequestContext& context, const std::string& library,
                                          const std::string& id, const Include& include) {
  TRY(context.check_deadline("reading a document"));
  TRY_ASSIGN(const LibraryView view, open_library(library));
  TRY_ASSIGN(auto document, find_document(view, id));
  if (!document)
    return fail(
        field_error(ErrorCode::kDocumentNotFound, "id", fmt::format("there is no document '{}'", id)));
  if (include.text || include.metadata || include.vector) {
    TRY_ASSIGN(document->chunks, read_chunks(view, document->rows, include));
  }
  return *std::move(document);
}

Result<DocumentPage> NativeDatabase::documents(const RequestContext& context, const std::string& library,
                                               const PageRequest& page) {
  TRY_ASSIGN(const LibraryView view, open_library(library));
  return list_documents(context, view, page);
}

Result<std::uint64_t> NativeDatabase::count_documents(const RequestContext& context,
                                                      const std::string& library, const Filter& where) {
  TRY_ASSIGN(const LibraryView view, open_library(library));
  return sextant::count_documents(context, view, where);
}

Result<std::vector<Chunk>> NativeDatabase::chunks_by_id(const RequestContext& context,
                                                        const std::string& library,
                                                        std::span<const std::string> ids,
                                                        const Include& include) {
  TRY(context.check_deadline("reading chunks"));
  TRY_ASSIGN(const LibraryView view, open_library(library));
  std::vector<RowId> rows;
  for (const std::string& id : ids) {
    TRY_ASSIGN(const auto place, find_chunk(view, id));
    if (place) rows.push_back(place->row);
  }
  return read_chunks(view, rows, include);
}

Result<ChunkPage> NativeDatabase::chunks(const RequestContext& context, const std::string& library,
                                         const PageRequest& page, const Include& include) {
  TRY_ASSIGN(const LibraryView view, open_library(library));
  return list_chunks(context, view, page, include);
}

Result<std::uint64_t> NativeDatabase::count_chunks(const RequestContext& context, const std::string& library,
                                                   const Filter& where, const Filter& where_document) {
  TRY_ASSIGN(const LibraryView view, open_library(library));
  TRY_ASSIGN(const RowMatches matches, match_rows(context, view, where, where_document));
  return matches.count;
}

Result<std::vector<SearchResult>> NativeDatabase::search(const RequestContext& context,
                                                         const std::string& library,
                                                         std::span<const SearchQuery> queries) {
  TRY_ASSIGN(const LibraryView view, open_library(library));
  return sextant::search(context, view, queries);
}

Status NativeDatabase::close() {
  std::shared_ptr<Database> last;
  {
    const ExclusiveLock lock(mutex_);
    last.swap(database_);
  }
  if (!last) return {};
  // Calls under way hold a reference each; they end by themselves, at their deadlines at the latest.
  while (last.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  Status flushed = last->checkpoint();
  last.reset();
  return flushed;
}

}  // namespace sextant
