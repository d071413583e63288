// Service: the verbs of the API, once, for every surface (REST now; others later). Holds the catalogue's
// cache of table providers, checks roles and limits, counts and times every verb.
//
// Thread-safe. Calls block (a write waits for its commit): run them on worker threads. Errors are those of
// the database provider, and of every verb: kShuttingDown, kPermissionDenied, kDeadlineExceeded. Libraries
// may be named in any spelling.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "providers/database.h"
#include "providers/embedder.h"
#include "providers/table_provider.h"
#include "service/admission.h"
#include "service/limits.h"
#include "service/metrics.h"
#include "service/schema_cache.h"

namespace sextant {

struct ServiceOptions {
  ServiceLimits limits;
  Clock* clock = &system_clock();
};

/// Selects chunks by ids or by filter (exactly one of them) for chunks:delete and chunks:patch.
struct ChunkSelection {
  std::vector<std::string> ids;
  bool by_filter = false;
  Filter where;
  Filter where_document;
};

struct HealthReport {
  bool ready = false;
  struct Check {
    std::string name;
    bool ok = false;
    std::string detail;
  };
  std::vector<Check> checks;  // database, embedder, ...
};

class Service {
 public:
  /// `embedder` is the default for libraries that name none; may be null.
  Service(std::shared_ptr<DatabaseProvider> database, std::shared_ptr<Embedder> embedder,
          ServiceOptions options);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// A surface takes one for each request it begins and holds it until the answer is ready; nothing when
  /// max_in_flight are being worked on (kBackpressure). It must not outlive the service.
  std::optional<Admission::Ticket> admit() { return admission_.admit(); }

  // Verbs that make one transaction of their own (all that write, but write()) put it into `request`, whose
  // transactions are ignored, and answer its failure as the call's error.

  // Libraries. The result of a write carries the sequence for its commit token.
  Result<WriteResult> create_library(const RequestContext& context, LibrarySpec spec, WriteRequest request);
  Result<LibraryInfo> library(const RequestContext& context, const std::string& name);
  Result<std::vector<LibraryInfo>> libraries(const RequestContext& context, const std::string& after_name,
                                             std::size_t limit);
  Result<WriteResult> update_library(const RequestContext& context, UpdateLibrary update,
                                     WriteRequest request);
  Result<WriteResult> drop_library(const RequestContext& context, const std::string& name,
                                   WriteRequest request);

  // Documents and chunks: any mix of operations on any libraries. Missing vectors are embedded first; a
  // transaction whose embedding fails is a failed transaction in its place. request.transactions holds the
  // work. The field of a transaction's error begins with "operations[j]", its operation's place in the
  // transaction.
  Result<WriteResult> write(const RequestContext& context, WriteRequest request);
  /// One transaction over all selected chunks, at most limits().max_selected_chunks; its outcome lists them.
  /// A filter is answered from one snapshot. Deleting ids that do not exist is no error (kIgnored); patching
  /// one is kChunkNotFound. When a chunk that a filter selected went meanwhile, patching is
  /// kTransactionConflict: nothing was changed, try again.
  Result<WriteResult> delete_chunks(const RequestContext& context, const std::string& library,
                                    const ChunkSelection& selection, WriteRequest request);
  Result<WriteResult> patch_chunks(const RequestContext& context, const std::string& library,
                                   const ChunkSelection& selection, const Json& metadata_patch,
                                   WriteRequest request);

  Result<Document> document(const RequestContext& context, const std::string& library, const std::string& id,
                            const Include& include);
  Result<DocumentPage> documents(const RequestContext& context, const std::string& library,
                                 const PageRequest& page);
  Result<std::uint64_t> count_documents(const RequestContext& context, const std::string& library,
                                        const Filter& where);
  Result<std::vector<Chunk>> chunks_by_id(const RequestContext& context, const std::string& library,
                                          std::span<const std::string> ids, const Include& include);
  Result<ChunkPage> chunks(const RequestContext& context, const std::string& library, const PageRequest& page,
                           const Include& include);
  Result<std::uint64_t> count_chunks(const RequestContext& context, const std::string& library,
                                     const Filter& where, const Filter& where_document);
  Result<std::vector<SearchResult>> search(const RequestContext& context, const std::string& library,
                                           std::vector<TableQuery> queries);
  Result<SearchResult> similar(const RequestContext& context, const std::string& library,
                               const std::string& chunk_id, SearchQuery query);

  /// Splits a document's text by the library's chunking settings.
  Result<std::vector<ChunkInput>> split(const RequestContext& context, const std::string& library,
                                        const std::string& text);

  std::string commit_token(Sequence sequence) const;
  Status wait_for(const RequestContext& context, std::span<const std::string> tokens);

  HealthReport health();
  ProviderStats stats();
  const ServiceLimits& limits() const { return options_.limits; }
  std::size_t table_provider_count() const { return schemas_.provider_count(); }
  Metrics& metrics() { return metrics_; }
  const std::shared_ptr<Embedder>& default_embedder() const { return embedder_; }

  /// Refuses new calls (kShuttingDown), then closes the database.
  Status close();

 private:
  template <typename Work>
  auto run(Verb verb, const RequestContext& context, Work work) -> decltype(work());
  /// run(), unless the request is a repeat: then the first outcome, without doing any of the work again.
  template <typename Work>
  Result<WriteResult> run_write(Verb verb, const RequestContext& context, const WriteRequest& request,
                                Work work);
  Status check_entry(Verb verb, const RequestContext& context) const;
  Result<WriteResult> write_one(const RequestContext& context, WriteRequest request,
                                std::vector<Operation> operations);
  Result<std::vector<std::string>> select(const RequestContext& context, TableProvider& table,
                                          const ChunkSelection& selection);
  Status adopt_embedding(LibrarySpec& spec, std::shared_ptr<Embedder>& embedder);

  const ServiceOptions options_;
  const std::shared_ptr<DatabaseProvider> database_;
  const std::shared_ptr<Embedder> embedder_;
  Admission admission_;
  Metrics metrics_;
  SchemaCache schemas_;
  std::atomic<bool> closing_{false};
  Mutex close_mutex_;
  std::optional<Status> closed_ GUARDED_BY(close_mutex_);  // what closing the database gave
};

}  // namespace sextant
